//! The reader of the mail chooses a password, or shows the one of a sign-up that waits.

use testing::SIGN_UPS;

use super::*;

#[tokio::test]
async fn a_new_password_takes_an_account_over_which_nobody_confirmed() {
    let backend = FakeBackend::new();
    let stranger = backend.add_unproven(BOB, Standing::Provisional).await;
    let session = backend.sign_in(&stranger).await;
    let token = issued(&backend, &stranger, VERIFY).await;
    let weak = choose(&backend, &token, "bob").await;
    assert_eq!(weak.invalid_fields()[0].0, "/newPassword");

    let answer = choose(&backend, &token, NEW).await;

    assert_eq!(answer.status, 201);
    let user = &backend.users()[0];
    assert_eq!(backend.users().len(), 1);
    assert_ne!(user.id, stranger.id, "nothing of before stays");
    assert_eq!(answer.body["user"]["id"], user.id.to_string());
    assert_eq!(
        answer.header("location"),
        Some(&*format!("/users/{}", user.id))
    );
    assert_eq!(user.name.as_str(), "bob", "not what the stranger chose");
    assert!(user.email_verified && user.standing == Standing::Settled);
    assert!(!signs_in(&backend, BOB).await);
    let kinds: Vec<_> = backend
        .outbox()
        .iter()
        .rev()
        .map(|event| event.kind)
        .collect();
    let expected = [
        EventKind::SessionStarted,
        EventKind::UserCreated,
        EventKind::UserDeleted,
    ];
    assert_eq!(kinds[..3], expected);
    assert_eq!(backend.outbox().pop().unwrap().actor, Actor::User(user.id));
    let dead = put_as(&backend, &session, &json!({"token": "x"})).await;
    assert_eq!(dead.problem(), (401, "unauthenticated"));
    assert_eq!(choose(&backend, &token, NEW).await.problem(), EXPIRED);
}

#[tokio::test]
async fn accounts_that_replace_another_are_counted_as_sign_ups() {
    let backend = FakeBackend::new();
    let replace = async |n: u32| {
        let email = format!("bob{n}@example.com");
        let stranger = backend.add_unproven(&email, Standing::Provisional).await;
        let token = issued(&backend, &stranger, VERIFY).await;
        (choose(&backend, &token, NEW).await, token, stranger)
    };
    for n in 0..SIGN_UPS {
        assert_eq!(replace(n).await.0.status, 201);
    }
    let (refused, token, stranger) = replace(SIGN_UPS).await;
    assert_eq!(refused.problem(), (429, "too-many-requests"));
    let session = backend.sign_in(&stranger).await;
    let body = json!({"token": text(&token), "newPassword": NEW});
    let kept = put_as(&backend, &session, &body).await;
    assert_eq!(kept.status, 201, "an account that stays is no new one");
}

#[tokio::test]
async fn the_new_user_may_bring_a_name() {
    let backend = FakeBackend::new();
    let stranger = backend.add_unproven(BOB, Standing::Provisional).await;
    let token = issued(&backend, &stranger, VERIFY).await;
    let body = json!({"token": text(&token), "newPassword": NEW, "name": "Bob Example"});
    let answer = put(&backend, &body).await;
    assert_eq!(answer.body["user"]["name"], "Bob Example");
}

#[tokio::test]
async fn with_its_own_session_an_account_keeps_its_id() {
    let backend = FakeBackend::new();
    let bob = backend.add_unproven(BOB, Standing::Provisional).await;
    let session = backend.sign_in(&bob).await;
    let token = issued(&backend, &bob, VERIFY).await;
    let body = json!({"token": text(&token), "newPassword": NEW});
    let answer = put_as(&backend, &session, &body).await;
    assert_eq!(answer.status, 201);
    let after = backend.user(bob.id).unwrap();
    assert!(after.email_verified && after.auth_epoch > bob.auth_epoch);
    assert_eq!(after.name, bob.name);
}

#[tokio::test]
async fn an_account_of_before_and_an_invited_one_are_never_replaced() {
    for standing in [Standing::Settled, Standing::Invited] {
        let backend = FakeBackend::new();
        let bob = backend.add_unproven(BOB, standing).await;
        let purpose = if standing == Standing::Invited {
            TokenPurpose::Invitation
        } else {
            VERIFY
        };
        let token = issued(&backend, &bob, purpose).await;
        let body = json!({"token": text(&token), "newPassword": NEW, "name": "Robert"});
        let answer = put(&backend, &body).await;
        assert_eq!(answer.status, 201);
        let after = backend.user(bob.id).unwrap();
        assert!(after.email_verified && after.standing == Standing::Settled);
        assert!(!signs_in(&backend, BOB).await);
        let is_renamed = after.name.as_str() == "Robert";
        assert_eq!(is_renamed, standing == Standing::Invited);
    }
}

#[tokio::test]
async fn a_sign_up_that_waits_becomes_an_account() {
    for chosen in [PASSWORD, NEW] {
        let backend = FakeBackend::new();
        let token = waiting(&backend, BOB, 7).await;
        let bare = put(&backend, &json!({"token": text(&token)})).await;
        assert_eq!(bare.problem(), (401, "proof-required"));
        let wrong = json!({"token": text(&token), "password": "wrong"});
        assert_eq!(put(&backend, &wrong).await.status, 401);
        let answer = if chosen == NEW {
            choose(&backend, &token, NEW).await
        } else {
            redeem(&backend, SignUpPolicy::Concealed, &token).await
        };
        assert_eq!(answer.status, if chosen == NEW { 201 } else { 204 });
        let user = &backend.users()[0];
        assert_eq!(user.id, token.user_id);
        let events = backend.outbox().into_iter();
        let mut created = events.filter(|event| event.kind == EventKind::UserCreated);
        let who = created.next().unwrap().actor;
        assert_eq!(who, Actor::User(user.id), "who reads the mail");
        assert!(user.email_verified && user.standing == Standing::Settled);
        assert_eq!(signs_in(&backend, BOB).await, chosen == PASSWORD);
        let name = if chosen == NEW { "bob" } else { "Ann Example" };
        assert_eq!(user.name.as_str(), name, "a stranger may have signed up");
        assert_eq!(backend.pending_requests(), 0, "the hash goes with it");
        let again = if chosen == NEW {
            choose(&backend, &token, NEW).await
        } else {
            redeem(&backend, OPEN, &token).await
        };
        assert_eq!((again.status, again.body), (204, Value::Null));
        assert_eq!(
            choose(&backend, &token, "another kettle 48")
                .await
                .problem(),
            EXPIRED
        );
    }
}

#[tokio::test]
async fn of_several_sign_ups_with_an_address_the_first_to_be_proven_wins() {
    let backend = FakeBackend::new();
    let tokens = [
        waiting(&backend, BOB, 1).await,
        waiting(&backend, BOB, 2).await,
    ];
    assert_eq!(redeem(&backend, OPEN, &tokens[1]).await.status, 204);
    assert_eq!(redeem(&backend, OPEN, &tokens[0]).await.problem(), EXPIRED);
    assert_eq!(choose(&backend, &tokens[0], NEW).await.problem(), EXPIRED);
    assert_eq!(backend.users().len(), 1);
    assert!(signs_in(&backend, BOB).await);
}

#[tokio::test]
async fn the_first_administrator_proves_the_address_and_chooses_the_password_in_one_act() {
    let is_admin = async |backend: &Arc<FakeBackend>| {
        let users = backend.users();
        users.iter().any(User::is_active_admin)
    };
    let backend = FakeBackend::new();
    let stranger = backend.add_unproven(ANN, Standing::Provisional).await;
    let token = issued(&backend, &stranger, VERIFY).await;
    assert_eq!(redeem(&backend, OPEN, &token).await.status, 204);
    assert!(
        !is_admin(&backend).await,
        "the password may be a stranger's"
    );

    let backend = FakeBackend::new();
    let stranger = backend.add_unproven(ANN, Standing::Provisional).await;
    let token = issued(&backend, &stranger, VERIFY).await;
    assert_eq!(choose(&backend, &token, NEW).await.status, 201);
    assert!(is_admin(&backend).await);

    for by_choice in [true, false] {
        let backend = FakeBackend::new();
        let token = waiting(&backend, ANN, 7).await;
        if by_choice {
            assert_eq!(choose(&backend, &token, NEW).await.status, 201);
        } else {
            assert_eq!(redeem(&backend, OPEN, &token).await.status, 204);
        }
        assert_eq!(is_admin(&backend).await, by_choice);
    }
}

#[tokio::test]
async fn nobody_becomes_the_first_administrator_after_another() {
    let backend = FakeBackend::new();
    let ann = backend.add_unproven(ANN, Standing::Provisional).await;
    let token = issued(&backend, &ann, VERIFY).await;
    assert_eq!(choose(&backend, &token, NEW).await.status, 201);
    let ann = backend.users().remove(0);
    let ann = moving(&backend, &ann, "other@example.com").await;
    let confirm = |ann: &User, metadata: &_| ann.confirm_email(None, metadata);
    backend.change(ann.id, confirm).await;
    let next = backend.add_unproven(ANN, Standing::Provisional).await;
    let token = issued(&backend, &next, VERIFY).await;
    let answer = choose(&backend, &token, NEW).await;
    assert_eq!(answer.body["user"]["roles"], json!([]));
}

/// The old account and the new one change places together, once.
#[tokio::test]
async fn a_take_over_survives_every_fault() {
    let calls = FakeBackend::survives_every_fault(
        async |backend| {
            let stranger = backend.add_unproven(ANN, Standing::Provisional).await;
            issued(backend, &stranger, VERIFY).await
        },
        async |backend, token| {
            let answer = choose(backend, token, NEW).await;
            let is_done = answer.status == 201 || answer.problem() == EXPIRED;
            is_done.then_some(()).ok_or(format!("{answer:?}"))
        },
        async |backend, token| {
            let users = backend.users();
            users.len() == 1
                && users[0].id != token.user_id
                && users[0].is_active_admin()
                && !signs_in(backend, ANN).await
        },
    )
    .await;
    assert_eq!(calls.len(), 12, "{calls:?}");
}
