//! Lives in which administrators have the say.

use serde_json::{Value, json};
use shared::domain::{TokenPurpose, mail::MailOutcome};
use testing::{PASSWORD, Person, TestRequest};

use super::{ANN, EVE, NEW, PAUSE, about, body};
use crate::world::World;

pub(super) async fn invite(world: &World<'_>, admin: &Person, email: &str) -> String {
    let invitation = json!({"email": email, "name": "Eve Example"});
    let invite = |request: TestRequest| {
        let request = request.bearer(&admin.token).json(&invitation);
        request.header("idempotency-key", email)
    };
    let answer = world.accepted("POST /users", 201, &[], invite).await;
    answer.body["id"].as_str().expect("an id").to_owned()
}

/// Invited twice, accepts, becomes an administrator, and is erased by another.
pub(super) async fn an_invited_person(world: &World<'_>, admin: &Person) -> Option<()> {
    let eve = invite(world, admin, EVE).await;
    world.backend.advance(PAUSE);
    let again = (429, "too-many-requests");
    world
        .accepted(
            "POST /invitations/{id}/send",
            202,
            &[again],
            about(admin, &eve),
        )
        .await;
    let token = world.link(TokenPurpose::Invitation, EVE).await?;
    let accept = body(json!({"token": token, "newPassword": NEW}));
    world
        .accepted("PUT /email-verifications", 201, &[(204, "")], accept)
        .await;
    let promote =
        |request: TestRequest| about(admin, &eve)(request).json(&json!({"roles": ["admin"]}));
    world
        .accepted("PUT /users/{id}/roles", 200, &[], promote)
        .await;
    world
        .accepted(
            "DELETE /users/{id}",
            204,
            &[(404, "not-found")],
            about(admin, &eve),
        )
        .await;
    let last = about(admin, &admin.id.to_string());
    world
        .refused("DELETE /users/{id}", (409, "last-administrator"), last)
        .await;
    Some(())
}

/// Deactivated, reactivated, recovered.
pub(super) async fn in_the_hands_of_administrators(
    world: &World<'_>,
    admin: &Person,
) -> Option<()> {
    let ann = world.backend.add_user(ANN).await.id.to_string();
    world
        .accepted(
            "POST /users/{id}/deactivate",
            200,
            &[(409, "already-deactivated")],
            about(admin, &ann),
        )
        .await;
    let credentials = body(json!({"email": ANN, "password": PASSWORD}));
    world
        .refused("POST /sessions", (401, "invalid-credentials"), credentials)
        .await;
    world
        .accepted(
            "POST /users/{id}/reactivate",
            200,
            &[(409, "already-active")],
            about(admin, &ann),
        )
        .await;
    let again = (429, "too-many-requests");
    world
        .accepted(
            "POST /users/{id}/recovery",
            202,
            &[again],
            about(admin, &ann),
        )
        .await;
    let token = world.link(TokenPurpose::PasswordReset, ANN).await?;
    let reset = body(json!({"token": token, "newPassword": NEW}));
    world
        .accepted("PUT /password-resets", 200, &[(204, "")], reset)
        .await;
    world.sign_in(ANN, NEW).await;
    Some(())
}

/// Keys of machines, and a mailbox that bounced.
pub(super) async fn operators(world: &World<'_>, admin: &Person) -> Option<()> {
    let ann = world.backend.add_user(ANN).await;
    let key = json!({"name": "Nightly export", "role": "reader"});
    let create = |request: TestRequest| request.bearer(&admin.token).json(&key);
    let made = world.accepted("POST /api-keys", 201, &[], create).await;
    let key = made.body["id"].as_str().expect("an id");
    let revoke = |request: TestRequest| request.bearer(&admin.token).parameter("key", key);
    world
        .accepted("DELETE /api-keys/{key}", 204, &[], revoke)
        .await;
    world.backend.report(&ann.email, MailOutcome::Bounced).await;
    let lift = about(admin, &ann.id.to_string());
    world
        .accepted("DELETE /users/{id}/mail-suppression", 204, &[], lift)
        .await;
    Some(())
}

/// Another service registers, is told of a sign-up, and leaves.
pub(super) async fn another_service(world: &World<'_>, admin: &Person) -> Option<()> {
    let named = |body: Value| {
        let token = admin.token.clone();
        move |request: TestRequest| {
            let request = request.bearer(&token).parameter("name", "profiles");
            request.parameter("instance", "a").json(&body)
        }
    };
    world
        .accepted("PUT /services/{name}", 201, &[(200, "")], named(json!({})))
        .await;
    let instance = json!({"url": "https://a.example.com"});
    world
        .accepted(
            "PUT /services/{name}/instances/{instance}",
            200,
            &[],
            named(instance),
        )
        .await;
    world.sign_up(ANN).await;
    world
        .accepted("POST /services/{name}/secret", 200, &[], named(Value::Null))
        .await;
    world
        .accepted(
            "POST /services/{name}/deliveries/redeliver",
            202,
            &[],
            named(Value::Null),
        )
        .await;
    world
        .accepted(
            "DELETE /services/{name}/instances/{instance}",
            204,
            &[],
            named(Value::Null),
        )
        .await;
    let gone = (404, "not-found");
    world
        .accepted("DELETE /services/{name}", 204, &[gone], named(Value::Null))
        .await;
    Some(())
}
