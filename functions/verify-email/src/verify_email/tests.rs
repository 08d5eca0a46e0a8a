use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::{
    application::ports::{Clock as _, OneTimeTokens, PasswordHasher, UserRepository as _},
    domain::{Actor, Email, EventKind, LoginKey, Password},
    lambda::http::{Access, Gate, answer},
};
use testing::{Fault, PASSWORD, World, sample::Sample};

use super::*;
use crate::handler;

const PROVE: TokenPurpose = TokenPurpose::EmailVerification;
const MOVE: TokenPurpose = TokenPurpose::EmailChange;

fn service(world: &Arc<World>, policy: SignUpPolicy) -> Arc<VerifyEmail> {
    Arc::new(VerifyEmail {
        policy,
        proving: Proving {
            users: world.clone(),
            tokens: world.clone(),
            first_admin: "ann@example.com".parse().unwrap(),
            circumstances: world.circumstances(),
        },
    })
}

/// A token for the user, as the observer would have mailed it.
async fn issued(world: &Arc<World>, user: &User, purpose: TokenPurpose) -> OneTimeToken {
    world.advance(Duration::from_secs(1));
    let seed = u8::try_from(world.trace().len()).unwrap();
    let token = OneTimeToken::new(purpose, user.id, [seed; 32]);
    let address = match purpose {
        MOVE => user.pending_email.as_ref().unwrap(),
        _ => &user.email,
    };
    let tokens: &dyn OneTimeTokens = world.as_ref();
    assert!(
        tokens
            .issue(&token.issue(address, world.now()))
            .await
            .unwrap()
    );
    token
}

/// The user, who wants another address.
async fn wishing(world: &Arc<World>, user: &User, email: &str) -> User {
    let occasion = world
        .circumstances()
        .occasion(Origin::system("test"))
        .unwrap();
    let wish = user
        .request_email(email.parse().unwrap(), &occasion)
        .unwrap();
    world.commit(&wish).await.unwrap()
}

fn command(token: &OneTimeToken) -> Command {
    Command {
        token: token.clone(),
        origin: Origin::system("test"),
    }
}

fn is_expired(outcome: &Result<User>) -> bool {
    matches!(outcome, Err(Error::Refused(Refusal::TokenExpired)))
}

async fn signs_in(world: &Arc<World>, email: &str) -> bool {
    let key = LoginKey::Email(email.parse::<Email>().unwrap());
    let login = world.find_login(&key).await.unwrap();
    let hash = login.and_then(|login| login.password);
    let hasher: &dyn PasswordHasher = world.as_ref();
    hasher
        .verify(&Password::presented(PASSWORD), hash.as_ref())
        .await
        .unwrap()
}

async fn put(world: &Arc<World>, body: &Value) -> (u16, Value) {
    let request = Sample::new("PUT", "/email-verifications").json(body);
    let response = answer(
        handler::ACCESS,
        &Gate::open(""),
        service(world, SignUpPolicy::Open),
        &handler::handle,
        request.into_request().unwrap(),
    )
    .await;
    let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    (response.status().as_u16(), body)
}

#[tokio::test]
async fn a_token_proves_the_present_address_once() {
    let world = World::new();
    let bob = world.add_user("bob@example.com").await.unwrap();
    let token = issued(&world, &bob, PROVE).await;
    let body = json!({"token": token.encode().expose_secret()});
    assert_eq!(put(&world, &body).await, (204, Value::Null));
    let after = &world.users()[0];
    assert!(after.email_verified && after.roles.is_empty());
    let event = world.outbox().pop().unwrap();
    assert_eq!(event.kind, EventKind::UserEmailVerified);
    assert_eq!(event.actor, Actor::User(bob.id));
    let (status, problem) = put(&world, &body).await;
    assert_eq!((status, &problem["code"]), (410, &json!("token-expired")));
    assert_eq!(put(&world, &json!({"token": "x"})).await.0, 410);
    assert_eq!(put(&world, &json!({})).await.0, 422);
    assert_eq!(handler::ACCESS, Access::Anyone);
}

#[tokio::test]
async fn the_old_address_works_until_the_new_one_is_proven() {
    let world = World::new();
    let bob = world.add_user("bob@example.com").await.unwrap();
    let bob = wishing(&world, &bob, "new@example.com").await;
    let token = issued(&world, &bob, MOVE).await;
    assert!(signs_in(&world, "bob@example.com").await);
    assert!(!signs_in(&world, "new@example.com").await);
    let service = service(&world, SignUpPolicy::Open);
    let moved = service.execute(command(&token)).await.unwrap();
    assert_eq!(moved.email.as_str(), "new@example.com");
    assert!(moved.email_verified && moved.pending_email.is_none());
    assert!(!signs_in(&world, "bob@example.com").await, "free again");
    assert!(
        signs_in(&world, "new@example.com").await,
        "with the same password"
    );
    assert_eq!(
        world.outbox().pop().unwrap().kind,
        EventKind::UserEmailChanged
    );
    assert!(is_expired(&service.execute(command(&token)).await));
}

/// Whoever asked for an address of their own must not prove another one with its token.
#[tokio::test]
async fn a_token_for_one_new_address_proves_no_other() {
    let world = World::new();
    let bob = world.add_user("bob@example.com").await.unwrap();
    let bob = wishing(&world, &bob, "own@example.com").await;
    let token = issued(&world, &bob, MOVE).await;
    wishing(&world, &bob, "victim@example.com").await;
    let outcome = service(&world, SignUpPolicy::Open)
        .execute(command(&token))
        .await;
    assert!(is_expired(&outcome));
    assert_eq!(world.users()[0].email.as_str(), "bob@example.com");
}

#[tokio::test]
async fn of_two_users_who_race_for_an_address_one_gets_it() {
    for (policy, refusal) in [
        (SignUpPolicy::Open, Refusal::EmailTaken),
        (SignUpPolicy::Admin, Refusal::EmailTaken),
        (SignUpPolicy::Concealed, Refusal::TokenExpired),
    ] {
        let world = World::new();
        let service = service(&world, policy);
        let mut tokens = Vec::new();
        for email in ["bob@example.com", "eve@example.com"] {
            let user = world.add_user(email).await.unwrap();
            let user = wishing(&world, &user, "new@example.com").await;
            tokens.push(issued(&world, &user, MOVE).await);
        }
        let (one, two) = tokio::join!(
            service.execute(command(&tokens[0])),
            service.execute(command(&tokens[1])),
        );
        assert!(one.is_ok());
        assert!(
            matches!(two, Err(Error::Refused(told)) if told == refusal),
            "{policy:?}"
        );
        assert!(
            signs_in(&world, "eve@example.com").await,
            "the loser keeps the old one"
        );
    }
}

#[tokio::test]
async fn a_token_is_bound_to_purpose_and_time() {
    let world = World::new();
    let bob = world.add_user("bob@example.com").await.unwrap();
    let service = service(&world, SignUpPolicy::Open);
    let reset = issued(&world, &bob, TokenPurpose::PasswordReset).await;
    assert!(is_expired(&service.execute(command(&reset)).await));
    let late = issued(&world, &bob, PROVE).await;
    world.advance(PROVE.lifetime());
    assert!(is_expired(&service.execute(command(&late)).await));
    let bob = wishing(&world, &bob, "new@example.com").await;
    let change = issued(&world, &bob, MOVE).await;
    service.execute(command(&change)).await.unwrap();
    assert!(is_expired(&service.execute(command(&change)).await));
}

#[tokio::test]
async fn one_of_two_who_prove_the_first_administrators_address_becomes_one() {
    let world = World::new();
    let service = service(&world, SignUpPolicy::Open);
    let ann = world.add_user("ann@example.com").await.unwrap();
    let token = issued(&world, &ann, PROVE).await;
    let ann = service.execute(command(&token)).await.unwrap();
    assert!(ann.is_active_admin());
    let event = world.outbox().pop().unwrap();
    assert_eq!(event.data.changed, ["emailVerified", "roles"]);

    // The address moves on, and the next who has it is nobody special.
    let ann = wishing(&world, &ann, "other@example.com").await;
    let token = issued(&world, &ann, MOVE).await;
    service.execute(command(&token)).await.unwrap();
    let next = world.add_user("ann@example.com").await.unwrap();
    let token = issued(&world, &next, PROVE).await;
    assert!(
        service
            .execute(command(&token))
            .await
            .unwrap()
            .roles
            .is_empty()
    );
}

/// Whatever fails wherever, the address and its login move together, once.
#[tokio::test]
async fn a_move_survives_every_fault() {
    let tried = World::try_every_fault(async |fault: Fault| {
        let world = World::new();
        let bob = world.add_user("bob@example.com").await.unwrap();
        let bob = wishing(&world, &bob, "ann@example.com").await;
        let token = issued(&world, &bob, MOVE).await;
        let service = service(&world, SignUpPolicy::Open);
        let (_, fired) = world
            .with_fault(fault, service.execute(command(&token)))
            .await;
        let again = service.execute(command(&token)).await;
        assert!(again.is_ok() || is_expired(&again), "{fault:?}");
        assert!(signs_in(&world, "ann@example.com").await, "{fault:?}");
        assert!(!signs_in(&world, "bob@example.com").await, "{fault:?}");
        let after = &world.users()[0];
        assert!(after.is_active_admin(), "{fault:?}");
        assert_eq!(
            (after.version, world.outbox().len()),
            (bob.version.next(), 3)
        );
        fired
    })
    .await;
    assert_eq!(tried, 4 * 4, "four calls, each with four faults");
}
