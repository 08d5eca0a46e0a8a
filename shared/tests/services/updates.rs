//! How often users change their own accounts.

use std::{sync::Arc, time::Duration};

use application::{
    ports::Clock as _,
    user_updates::{Target, UserUpdates},
};
use domain::{Actor, Authority, Error, Origin, Refusal, Result, Role, Roles, User, UserId};
use testing::FakeBackend;

/// Changes an hour, the creation included: see [`FakeBackend::user_updates`].
const MOST: u32 = 20;

struct Ann {
    backend: Arc<FakeBackend>,
    updates: UserUpdates,
    id: UserId,
}

impl Ann {
    /// Who was created just now, and has made all changes but one since.
    async fn busy() -> Self {
        let backend = FakeBackend::new();
        let id = backend.add_user("ann@example.com").await.id;
        let updates = backend.user_updates();
        let ann = Self {
            backend,
            updates,
            id,
        };
        for number in 2..MOST {
            ann.backend.advance(Duration::from_secs(1));
            ann.rename(Actor::User(id), number).await.unwrap();
        }
        ann
    }

    fn target(&self, actor: Actor) -> Target {
        Target {
            id: self.id,
            expected: None,
            origin: Origin {
                actor,
                ..Origin::system("request-1")
            },
            authority: Authority::Admin,
        }
    }

    async fn rename(&self, actor: Actor, number: u32) -> Result<User> {
        let name = format!("Ann {number}");
        let target = self.target(actor);
        let rename = self.updates.update(&target, |user, metadata| {
            Ok(user.rename(name.parse().unwrap(), metadata))
        });
        rename.await
    }
}

/// The whole seconds to wait.
fn wait(outcome: Result<User>) -> u64 {
    match outcome {
        Err(Error::Refused(Refusal::TooManyRequests(wait))) => wait.as_secs(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn users_change_themselves_so_often_an_hour_and_then_wait() {
    let ann = Ann::busy().await;
    let owner = Actor::User(ann.id);
    assert!(!ann.backend.trace().contains(&"users.history_entry"));
    ann.rename(owner, MOST).await.unwrap();
    assert!(!ann.backend.trace().contains(&"users.history_entry"));
    // The first of the changes that count was the creation.
    let hour = Duration::from_hours(1);
    let since = Duration::from_secs(u64::from(MOST) - 2);
    let left = hour.saturating_sub(since);
    assert_eq!(wait(ann.rename(owner, 0).await), left.as_secs());
    ann.backend
        .advance(left.saturating_sub(Duration::from_micros(1)));
    wait(ann.rename(owner, 0).await);
    ann.backend.advance(Duration::from_micros(1));
    ann.rename(owner, 0).await.unwrap();
    // The next is due when the change after the creation is an hour old.
    wait(ann.rename(owner, 1).await);
}

#[tokio::test]
async fn what_shuts_a_thief_out_is_never_refused() {
    let ann = Ann::busy().await;
    let owner = Actor::User(ann.id);
    let request = |user: &User, metadata: &_| {
        let email = "new@example.com".parse().unwrap();
        user.request_email(email, metadata).map(Some)
    };
    let target = ann.target(owner);
    ann.updates.update(&target, request).await.unwrap();
    wait(ann.rename(owner, 0).await);
    let withdraw = |user: &User, metadata: &_| Ok(user.withdraw_email(metadata));
    ann.updates.update(&target, withdraw).await.unwrap();
    wait(ann.updates.update(&target, request).await);
    for _ in 0..3 {
        let end = |user: &User, metadata: &_| Ok(Some(user.end_sessions(metadata)));
        ann.updates.update(&target, end).await.unwrap();
    }
    let erase = |user: &User, metadata: &_| Ok(Some(user.erase(metadata)));
    ann.updates.update(&target, erase).await.unwrap();
}

#[tokio::test]
async fn others_than_the_owner_are_not_limited_by_it() {
    let ann = Ann::busy().await;
    for number in 100..110 {
        ann.rename(Actor::System, number).await.unwrap();
    }
    wait(ann.rename(Actor::User(ann.id), 0).await);
}

/// Sessions, for example. Who may for certain is not looked up once more.
#[tokio::test]
async fn support_touches_nothing_beside_a_user_with_a_role() {
    let backend = FakeBackend::new();
    let updates = backend.user_updates();
    let ann = backend.add_user("ann@example.com").await.id;
    let admin = Roles::from([Role::admin()]);
    let admin = backend.sign_up("Admin", admin).await.id;
    let [nobody, support] = [8, 9].map(|seed| UserId::new(backend.now(), [seed; 10]));
    for (id, actor, authority, expected) in [
        (ann, support, Authority::Support, (true, 1)),
        (admin, support, Authority::Support, (false, 1)),
        (nobody, support, Authority::Support, (false, 1)),
        (admin, support, Authority::Admin, (true, 0)),
        (admin, admin, Authority::None, (true, 0)),
    ] {
        backend.clear_trace();
        let target = Target {
            id,
            expected: None,
            origin: Origin {
                actor: Actor::User(actor),
                ..Origin::system("request-1")
            },
            authority,
        };
        let outcome = updates.check(&target).await;
        assert_eq!((outcome.is_ok(), backend.trace().len()), expected);
    }
}
