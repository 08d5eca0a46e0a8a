use adapters::jwt::Jwt;
use serde_json::{Value, json};
use shared::{
    application::{ports::SecretPurpose, session_tokens::Granting, shared_secret::SharedSecret},
    domain::{EventKind, PasswordHash},
};
use testing::{
    Fault, World,
    fixture::{Answer, Route},
    identity,
    sample::Sample,
};

use super::*;
use crate::{authenticate::Authenticate, handler};

const ANN: &str = "ann@example.com";

fn strategy(world: &Arc<World>, policy: SignUpPolicy) -> OidcStrategy {
    OidcStrategy {
        policy,
        providers: world.clone(),
        throttle: world.sign_in_throttle(10),
        changing: Changing {
            users: world.clone(),
            circumstances: world.circumstances(),
        },
    }
}

fn service(world: &Arc<World>, policy: SignUpPolicy) -> Authenticate {
    let circumstances = world.circumstances();
    Authenticate {
        strategies: vec![Arc::new(strategy(world, policy))],
        sessions: world.clone(),
        granting: Granting {
            tokens: Arc::new(Jwt::new(world.clone(), circumstances.clone(), "roster")),
            refresh_secret: SharedSecret::new(SecretPurpose::Refresh, world.clone(), world.clone()),
        },
        circumstances,
    }
}

/// A world with two providers.
fn world() -> Arc<World> {
    let world = World::new();
    for provider in ["a", "b"] {
        world.offer_provider(provider).unwrap();
    }
    world
}

fn says(email: &str, email_verified: bool) -> IdentityProfile {
    IdentityProfile {
        email: Some(email.parse().unwrap()),
        email_verified,
        name: Some("Ann".parse().unwrap()),
    }
}

fn body(provider: &str, code: &str) -> Value {
    json!({
        "strategy": "oidc",
        "provider": provider,
        "code": code,
        "codeVerifier": "v".repeat(43),
        "nonce": "n-0123456789abcdef",
        "redirectUri": "https://app.example.com/callback",
    })
}

async fn post(world: &Arc<World>, policy: SignUpPolicy, body: &Value) -> Answer {
    let route = Route {
        access: handler::ACCESS,
        service: match policy {
            SignUpPolicy::Open => |world| service(world, SignUpPolicy::Open),
            SignUpPolicy::Concealed => |world| service(world, SignUpPolicy::Concealed),
            SignUpPolicy::Admin => |world| service(world, SignUpPolicy::Admin),
        },
        handle: handler::handle,
    };
    let request = Sample::new("POST", "/sessions").json(body);
    route.answer(world, request).await.unwrap()
}

/// `subject` comes from provider `a`, which says this of the person.
async fn come(
    world: &Arc<World>,
    policy: SignUpPolicy,
    subject: &str,
    profile: IdentityProfile,
) -> Answer {
    world.visit("a", subject, "code", profile).unwrap();
    world.clear_trace();
    post(world, policy, &body("a", "code")).await
}

const OPEN: SignUpPolicy = SignUpPolicy::Open;

#[tokio::test]
async fn somebody_new_signs_up_and_comes_back() {
    for (email_verified, again) in [
        (true, says(ANN, true)),
        (false, says("x@example.com", true)),
    ] {
        let world = world();
        let first = come(&world, OPEN, "1", says("Ann@Example.com", email_verified)).await;
        assert_eq!(first.status, 201, "{:?}", first.body);
        let user = &first.body["user"];
        assert_eq!(
            (&user["email"], &user["name"]),
            (&json!(ANN), &json!("Ann"))
        );
        assert_eq!(user["emailVerified"], email_verified);
        let kinds: Vec<_> = world.outbox().iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::UserCreated, EventKind::SessionStarted]);

        // Whatever the provider says of the person by then.
        let second = come(&world, OPEN, "1", again).await;
        assert_eq!((second.status, &second.body["user"]), (201, user));
        let calls = ["providers.redeem", "users.find_login", "users.find"];
        assert_eq!(world.trace()[1..4], calls, "nothing more is asked");
        assert_eq!(world.users().len(), 1);
    }
}

#[tokio::test]
async fn a_person_without_a_name_gets_one() {
    let world = world();
    let profile = IdentityProfile {
        name: None,
        ..says("ann.example@example.com", true)
    };
    let answer = come(&world, OPEN, "1", profile).await;
    assert_eq!(answer.body["user"]["name"], "ann.example");
}

#[tokio::test]
async fn an_account_is_linked_only_if_both_sides_know_the_address() {
    for (ours, theirs, linked) in [
        (true, true, true),
        (true, false, false),
        (false, true, false),
        (false, false, false),
    ] {
        let world = world();
        let ann = world.add_user(ANN).await.unwrap();
        world.tamper(ann.id, |user| user.email_verified = ours);
        let answer = come(&world, OPEN, "1", says(ANN, theirs)).await;
        let ann = world.user(ann.id).unwrap();
        if linked {
            assert_eq!(
                (answer.status, &answer.body["user"]["id"]),
                (201, &json!(ann.id))
            );
            assert_eq!(ann.identities().collect::<Vec<_>>(), [&identity("a", "1")]);
            let event = &world.outbox()[1];
            assert_eq!(event.kind, EventKind::UserIdentityLinked);
            assert_eq!(event.actor, Actor::User(ann.id));
        } else {
            assert_eq!(answer.problem(), (409, "email-taken"));
            assert_eq!(ann.identities().count(), 0);
        }
        assert_eq!(world.users().len(), 1);
    }
}

#[tokio::test]
async fn where_not_anyone_may_sign_up_strangers_look_like_wrong_passwords() {
    for policy in [SignUpPolicy::Concealed, SignUpPolicy::Admin] {
        let world = world();
        let ann = world.add_user(ANN).await.unwrap();
        let mut answers = Vec::new();
        // What the provider does not know to be theirs tells nothing of who has it.
        for (subject, email) in [("1", ANN), ("2", "free@example.com")] {
            let answer = come(&world, policy, subject, says(email, false)).await;
            assert_eq!(answer.problem(), (401, "invalid-credentials"));
            answers.push((answer.body, world.trace()));
        }
        assert_eq!(answers[0], answers[1]);
        for email in [ANN, "free@example.com"] {
            let answer = come(&world, policy, "3", says(email, true)).await;
            assert_eq!(answer.problem(), (401, "invalid-credentials"));
        }
        world.tamper(ann.id, |user| user.email_verified = true);
        let answer = come(&world, policy, "3", says(ANN, true)).await;
        assert_eq!(answer.status, 201, "an account may be linked");
        assert_eq!(world.users().len(), 1);
    }
}

#[tokio::test]
async fn an_inactive_account_gets_the_answer_of_a_wrong_password() {
    let world = world();
    let ann = world.add_user(ANN).await.unwrap();
    world.tamper(ann.id, |user| {
        user.email_verified = true;
        user.active = false;
    });
    let stranger = come(&world, OPEN, "1", says(ANN, true)).await;
    assert_eq!(stranger.problem(), (401, "invalid-credentials"));
    assert_eq!(world.user(ann.id).unwrap().identities().count(), 0);

    world.tamper(ann.id, |user| user.active = true);
    assert_eq!(come(&world, OPEN, "1", says(ANN, true)).await.status, 201);
    world.tamper(ann.id, |user| user.active = false);
    let linked = come(&world, OPEN, "1", says(ANN, true)).await;
    assert_eq!(linked.problem(), (401, "invalid-credentials"));
}

#[tokio::test]
async fn nobody_comes_in_without_an_address_or_by_what_is_no_code() {
    let world = world();
    let nameless = come(&world, OPEN, "1", IdentityProfile::default()).await;
    assert_eq!(nameless.problem(), (401, "invalid-credentials"));
    // Used once, unknown, and another provider's.
    world.visit("a", "1", "mine", says(ANN, true)).unwrap();
    for (provider, code) in [("a", "code"), ("a", "other"), ("b", "mine")] {
        let answer = post(&world, OPEN, &body(provider, code)).await;
        assert_eq!(answer.problem(), (401, "invalid-credentials"));
    }
    assert!(world.users().is_empty());
}

#[tokio::test]
async fn wrong_fields_are_pointed_at() {
    let world = world();
    let mut wrong = body("a", "a code");
    wrong["codeVerifier"] = json!("short");
    wrong["nonce"] = json!("short");
    wrong["redirectUri"] = json!("/callback");
    wrong["password"] = json!("x");
    wrong.as_object_mut().unwrap().remove("provider");
    let answer = post(&world, OPEN, &wrong).await;
    assert_eq!(
        answer.wrong_fields(),
        [
            ("/provider", "required"),
            ("/code", "invalid-code"),
            ("/codeVerifier", "invalid-code-verifier"),
            ("/nonce", "invalid-nonce"),
            ("/redirectUri", "invalid-uri"),
            ("/password", "unknown-field"),
        ]
    );
    let answer = post(&world, OPEN, &body("c", "code")).await;
    assert_eq!(answer.wrong_fields(), [("/provider", "unknown-provider")]);
}

#[tokio::test]
async fn two_at_once_with_one_identity_are_one_user() {
    let world = world();
    let [one, two] = ["one", "two"].map(|code| {
        world.visit("a", "1", code, says(ANN, true)).unwrap();
        body("a", code)
    });
    let (one, two) = tokio::join!(post(&world, OPEN, &one), post(&world, OPEN, &two));
    assert_eq!((one.status, two.status), (201, 201));
    assert_eq!(one.body["user"], two.body["user"]);
    assert_eq!(world.users().len(), 1);
}

/// A member has no password; the first one comes by mail.
#[tokio::test]
async fn who_came_by_a_provider_can_set_a_password() {
    let world = world();
    come(&world, OPEN, "1", says(ANN, true)).await;
    let ann = world.users().remove(0);
    let occasion = world
        .circumstances()
        .occasion(Origin::system("test"))
        .unwrap();
    let change = ann.reset_password(PasswordHash::from_phc("$new"), &occasion);
    world.commit(&change).await.unwrap();
    let key = LoginKey::Email(ANN.parse().unwrap());
    let login = world.find_login(&key).await.unwrap().unwrap();
    let password = login.password.unwrap();
    assert_eq!(password.expose(), "$new");
    assert_eq!(come(&world, OPEN, "1", says(ANN, true)).await.status, 201);
}

/// Whatever fails wherever, who signs in again, with a new code, is in; and there is one user with
/// one event for each version.
#[tokio::test]
async fn a_proof_survives_every_fault() {
    for (has_account, calls) in [(false, 5), (true, 6)] {
        let tried = World::try_every_fault(async |fault: Fault| {
            let world = world();
            if has_account {
                let ann = world.add_user(ANN).await.unwrap();
                world.tamper(ann.id, |user| user.email_verified = true);
            }
            let strategy = strategy(&world, OPEN);
            let prove = async |code: &str| {
                world.visit("a", "1", code, says(ANN, true)).unwrap();
                let Value::Object(mut fields) = body("a", code) else {
                    unreachable!("a body is an object")
                };
                fields.remove("strategy");
                let origin = Origin::system("test");
                strategy.prove(Fields::new(fields), &origin).await
            };
            let (_, fired) = world.with_fault(fault, prove("first")).await;
            let proven = prove("second").await.unwrap();
            assert_eq!(proven.user.email.as_str(), ANN, "{fault:?}");
            let users = world.users();
            assert_eq!(users.len(), 1, "{fault:?}");
            let versions = world.history_of(users[0].id).len() as u64;
            assert_eq!(users[0].version.get(), versions);
            assert_eq!(users[0].identities().count(), 1);
            fired
        })
        .await;
        // And the guess, spent first. Providers do not say which failures were their own.
        assert!(
            tried >= 4 * (calls + 1),
            "each call with four faults: {tried}"
        );
    }
}

/// A code is a guess too. One that nobody could judge is not counted.
#[tokio::test]
async fn codes_that_are_worth_nothing_are_limited_by_place() {
    let world = world();
    for _ in 0..100 {
        let refused = post(&world, OPEN, &body("a", "guessed")).await;
        assert_eq!(refused.problem(), (401, "invalid-credentials"));
    }
    let answer = come(&world, OPEN, "1", says(ANN, true)).await;
    assert_eq!(answer.problem(), (429, "too-many-requests"));
    world.advance(std::time::Duration::from_hours(1));
    assert_eq!(come(&world, OPEN, "1", says(ANN, true)).await.status, 201);
}
