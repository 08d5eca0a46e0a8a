//! Users are written whole, once, and never over one another.

use std::collections::BTreeSet;

use shared::domain::{EventKind, LoginKey, Refusal, Role, Version, history::Digest};

use crate::{
    contract,
    ports::{Ports, creation_on, email, refusal},
};

contract!(
    a_created_user_can_be_found,
    unknown_users_are_not_found,
    an_address_belongs_to_one_user,
    a_replayed_change_gives_the_first_answer,
    a_replay_by_somebody_else_gives_the_first_answer,
    a_version_is_made_once,
    the_history_tells_what_happened,
    of_parallel_creations_with_one_address_one_wins,
    parallel_replays_of_one_change_are_one_write,
    roles_may_be_many_or_none,
    administrators_may_be_created_in_parallel,
);

async fn a_created_user_can_be_found(ports: Ports) {
    let user = ports
        .users
        .commit(&ports.creation("ann@example.com"))
        .await
        .unwrap();

    assert_eq!(user.version, Version::FIRST);
    assert_eq!(
        ports.users.find(user.id).await.unwrap().as_ref(),
        Some(&user)
    );
    let key = LoginKey::Email(email("ann@example.com"));
    let login = ports.users.find_login(&key).await.unwrap().unwrap();
    assert_eq!((login.user_id, login.key), (user.id, key));
    assert_eq!(login.password.unwrap().expose(), "$argon2id$of-ann");
}

async fn unknown_users_are_not_found(ports: Ports) {
    let id = ports.user_id();
    assert_eq!(ports.users.find(id).await.unwrap(), None);
    let key = LoginKey::Email(email("nobody@example.com"));
    assert_eq!(ports.users.find_login(&key).await.unwrap(), None);
    assert_eq!(
        ports.users.history_entry(id, Version::FIRST).await.unwrap(),
        None
    );
}

async fn an_address_belongs_to_one_user(ports: Ports) {
    let ann = ports
        .users
        .commit(&ports.creation("ann@example.com"))
        .await
        .unwrap();
    let second = ports.creation("ann@example.com");

    assert_eq!(
        refusal(ports.users.commit(&second).await),
        Refusal::EmailTaken
    );

    assert_eq!(ports.users.find(second.after.id).await.unwrap(), None);
    let entry = ports
        .users
        .history_entry(second.after.id, Version::FIRST)
        .await;
    assert_eq!(entry.unwrap(), None);
    let key = LoginKey::Email(email("ann@example.com"));
    let login = ports.users.find_login(&key).await.unwrap().unwrap();
    assert_eq!(login.user_id, ann.id);
}

async fn a_replayed_change_gives_the_first_answer(ports: Ports) {
    let change = ports.creation("ann@example.com");
    let first = ports.users.commit(&change).await.unwrap();
    (ports.advance)(std::time::Duration::from_secs(5));

    assert_eq!(ports.users.commit(&change).await.unwrap(), first);
    assert_eq!(ports.users.find(first.id).await.unwrap(), Some(first));
}

/// Whoever takes over an `Idempotency-Key` makes the change anew, later and by another request, but
/// under the reserved ids.
async fn a_replay_by_somebody_else_gives_the_first_answer(ports: Ports) {
    let id = ports.user_id();
    let event_id = ports.metadata().event_id;
    let creation = |request_id: &str| {
        let mut metadata = ports.metadata();
        metadata.event_id = event_id;
        request_id.clone_into(&mut metadata.origin.request_id);
        creation_on(&metadata, id, "ann@example.com", &[])
    };
    let first = ports.users.commit(&creation("request-1")).await.unwrap();
    (ports.advance)(std::time::Duration::from_secs(5));

    let second = ports.users.commit(&creation("request-2")).await.unwrap();

    assert_eq!(second, first);
    assert_eq!(ports.users.find(id).await.unwrap(), Some(first));
}

async fn a_version_is_made_once(ports: Ports) {
    let id = ports.user_id();
    let first = ports.creation_of(id, "ann@example.com", &[]);
    let user = ports.users.commit(&first).await.unwrap();

    for address in ["ann@example.com", "ann@example.org"] {
        let second = ports.creation_of(id, address, &[]);
        assert_eq!(
            refusal(ports.users.commit(&second).await),
            Refusal::VersionConflict
        );
    }

    assert_eq!(ports.users.find(id).await.unwrap(), Some(user));
    let key = LoginKey::Email(email("ann@example.org"));
    assert_eq!(ports.users.find_login(&key).await.unwrap(), None);
}

async fn the_history_tells_what_happened(ports: Ports) {
    let change = ports.creation("ann@example.com");
    let user = ports.users.commit(&change).await.unwrap();

    let entry = ports
        .users
        .history_entry(user.id, user.version)
        .await
        .unwrap()
        .unwrap();

    assert!(entry.is_intact());
    assert_eq!(entry.previous, Digest::NONE);
    assert_eq!(entry.hash, user.chain);
    assert_eq!(entry.event.id, change.event_id());
    assert_eq!(entry.event.kind, EventKind::UserCreated);
    assert_eq!(entry.event.user_id, Some(user.id));
    assert_eq!(entry.event.version, Some(user.version));
    assert_eq!(entry.event.time, user.updated_at);
    let private = entry.private.unwrap();
    assert_eq!(private.new_email, Some(user.email));
    assert_eq!(private.request_id, "request-1");
    let next = ports
        .users
        .history_entry(user.id, user.version.next())
        .await;
    assert_eq!(next.unwrap(), None);
}

async fn of_parallel_creations_with_one_address_one_wins(ports: Ports) {
    let changes: Vec<_> = (0..20).map(|_| ports.creation("ann@example.com")).collect();
    let tasks: Vec<_> = changes
        .into_iter()
        .map(|change| {
            let users = ports.users.clone();
            tokio::spawn(async move { (change.after.id, users.commit(&change).await) })
        })
        .collect();

    let mut winners = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            (_, Ok(user)) => winners.push(user),
            (loser, result) => {
                assert_eq!(refusal(result), Refusal::EmailTaken);
                assert_eq!(ports.users.find(loser).await.unwrap(), None);
            }
        }
    }

    let [winner] = &*winners else {
        panic!("{} winners", winners.len())
    };
    let key = LoginKey::Email(winner.email.clone());
    let login = ports.users.find_login(&key).await.unwrap().unwrap();
    assert_eq!(login.user_id, winner.id);
}

async fn parallel_replays_of_one_change_are_one_write(ports: Ports) {
    let change = ports.creation("ann@example.com");
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (users, change) = (ports.users.clone(), change.clone());
            (ports.advance)(std::time::Duration::from_millis(1));
            tokio::spawn(async move { users.commit(&change).await.unwrap() })
        })
        .collect();

    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }

    let stored = ports.users.find(change.after.id).await.unwrap().unwrap();
    assert!(answers.iter().all(|answer| *answer == stored));
}

async fn roles_may_be_many_or_none(ports: Ports) {
    for (address, roles) in [
        ("ann@example.com", vec![]),
        ("bob@example.com", vec!["support", "billing-2"]),
    ] {
        let roles: Vec<Role> = roles
            .into_iter()
            .map(|role| role.parse().unwrap())
            .collect();
        let change = ports.creation_of(ports.user_id(), address, &roles);
        let user = ports.users.commit(&change).await.unwrap();
        let found = ports.users.find(user.id).await.unwrap().unwrap();
        assert_eq!(found.roles, roles.into_iter().collect::<BTreeSet<_>>());
    }
}

async fn administrators_may_be_created_in_parallel(ports: Ports) {
    let tasks: Vec<_> = (0..5)
        .map(|n| {
            let address = format!("admin-{n}@example.com");
            let change = ports.creation_of(ports.user_id(), &address, &[Role::admin()]);
            let users = ports.users.clone();
            tokio::spawn(async move { users.commit(&change).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().is_active_admin());
    }
}
