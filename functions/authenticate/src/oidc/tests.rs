use std::time::Duration;

use shared::{
    application::ports::UserRepository as _,
    domain::{
        Change, EventKind, PasswordHash, TokenPurpose,
        token::TokenBinding,
        user::{Invitee, Standing},
    },
};
use testing::{Answer, Endpoint, FakeBackend, TestRequest, Value, identity, json};

use super::*;
use crate::{authenticate::tests::service, handler};

mod new_users;
mod unconfirmed;

const ANN: &str = "ann@example.com";
const OPEN: SignUpPolicy = SignUpPolicy::Open;

/// A backend with two providers.
fn backend() -> Arc<FakeBackend> {
    let backend = FakeBackend::new();
    for provider in ["a", "b"] {
        backend.offer_provider(provider);
    }
    backend
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

async fn post(backend: &Arc<FakeBackend>, policy: SignUpPolicy, body: &Value) -> Answer {
    let endpoint = Endpoint::new(handler::ACCESS, handler::handle, move |backend| {
        service(backend, policy)
    });
    let request = TestRequest::new("POST", "/sessions").json(body);
    endpoint.answer(backend, request).await
}

/// `subject` signs in at provider `a`, which knows this of the person.
async fn come(
    backend: &Arc<FakeBackend>,
    policy: SignUpPolicy,
    subject: &str,
    profile: IdentityProfile,
) -> Answer {
    backend.authorize("a", subject, "code", profile);
    backend.clear_trace();
    post(backend, policy, &body("a", "code")).await
}

#[tokio::test]
async fn somebody_new_signs_up_and_comes_back() {
    for (email_verified, again) in [
        (true, says(ANN, true)),
        (false, says("x@example.com", true)),
    ] {
        let backend = backend();
        let first = come(&backend, OPEN, "1", says("Ann@Example.com", email_verified)).await;
        assert_eq!(first.status, 201, "{:?}", first.body);
        let user = &first.body["user"];
        assert_eq!(
            (&user["email"], &user["name"]),
            (&json!(ANN), &json!("Ann"))
        );
        assert_eq!(user["emailVerified"], email_verified);
        let kinds: Vec<_> = backend.outbox().iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::UserCreated, EventKind::SessionStarted]);

        // Whatever the provider says of the person by then.
        let second = come(&backend, OPEN, "1", again).await;
        assert_eq!((second.status, &second.body["user"]), (201, user));
        let calls = ["providers.redeem", "users.find_login", "users.find"];
        assert_eq!(backend.trace()[1..4], calls, "nothing more is asked");
        assert_eq!(backend.users().len(), 1);
    }
}

/// Whatever the provider asked for: Roster knows only that it was another's word.
#[tokio::test]
async fn a_session_by_a_provider_claims_no_factor() {
    let backend = backend();
    come(&backend, OPEN, "1", says(ANN, true)).await;
    let ann = backend.users().remove(0);
    assert_eq!(backend.sessions_of(ann.id).remove(0).methods, ["fed"]);
}

/// The login is read, the identity unlinked, the user read.
#[tokio::test]
async fn an_identity_that_is_unlinked_meanwhile_signs_nobody_in() {
    let backend = backend();
    let ann = backend.add_user(ANN).await;
    backend.tamper(ann.id, |user| user.email_verified = true);
    assert_eq!(come(&backend, OPEN, "1", says(ANN, true)).await.status, 201);
    let linked = backend.user(ann.id).unwrap();
    let unlinked = linked.unlink(&identity("a", "1"), true, &backend.metadata());
    backend.commit_after("users.find_login", unlinked.unwrap());
    let before = backend.sessions_of(ann.id).len();
    let policy = SignUpPolicy::Admin;
    let answer = come(&backend, policy, "1", says("x@example.com", true)).await;
    assert_eq!(answer.problem(), (401, "invalid-credentials"));
    assert_eq!(backend.sessions_of(ann.id).len(), before);
}

fn reset(user: &User, metadata: &EventMetadata) -> Change {
    user.reset_password(PasswordHash::from_phc("$new"), metadata)
}

#[tokio::test]
async fn an_identity_which_its_user_unlinked_does_not_come_back_by_itself() {
    for policy in [OPEN, SignUpPolicy::Concealed, SignUpPolicy::Admin] {
        let backend = backend();
        let ann = backend.add_user(ANN).await;
        let linked = come(&backend, policy, "1", says(ANN, true)).await;
        assert_eq!(linked.body["user"]["id"], json!(ann.id));
        let one = identity("a", "1");
        let unlink = |ann: &User, metadata: &_| ann.unlink(&one, true, metadata);
        backend.change(ann.id, unlink).await;
        let refused = async || {
            let back = come(&backend, policy, "1", says(ANN, true)).await;
            assert_eq!(back.problem(), (401, "invalid-credentials"));
            assert_eq!(backend.user(ann.id).unwrap().identities().count(), 0);
        };
        refused().await;
        let reset = |ann: &User, metadata: &_| Ok(reset(ann, metadata));
        backend.change(ann.id, reset).await;
        refused().await;
        let other = come(&backend, policy, "2", says(ANN, true)).await;
        assert_eq!(other.body["user"]["id"], json!(ann.id), "only that one");
        let link = |ann: &User, metadata: &_| Ok(ann.link(&one, metadata)?.unwrap());
        backend.change(ann.id, link).await;
        let again = come(&backend, policy, "1", says(ANN, true)).await;
        assert_eq!(again.body["user"]["id"], json!(ann.id));
    }
}

#[tokio::test]
async fn no_provider_lets_anybody_in_while_a_recovery_is_under_way() {
    for standing in [Standing::Settled, Standing::Provisional] {
        let backend = backend();
        let ann = backend.add_unproven(ANN, standing).await;
        backend.tamper(ann.id, |ann| ann.email_verified = ann.standing.is_settled());
        let recovery = |ann: &User, metadata: &_| ann.start_recovery(metadata);
        let recovered = backend.change(ann.id, recovery).await;
        for subject in ["1", "2"] {
            let refused = come(&backend, OPEN, subject, says(ANN, true)).await;
            assert_eq!(refused.problem(), (401, "invalid-credentials"));
        }
        assert_eq!(backend.users(), [recovered]);
        let reset = |ann: &User, metadata: &_| Ok(reset(ann, metadata));
        backend.change(ann.id, reset).await;
        let back = come(&backend, OPEN, "1", says(ANN, true)).await;
        assert_eq!(back.body["user"]["id"], json!(ann.id));
    }
}

#[tokio::test]
async fn a_person_without_a_name_gets_one() {
    let backend = backend();
    let profile = IdentityProfile {
        name: None,
        ..says("ann.example@example.com", true)
    };
    let answer = come(&backend, OPEN, "1", profile).await;
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
        let backend = backend();
        let ann = if ours {
            backend.add_user(ANN).await
        } else {
            backend.add_unproven(ANN, Standing::Settled).await
        };
        let answer = come(&backend, OPEN, "1", says(ANN, theirs)).await;
        let ann = backend.user(ann.id).unwrap();
        if linked {
            assert_eq!(
                (answer.status, &answer.body["user"]["id"]),
                (201, &json!(ann.id))
            );
            assert_eq!(ann.identities().collect::<Vec<_>>(), [&identity("a", "1")]);
            let event = &backend.outbox()[1];
            assert_eq!(event.kind, EventKind::UserIdentityLinked);
            assert_eq!(event.actor, Actor::User(ann.id));
        } else {
            assert_eq!(answer.problem(), (409, "email-taken"));
            assert_eq!(ann.identities().count(), 0);
        }
        assert_eq!(backend.users().len(), 1);
    }
}

#[tokio::test]
async fn where_not_anyone_may_sign_up_strangers_look_like_wrong_passwords() {
    for policy in [SignUpPolicy::Concealed, SignUpPolicy::Admin] {
        let backend = backend();
        let ann = backend.add_unproven(ANN, Standing::Settled).await;
        let mut answers = Vec::new();
        // What the provider does not know to be theirs tells nothing of who has it.
        for (subject, email) in [("1", ANN), ("2", "free@example.com")] {
            let answer = come(&backend, policy, subject, says(email, false)).await;
            assert_eq!(answer.problem(), (401, "invalid-credentials"));
            answers.push((answer.body, backend.trace()));
        }
        assert_eq!(answers[0], answers[1]);
        for email in [ANN, "free@example.com"] {
            let answer = come(&backend, policy, "3", says(email, true)).await;
            assert_eq!(answer.problem(), (401, "invalid-credentials"));
        }
        backend.tamper(ann.id, |user| user.email_verified = true);
        let answer = come(&backend, policy, "3", says(ANN, true)).await;
        assert_eq!(answer.status, 201, "an account may be linked");
        assert_eq!(backend.users().len(), 1);
    }
}

#[tokio::test]
async fn an_inactive_account_gets_the_answer_of_a_wrong_password() {
    let backend = backend();
    let ann = backend.add_user(ANN).await;
    backend.tamper(ann.id, |user| {
        user.email_verified = true;
        user.active = false;
    });
    let stranger = come(&backend, OPEN, "1", says(ANN, true)).await;
    assert_eq!(stranger.problem(), (401, "invalid-credentials"));
    assert_eq!(backend.user(ann.id).unwrap().identities().count(), 0);

    backend.tamper(ann.id, |user| user.active = true);
    assert_eq!(come(&backend, OPEN, "1", says(ANN, true)).await.status, 201);
    backend.tamper(ann.id, |user| user.active = false);
    let linked = come(&backend, OPEN, "1", says(ANN, true)).await;
    assert_eq!(linked.problem(), (401, "invalid-credentials"));
}

#[tokio::test]
async fn nobody_comes_in_without_an_address_or_by_what_is_no_code() {
    let backend = backend();
    let nameless = come(&backend, OPEN, "1", IdentityProfile::default()).await;
    assert_eq!(nameless.problem(), (403, "email-missing"));
    // Used once, unknown, and another provider's.
    backend.authorize("a", "1", "mine", says(ANN, true));
    for (provider, code) in [("a", "code"), ("a", "other"), ("b", "mine")] {
        let answer = post(&backend, OPEN, &body(provider, code)).await;
        assert_eq!(answer.problem(), (401, "invalid-credentials"));
    }
    assert!(backend.users().is_empty());
}

#[tokio::test]
async fn wrong_fields_are_pointed_at() {
    let backend = backend();
    let mut wrong = body("a", "a code");
    wrong["codeVerifier"] = json!("short");
    wrong["nonce"] = json!("short");
    wrong["redirectUri"] = json!("/callback");
    wrong["password"] = json!("x");
    wrong.as_object_mut().unwrap().remove("provider");
    let answer = post(&backend, OPEN, &wrong).await;
    assert_eq!(
        answer.invalid_fields(),
        [
            ("/provider", "required"),
            ("/code", "invalid-code"),
            ("/codeVerifier", "invalid-code-verifier"),
            ("/nonce", "invalid-nonce"),
            ("/redirectUri", "invalid-uri"),
            ("/password", "unknown-field"),
        ]
    );
    let answer = post(&backend, OPEN, &body("c", "code")).await;
    assert_eq!(answer.invalid_fields(), [("/provider", "unknown-provider")]);
}

#[tokio::test]
async fn two_at_once_with_one_identity_are_one_user() {
    let backend = backend();
    let [one, two] = ["one", "two"].map(|code| {
        backend.authorize("a", "1", code, says(ANN, true));
        body("a", code)
    });
    let (one, two) = tokio::join!(post(&backend, OPEN, &one), post(&backend, OPEN, &two));
    assert_eq!((one.status, two.status), (201, 201));
    assert_eq!(one.body["user"], two.body["user"]);
    assert_eq!(backend.users().len(), 1);
}

/// A member has no password; the first one comes by mail.
#[tokio::test]
async fn who_came_by_a_provider_can_set_a_password() {
    let backend = backend();
    come(&backend, OPEN, "1", says(ANN, true)).await;
    let ann = backend.users().remove(0);
    let metadata = backend.metadata();
    let change = ann.reset_password(PasswordHash::from_phc("$new"), &metadata);
    backend.commit(&change).await.unwrap();
    let key = LoginKey::Email(ANN.parse().unwrap());
    let login = backend.find_login(&key).await.unwrap().unwrap();
    let password = login.password.unwrap();
    assert_eq!(password.expose(), "$new");
    assert_eq!(come(&backend, OPEN, "1", says(ANN, true)).await.status, 201);
}

/// Who signs in again, with a new code, is in; and there is one user with one event for each version.
#[tokio::test]
async fn a_sign_in_survives_every_fault() {
    for has_account in [false, true] {
        let calls = FakeBackend::survives_every_fault(
            async |backend| {
                for provider in ["a", "b"] {
                    backend.offer_provider(provider);
                }
                if has_account {
                    let ann = backend.add_user(ANN).await;
                    backend.tamper(ann.id, |user| user.email_verified = true);
                }
            },
            async |backend, ()| {
                backend.authorize("a", "1", "code", says(ANN, true));
                let answer = post(backend, OPEN, &body("a", "code")).await;
                let is_ann = answer.status == 201 && answer.body["user"]["email"] == ANN;
                is_ann.then_some(()).ok_or(format!("{answer:?}"))
            },
            async |backend, ()| {
                let users = backend.users();
                let versions = backend.history_of(users[0].id).len() as u64;
                users.len() == 1
                    && users[0].version.get() == versions
                    && users[0].identities().count() == 1
            },
        )
        .await;
        // The permit, which is spent first, and what the user needs. Then there is the session.
        let of_the_user = if has_account { 6 } else { 5 };
        assert!(calls.len() > of_the_user, "{calls:?}");
    }
}

/// A code is a guess too. One that no provider could judge is not counted.
#[tokio::test]
async fn codes_that_are_worth_nothing_are_limited_by_place() {
    let backend = backend();
    for _ in 0..100 {
        let refused = post(&backend, OPEN, &body("a", "guessed")).await;
        assert_eq!(refused.problem(), (401, "invalid-credentials"));
    }
    let answer = come(&backend, OPEN, "1", says(ANN, true)).await;
    assert_eq!(answer.problem(), (429, "too-many-requests"));
    backend.advance(std::time::Duration::from_hours(1));
    assert_eq!(come(&backend, OPEN, "1", says(ANN, true)).await.status, 201);
}
