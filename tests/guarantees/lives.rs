//! Lives of users, as clients and administrators lead them. A life ends early, with none, if a link never
//! comes, which only the guarantee `never-twice` allows.

mod administration;

use serde_json::{Value, json};
use shared::domain::{
    Role, Roles, TokenPurpose,
    identity::{IdentityId, IdentityProfile},
    sign_up::SignUpPolicy,
};
use std::{future::Future, pin::Pin, time::Duration};
use testing::{PASSWORD, Person, TestRequest, identity};

use self::administration::{
    an_invited_person, another_service, in_the_hands_of_administrators, invite, operators,
};
use crate::world::World;

const ANN: &str = "ann@example.com";
const ANNA: &str = "anna@example.com";
const EVE: &str = "eve@example.com";
const NEW: &str = "seven purple kites aloft";
const NEWER: &str = "nine copper lanterns adrift";

/// A link goes with the account that it was for.
const GONE: (u16, &str) = (410, "token-expired");

/// Longer than the pause between two mails of one kind to one address.
const PAUSE: Duration = Duration::from_secs(61);

type Lived<'a> = Pin<Box<dyn Future<Output = Option<()>> + 'a>>;

/// A life, and the policy under which it begins.
pub(crate) struct Life {
    pub(crate) name: &'static str,
    pub(crate) policy: SignUpPolicy,
    pub(crate) live: for<'a> fn(&'a World<'a>, &'a Person) -> Lived<'a>,
}

macro_rules! life {
    ($name:ident, $policy:ident) => {
        Life {
            name: stringify!($name),
            policy: SignUpPolicy::$policy,
            live: |world, admin| Box::pin($name(world, admin)),
        }
    };
}

/// All of them.
pub(crate) const LIVES: &[Life] = &[
    life!(an_account_of_ones_own, Open),
    life!(ways_in_and_out, Open),
    life!(an_invited_person, Open),
    life!(in_the_hands_of_administrators, Open),
    life!(strangers, Open),
    life!(a_concealed_sign_up, Concealed),
    life!(operators, Open),
    life!(another_service, Open),
];

fn bearer(token: &str, body: Value) -> impl Fn(TestRequest) -> TestRequest {
    let token = token.to_owned();
    move |request| request.id("me").bearer(&token).json(&body)
}

/// As the administrator, about a user.
fn about(admin: &Person, id: &str) -> impl Fn(TestRequest) -> TestRequest + use<> {
    let (token, id) = (admin.token.clone(), id.to_owned());
    move |request| request.id(&id).bearer(&token)
}

fn body(body: Value) -> impl Fn(TestRequest) -> TestRequest {
    move |request| request.json(&body)
}

/// Signs up, proves the address, and signs in.
async fn ann(world: &World<'_>) -> Option<(String, String)> {
    world.sign_up(ANN).await;
    let token = world.link(TokenPurpose::EmailVerification, ANN).await?;
    let confirm = body(json!({"token": token, "password": PASSWORD}));
    world
        .accepted("PUT /email-verifications", 204, &[], confirm)
        .await;
    Some(world.sign_in(ANN, PASSWORD).await)
}

/// Sign-up, proof, another name, another address, another password, erasure.
async fn an_account_of_ones_own(world: &World<'_>, _: &Person) -> Option<()> {
    let (access, _) = ann(world).await?;
    let taken = json!({"email": ANN, "name": "Bob", "password": PASSWORD});
    world
        .refused("POST /users", (409, "email-taken"), body(taken))
        .await;
    let rename = bearer(&access, json!({"name": "Anna Example"}));
    world.accepted("PATCH /users/{id}", 200, &[], rename).await;
    let stale = |request: TestRequest| {
        bearer(&access, json!({"name": "Bob"}))(request).header("if-match", "\"1\"")
    };
    world
        .refused("PATCH /users/{id}", (412, "precondition-failed"), stale)
        .await;

    let wish = || bearer(&access, json!({"email": ANNA, "currentPassword": PASSWORD}));
    world
        .accepted("PUT /users/{id}/email", 202, &[], wish())
        .await;
    world
        .accepted(
            "DELETE /users/{id}/email",
            204,
            &[],
            bearer(&access, Value::Null),
        )
        .await;
    world.backend.advance(PAUSE);
    world
        .accepted("PUT /users/{id}/email", 202, &[], wish())
        .await;
    let token = world.link(TokenPurpose::EmailChange, ANNA).await?;
    let confirm = bearer(&access, json!({"token": token}));
    world
        .accepted("PUT /email-verifications", 204, &[], confirm)
        .await;

    let (access, _) = world.sign_in(ANNA, PASSWORD).await;
    let wrong = json!({"currentPassword": NEW, "newPassword": NEWER});
    world
        .refused(
            "PUT /users/{id}/password",
            (401, "invalid-credentials"),
            bearer(&access, wrong),
        )
        .await;
    let change = json!({"currentPassword": PASSWORD, "newPassword": NEW});
    let change = |request: TestRequest| {
        bearer(&access, change.clone())(request).header("idempotency-key", "change")
    };
    world
        .accepted("PUT /users/{id}/password", 204, &[], change)
        .await;

    let (access, _) = world.sign_in(ANNA, NEW).await;
    let erase = |request: TestRequest| {
        let request = request.id("me").bearer(&access);
        request.header("idempotency-key", "erase")
    };
    world.accepted("DELETE /users/{id}", 204, &[], erase).await;
    Some(())
}

/// Sessions, a reset, an identity elsewhere.
async fn ways_in_and_out(world: &World<'_>, _: &Person) -> Option<()> {
    world.backend.offer_provider("a");
    let (access, refresh) = ann(world).await?;
    let refresh = body(json!({"refreshToken": refresh}));
    world
        .accepted("POST /sessions/refresh", 200, &[], refresh)
        .await;
    let proof = bearer(&access, json!({"email": ANN, "password": PASSWORD}));
    world
        .accepted("POST /sessions/current/proof", 200, &[], proof)
        .await;
    // A code each for the first attempt and for a repetition.
    for _ in 0..2 {
        let profile = IdentityProfile::default();
        world.backend.authorize("a", "1", "code", profile);
    }
    let authorization = json!({
        "provider": "a",
        "code": "code",
        "codeVerifier": "v".repeat(43),
        "nonce": "n-0123456789abcdef",
        "redirectUri": "https://app.example.com/callback",
    });
    let link = bearer(&access, authorization);
    world
        .accepted("POST /users/{id}/identities", 201, &[], link)
        .await;
    let identity = serde_json::to_value(IdentityId::of(&identity("a", "1"))).expect("an id");
    let identity = identity.as_str().expect("a text");
    let unlink = |request: TestRequest| {
        request
            .id("me")
            .bearer(&access)
            .parameter("identity", identity)
    };
    world
        .accepted(
            "DELETE /users/{id}/identities/{identity}",
            204,
            &[(401, "unauthenticated")],
            unlink,
        )
        .await;

    let ask = body(json!({"email": ANN}));
    world.accepted("POST /password-resets", 202, &[], ask).await;
    let token = world.link(TokenPurpose::PasswordReset, ANN).await?;
    let reset = body(json!({"token": token, "newPassword": NEW}));
    world
        .accepted("PUT /password-resets", 200, &[(204, "")], reset)
        .await;
    let (access, _) = world.sign_in(ANN, NEW).await;
    let gone = (401, "unauthenticated");
    let out = |request: TestRequest| request.bearer(&access);
    world
        .accepted("DELETE /sessions/current", 204, &[gone], out)
        .await;
    let (access, _) = world.sign_in(ANN, NEW).await;
    let all = |request: TestRequest| request.id("me").bearer(&access);
    world
        .accepted("DELETE /users/{id}/sessions", 204, &[gone], all)
        .await;
    Some(())
}

/// An account made with the address of somebody else is taken over by its owner, another is erased by
/// hers, and an invitation is withdrawn.
async fn strangers(world: &World<'_>, admin: &Person) -> Option<()> {
    world.sign_up(ANN).await;
    world.backend.advance(PAUSE);
    let ask = body(json!({"email": ANN}));
    world
        .accepted("POST /email-verifications", 202, &[], ask)
        .await;
    let token = world.link(TokenPurpose::EmailVerification, ANN).await?;
    let take_over = body(json!({"token": token, "newPassword": NEW, "name": "The Owner"}));
    world
        .accepted("PUT /email-verifications", 201, &[GONE], take_over)
        .await;
    world.sign_in(ANN, NEW).await;

    world.sign_up(EVE).await;
    let token = world.link(TokenPurpose::EmailVerification, EVE).await?;
    world
        .accepted(
            "DELETE /email-verifications",
            204,
            &[GONE],
            body(json!({"token": token})),
        )
        .await;

    let invited = invite(world, admin, EVE).await;
    world
        .accepted(
            "DELETE /invitations/{id}",
            204,
            &[(404, "not-found")],
            about(admin, &invited),
        )
        .await;
    Some(())
}

/// Where nobody learns who has an account: one sign-up with a free address, one with a taken one.
async fn a_concealed_sign_up(world: &World<'_>, _: &Person) -> Option<()> {
    let sign_up = |email: &'static str, key: &'static str| {
        let body = json!({"email": email, "name": "Ann Example", "password": PASSWORD});
        move |request: TestRequest| request.header("idempotency-key", key).json(&body)
    };
    world
        .accepted("POST /users", 202, &[], sign_up(ANN, "1"))
        .await;
    let token = world.link(TokenPurpose::SignUp, ANN).await?;
    let confirm = body(json!({"token": token, "password": PASSWORD}));
    world
        .accepted("PUT /email-verifications", 204, &[], confirm)
        .await;
    world
        .accepted("POST /users", 202, &[], sign_up(ANN, "2"))
        .await;
    world
        .accepted("POST /users", 202, &[], sign_up(EVE, "3"))
        .await;
    let token = world.link(TokenPurpose::SignUp, EVE).await?;
    world
        .accepted(
            "DELETE /email-verifications",
            204,
            &[GONE],
            body(json!({"token": token})),
        )
        .await;
    Some(())
}

/// Everybody begins with an administrator, who is signed in.
pub(crate) async fn administrator(world: &World<'_>) -> Person {
    let admin = Roles::from([Role::admin()]);
    let admin = world.backend.sign_up("Admin", admin).await;
    world.settle().await;
    world.backend.advance(PAUSE);
    admin
}
