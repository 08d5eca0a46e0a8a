use std::time::Duration;

use serde_json::{Value, json};
use shared::{
    application::ports::{Clock as _, OneTimeTokens, UserRepository as _},
    domain::{
        Actor, Email, Error, EventKind, FirstAdmin, LoginKey, Password, Role, UserId,
        change::Occasion,
    },
    lambda::http::{Gate, answer},
};
use testing::{Fault, PASSWORD, World, sample::Sample};

use super::*;
use crate::handler;

const NEW: &str = "plain granite kettle 47";
const RESET: TokenPurpose = TokenPurpose::PasswordReset;

fn service_for(world: &Arc<World>, first_admin: &str) -> Arc<ResetPassword> {
    Arc::new(ResetPassword {
        passwords: PasswordPolicy::default(),
        hasher: world.clone(),
        throttle: world.throttle(),
        proving: Proving {
            users: world.clone(),
            tokens: world.clone(),
            first_admin: first_admin.parse::<FirstAdmin>().unwrap(),
            circumstances: world.circumstances(),
        },
    })
}

fn service(world: &Arc<World>) -> Arc<ResetPassword> {
    service_for(world, "")
}

/// A token for Ann, as the observer would have mailed it.
async fn issued(world: &Arc<World>, user: &User, purpose: TokenPurpose, seed: u8) -> OneTimeToken {
    world.advance(Duration::from_secs(1));
    let token = OneTimeToken::new(purpose, user.id, [seed; 32]);
    let tokens: &dyn OneTimeTokens = world.as_ref();
    assert!(
        tokens
            .issue(&token.issue(&user.email, world.now()))
            .await
            .unwrap()
    );
    token
}

fn command(token: &OneTimeToken, password: &str) -> Command {
    Command {
        token: token.clone(),
        password: password.to_owned().into(),
        origin: Origin::system("test"),
    }
}

fn is_expired(outcome: &Result<User>) -> bool {
    matches!(outcome, Err(Error::Refused(Refusal::TokenExpired)))
}

async fn signs_in(world: &Arc<World>, email: &str, password: &str) -> bool {
    let key = LoginKey::Email(email.parse::<Email>().unwrap());
    let login = world.find_login(&key).await.unwrap().unwrap();
    let hasher: &dyn PasswordHasher = world.as_ref();
    let password = Password::presented(password);
    hasher
        .verify(&password, login.password.as_ref())
        .await
        .unwrap()
}

async fn put(world: &Arc<World>, body: &Value) -> (u16, Value) {
    let request = Sample::new("PUT", "/password-resets").json(body);
    let response = answer(
        handler::ACCESS,
        &Gate::open(""),
        service(world),
        &handler::handle,
        request.into_request().unwrap(),
    )
    .await;
    let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    (response.status().as_u16(), body)
}

#[tokio::test]
async fn a_token_gives_a_new_password_once() {
    let world = World::new();
    let ann = world.add_user("ann@example.com").await.unwrap();
    let token = issued(&world, &ann, RESET, 1).await;
    let body = json!({"token": token.encode().expose_secret(), "newPassword": NEW});
    world.clear_trace();
    assert_eq!(put(&world, &body).await, (204, Value::Null));
    assert_eq!(
        world.trace(),
        [
            "users.find",
            "tokens.is_good",
            "hasher.hash",
            "attempts.clear",
            "users.find",
            "users.commit"
        ]
    );
    assert!(signs_in(&world, "ann@example.com", NEW).await);
    assert!(!signs_in(&world, "ann@example.com", PASSWORD).await);
    let after = &world.users()[0];
    assert!(after.email_verified, "the address is proven too");
    assert_eq!(after.auth_epoch, ann.auth_epoch + 1, "sessions ended");
    let event = world.outbox().pop().unwrap();
    assert_eq!(event.kind, EventKind::UserPasswordChanged);
    assert_eq!(event.actor, Actor::User(ann.id));

    let (status, problem) = put(&world, &body).await;
    assert_eq!((status, &problem["code"]), (410, &json!("token-expired")));
}

#[tokio::test]
async fn of_parallel_uses_one_counts() {
    let world = World::new();
    let ann = world.add_user("ann@example.com").await.unwrap();
    let token = issued(&world, &ann, RESET, 1).await;
    let service = service(&world);
    let other = "seven quiet violet lanterns";
    let (one, two) = tokio::join!(
        service.execute(command(&token, NEW)),
        service.execute(command(&token, other)),
    );
    assert!(one.is_ok() != two.is_ok() && (is_expired(&one) || is_expired(&two)));
    assert_eq!(world.users()[0].version, ann.version.next());
}

#[tokio::test]
async fn only_the_newest_token_of_the_right_purpose_user_and_time_is_good() {
    let world = World::new();
    let ann = world.add_user("ann@example.com").await.unwrap();
    let bob = world.add_user("bob@example.com").await.unwrap();
    let service = service(&world);
    let older = issued(&world, &ann, RESET, 1).await;
    let newer = issued(&world, &ann, RESET, 2).await;
    let other = issued(&world, &ann, TokenPurpose::EmailVerification, 3).await;
    let as_reset = OneTimeToken::new(RESET, ann.id, [3; 32]);
    let of_bob = OneTimeToken::new(RESET, bob.id, [2; 32]);
    let of_nobody = OneTimeToken::new(RESET, UserId::new(world.now(), [9; 10]), [2; 32]);
    for bad in [older, other, as_reset, of_bob, of_nobody] {
        world.clear_trace();
        // A weak password too: nothing is said of it.
        assert!(is_expired(
            &service.execute(command(&bad, "ann example")).await
        ));
        assert!(
            !world.trace().contains(&"hasher.hash"),
            "no hash for a bad token"
        );
    }
    world.advance(RESET.lifetime().saturating_sub(Duration::from_secs(2)));
    service.execute(command(&newer, NEW)).await.unwrap();
    let late = issued(&world, &ann, RESET, 4).await;
    world.advance(RESET.lifetime());
    assert!(is_expired(&service.execute(command(&late, NEW)).await));
}

#[tokio::test]
async fn a_weak_password_leaves_the_token_good() {
    let world = World::new();
    let ann = world.add_user("ann.example@mail.org").await.unwrap();
    let token = issued(&world, &ann, RESET, 1).await;
    let encoded = token.encode().expose_secret().to_owned();
    for weak in ["short", "Ann Example", "ann.example"] {
        let (status, problem) = put(&world, &json!({"token": encoded, "newPassword": weak})).await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (422, &json!("/newPassword"))
        );
    }
    service(&world).execute(command(&token, NEW)).await.unwrap();
}

#[tokio::test]
async fn a_token_mailed_to_the_old_address_dies_with_it() {
    let world = World::new();
    let ann = world.add_user("ann@example.com").await.unwrap();
    let token = issued(&world, &ann, RESET, 1).await;
    let on = || -> Occasion {
        world
            .circumstances()
            .occasion(Origin::system("test"))
            .unwrap()
    };
    let wish = ann
        .request_email("new@example.com".parse().unwrap(), &on())
        .unwrap();
    let ann = world.commit(&wish).await.unwrap();
    world
        .commit(&ann.confirm_email(None, &on()).unwrap())
        .await
        .unwrap();
    assert!(is_expired(
        &service(&world).execute(command(&token, NEW)).await
    ));
}

#[tokio::test]
async fn who_was_deactivated_stays_so() {
    let world = World::new();
    let ann = world.add_user("ann@example.com").await.unwrap();
    let token = issued(&world, &ann, RESET, 1).await;
    world.tamper(ann.id, |user| user.active = false);
    assert!(is_expired(
        &service(&world).execute(command(&token, NEW)).await
    ));
}

#[tokio::test]
async fn the_first_administrator_is_whoever_proves_the_address_first() {
    let world = World::new();
    let service = service_for(&world, "ann@example.com");
    let bob = world.add_user("bob@example.com").await.unwrap();
    let token = issued(&world, &bob, RESET, 1).await;
    assert!(
        service
            .execute(command(&token, NEW))
            .await
            .unwrap()
            .roles
            .is_empty()
    );
    let ann = world.add_user("ann@example.com").await.unwrap();
    assert!(ann.roles.is_empty(), "signing up is not enough");
    let token = issued(&world, &ann, RESET, 2).await;
    let ann = service.execute(command(&token, NEW)).await.unwrap();
    assert!(ann.is_active_admin());
    let event = world.outbox().pop().unwrap();
    assert_eq!(event.data.changed, ["password", "emailVerified", "roles"]);

    // With an administrator there, nobody else becomes one.
    let late = service_for(&world, "bob@example.com");
    let token = issued(&world, &bob, RESET, 3).await;
    assert!(
        late.execute(command(&token, NEW))
            .await
            .unwrap()
            .roles
            .is_empty()
    );
    assert!(!ann.roles.contains(&"other".parse::<Role>().unwrap()));
}

/// Whatever fails wherever, the password is the old one or the new one; and whoever got no answer
/// and tries again has the new one, or hears that the token was used.
#[tokio::test]
async fn a_reset_survives_every_fault() {
    let tried = World::try_every_fault(async |fault: Fault| {
        let world = World::new();
        let ann = world.add_user("ann@example.com").await.unwrap();
        let token = issued(&world, &ann, RESET, 1).await;
        let service = service_for(&world, "ann@example.com");
        let (_, fired) = world
            .with_fault(fault, service.execute(command(&token, NEW)))
            .await;
        let again = service.execute(command(&token, NEW)).await;
        assert!(again.is_ok() || is_expired(&again), "{fault:?}");
        assert!(signs_in(&world, "ann@example.com", NEW).await, "{fault:?}");
        let after = &world.users()[0];
        assert!(after.is_active_admin(), "{fault:?}");
        assert_eq!(
            (after.version, world.outbox().len()),
            (ann.version.next(), 2)
        );
        fired
    })
    .await;
    assert_eq!(tried, 4 * 7, "seven calls, each with four faults");
}

/// Who is locked out by somebody else's guesses gets in by mail.
#[tokio::test]
async fn a_reset_forgives_wrong_guesses() {
    let world = World::new();
    let ann = world.add_user("ann@example.com").await.unwrap();
    let throttle = world.sign_in_throttle(1);
    let origin = Origin::system("test");
    let spend = async || throttle.spend(Some(&ann.email), &origin).await.unwrap();
    assert!(spend().await.is_ok());
    assert!(spend().await.is_err(), "locked");
    let token = issued(&world, &ann, RESET, 1).await;
    let weak = service(&world).execute(command(&token, "password")).await;
    assert!(matches!(weak, Err(Error::Invalid(_))));
    assert!(spend().await.is_err(), "nothing was proven yet");
    let reset = service(&world).execute(command(&token, NEW)).await;
    assert!(reset.is_ok() && spend().await.is_ok());
}
