mod choice;

use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret as _;
use shared::{
    application::ports::{
        AnonymousRequests as _, Clock as _, OneTimeTokens, PasswordHasher, UserRepository as _,
    },
    domain::{
        Actor, EventKind, LoginKey, Password, RequestId,
        request::{AnonymousRequest, RequestKind, SignUp},
        token::TokenBinding,
        user::Standing,
    },
    lambda::http::Access,
};
use testing::{
    Answer, CLIENT_IP, Endpoint, FakeBackend, PASSWORD, Person, TestRequest, Value, json,
};

use super::*;
use crate::handler;

const VERIFY: TokenPurpose = TokenPurpose::EmailVerification;
const MOVE: TokenPurpose = TokenPurpose::EmailChange;
const OPEN: SignUpPolicy = SignUpPolicy::Open;
const EXPIRED: (u16, &str) = (410, "token-expired");
const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const NEW: &str = "plain granite kettle 47";

/// A token for the user, as an observer mails it.
async fn issued(backend: &Arc<FakeBackend>, user: &User, purpose: TokenPurpose) -> OneTimeToken {
    let binding = TokenBinding::of(user, purpose).unwrap();
    issued_for(backend, user.id, purpose, &binding).await
}

async fn issued_for(
    backend: &Arc<FakeBackend>,
    id: UserId,
    purpose: TokenPurpose,
    binding: &TokenBinding,
) -> OneTimeToken {
    backend.advance(Duration::from_secs(1));
    let seed = u8::try_from(backend.trace().len()).unwrap();
    let token = OneTimeToken::new(purpose, id, [seed; 32]);
    let issue = token.issue(binding, backend.now());
    assert!(
        OneTimeTokens::issue(backend.as_ref(), &issue, issue.issued_at)
            .await
            .unwrap()
    );
    token
}

/// The user, who asks for another address.
async fn moving(backend: &Arc<FakeBackend>, user: &User, email: &str) -> User {
    let email = email.parse().unwrap();
    let request = |user: &User, metadata: &_| user.request_email(email, metadata);
    backend.change(user.id, request).await
}

async fn request(backend: &Arc<FakeBackend>, policy: SignUpPolicy, request: TestRequest) -> Answer {
    let endpoint = Endpoint::new(handler::ACCESS, handler::handle, move |backend| {
        VerifyEmail {
            policy,
            reauthentication: backend.reauthentication(10),
            link_password: backend.link_password(ANN),
        }
    });
    endpoint.answer(backend, request).await
}

async fn put(backend: &Arc<FakeBackend>, body: &Value) -> Answer {
    let put = TestRequest::new("PUT", "/email-verifications").json(body);
    request(backend, OPEN, put).await
}

/// The same by somebody who is signed in.
async fn put_as(backend: &Arc<FakeBackend>, person: &Person, body: &Value) -> Answer {
    let put = TestRequest::new("PUT", "/email-verifications").json(body);
    request(backend, OPEN, put.bearer(&person.token)).await
}

fn text(token: &OneTimeToken) -> String {
    token.encode().expose_secret().to_owned()
}

/// With the user's password.
async fn redeem(backend: &Arc<FakeBackend>, policy: SignUpPolicy, token: &OneTimeToken) -> Answer {
    let body = json!({"token": text(token), "password": PASSWORD});
    let put = TestRequest::new("PUT", "/email-verifications").json(&body);
    request(backend, policy, put).await
}

/// With a password that the reader of the mail chooses.
async fn choose(backend: &Arc<FakeBackend>, token: &OneTimeToken, password: &str) -> Answer {
    put(
        backend,
        &json!({"token": text(token), "newPassword": password}),
    )
    .await
}

/// A concealed sign-up which waits, and its token.
async fn waiting(backend: &Arc<FakeBackend>, email: &str, seed: u8) -> OneTimeToken {
    let metadata = backend.metadata();
    let user_id = UserId::new(metadata.now, [seed; 10]);
    let hasher: &dyn PasswordHasher = backend.as_ref();
    let kind = RequestKind::SignUp(SignUp {
        user_id,
        name: "Ann Example".parse().unwrap(),
        password: hasher.hash(&Password::presented(PASSWORD)).await.unwrap(),
    });
    let id = RequestId::from(user_id.as_uuid());
    let (request, event) = AnonymousRequest::new(id, email.parse().unwrap(), kind, &metadata);
    backend.put(&request, &event).await.unwrap();
    let binding = TokenBinding::of_sign_up(request.email);
    issued_for(backend, user_id, TokenPurpose::SignUp, &binding).await
}

async fn signs_in(backend: &Arc<FakeBackend>, email: &str) -> bool {
    let key = LoginKey::Email(email.parse().unwrap());
    let login = backend.find_login(&key).await.unwrap();
    let hash = login.and_then(|login| login.password);
    let hasher: &dyn PasswordHasher = backend.as_ref();
    let matches = hasher
        .verify(&Password::presented(PASSWORD), hash.as_ref())
        .await;
    matches.unwrap()
}

#[tokio::test]
async fn link_and_control_together_confirm_the_account_once() {
    assert_eq!(handler::ACCESS, Access::ANYONE_OR_CALLER);
    for standing in [Standing::Provisional, Standing::Settled] {
        for by_session in [true, false] {
            let backend = FakeBackend::new();
            let bob = backend.add_unproven(BOB, standing).await;
            let session = backend.sign_in(&bob).await;
            let token = issued(&backend, &bob, VERIFY).await;
            let confirm = async || {
                if by_session {
                    put_as(&backend, &session, &json!({"token": text(&token)})).await
                } else {
                    redeem(&backend, OPEN, &token).await
                }
            };
            let answer = confirm().await;
            assert_eq!((answer.status, answer.body), (204, Value::Null));
            let after = backend.user(bob.id).unwrap();
            assert!(after.email_verified && after.roles.is_empty());
            assert_eq!(after.standing, Standing::Settled);
            assert_eq!(after.auth_epoch, bob.auth_epoch, "the session lives");
            let event = backend.outbox().pop().unwrap();
            assert_eq!(event.kind, EventKind::UserEmailVerified);
            assert_eq!(event.actor, Actor::User(bob.id));
            let events = backend.outbox().len();
            assert_eq!(confirm().await.status, 204, "told again");
            let bare = put(&backend, &json!({"token": text(&token)})).await;
            assert_eq!(bare.problem(), EXPIRED, "and to nobody else");
            assert_eq!(backend.outbox().len(), events);
        }
    }
}

#[tokio::test]
async fn a_link_alone_confirms_nothing_and_stays_good() {
    let backend = FakeBackend::new();
    let bob = backend.add_unproven(BOB, Standing::Provisional).await;
    let eve = backend.add_user("eve@example.com").await;
    let eve = backend.sign_in(&eve).await;
    let token = issued(&backend, &bob, VERIFY).await;
    let bare = json!({"token": text(&token)});
    for answer in [
        put(&backend, &bare).await,
        put_as(&backend, &eve, &bare).await,
    ] {
        assert_eq!(answer.problem(), (401, "proof-required"));
        assert!(answer.header("www-authenticate").is_some());
    }
    let wrong = json!({"token": text(&token), "password": "wrong"});
    let refused = put(&backend, &wrong).await;
    assert_eq!(refused.problem(), (401, "invalid-credentials"));
    assert_eq!(backend.users()[0], bob, "nothing changed");
    assert_eq!(redeem(&backend, OPEN, &token).await.status, 204);
}

#[tokio::test]
async fn a_password_is_guessed_by_link_no_more_often_than_at_sign_in() {
    let backend = FakeBackend::new();
    let bob = backend.add_unproven(BOB, Standing::Provisional).await;
    let token = issued(&backend, &bob, VERIFY).await;
    let wrong = json!({"token": text(&token), "password": "wrong"});
    for _ in 0..10 {
        assert_eq!(put(&backend, &wrong).await.status, 401);
    }
    let locked = redeem(&backend, OPEN, &token).await;
    assert_eq!(locked.problem(), (429, "too-many-requests"));
    // A bad link costs no guess and no hash.
    backend.clear_trace();
    let bad = json!({"token": "x", "password": PASSWORD});
    assert_eq!(put(&backend, &bad).await.problem(), EXPIRED);
    assert!(backend.trace().is_empty());
}

/// The account and the client IP are locked: so are sign-ins from there.
#[tokio::test]
async fn a_lock_of_strangers_leaves_a_proof_by_link_open() {
    for concealed in [false, true] {
        let backend = FakeBackend::new();
        let token = if concealed {
            waiting(&backend, BOB, 7).await
        } else {
            let bob = backend.add_unproven(BOB, Standing::Provisional).await;
            issued(&backend, &bob, VERIFY).await
        };
        let limiter = backend.sign_in_limiter(10);
        let origin = Origin {
            client_ip: CLIENT_IP.parse().ok(),
            ..Origin::system("test")
        };
        let stranger = async || {
            let no_login = async { Ok(None) };
            let email = BOB.parse().unwrap();
            let guess = limiter.acquire_guess(&email, None, &origin, no_login);
            guess.await.is_ok()
        };
        for _ in 0..200 {
            stranger().await;
        }
        let wrong = json!({"token": text(&token), "password": "wrong"});
        assert_eq!(
            put(&backend, &wrong).await.problem(),
            (401, "invalid-credentials")
        );
        assert_eq!(redeem(&backend, OPEN, &token).await.status, 204);
        assert!(!stranger().await, "who has no link is locked out still");
    }
}

/// Nor do guesses beside a link tell at sign-in that somebody holds one.
#[tokio::test]
async fn guesses_by_link_lock_no_sign_in() {
    let backend = FakeBackend::new();
    let bob = backend.add_unproven(BOB, Standing::Provisional).await;
    let token = issued(&backend, &bob, VERIFY).await;
    let wrong = json!({"token": text(&token), "password": "wrong"});
    while put(&backend, &wrong).await.status != 429 {}
    let (limiter, origin) = (backend.sign_in_limiter(10), Origin::system("test"));
    let no_login = async { Ok(None) };
    let guess = limiter.acquire_guess(&bob.email, None, &origin, no_login);
    assert!(guess.await.is_ok());
}

/// Whoever stole a session asks for one address after the other, and has a link of each.
#[tokio::test]
async fn another_link_brings_no_new_guesses() {
    let backend = FakeBackend::new();
    let bob = backend.add_user(BOB).await;
    for n in 0..10 {
        let bob = moving(&backend, &bob, &format!("new{n}@example.com")).await;
        let token = issued(&backend, &bob, MOVE).await;
        let wrong = json!({"token": text(&token), "password": "wrong"});
        assert_eq!(put(&backend, &wrong).await.status, 401);
    }
    let bob = moving(&backend, &bob, ANN).await;
    let token = issued(&backend, &bob, MOVE).await;
    let locked = redeem(&backend, OPEN, &token).await;
    assert_eq!(locked.problem(), (429, "too-many-requests"));
}

#[tokio::test]
async fn what_contradicts_itself_is_refused() {
    let backend = FakeBackend::new();
    let bob = backend.add_user(BOB).await;
    let bob = moving(&backend, &bob, "new@example.com").await;
    let token = issued(&backend, &bob, MOVE).await;
    let fields = async |body: Value| {
        let answer = put(&backend, &body).await;
        assert_eq!(answer.status, 422, "{body}");
        answer.invalid_fields()[0].0.to_owned()
    };
    let token = text(&token);
    let both = json!({"token": token, "password": PASSWORD, "newPassword": NEW});
    assert_eq!(fields(both).await, "/newPassword");
    let name = json!({"token": token, "password": PASSWORD, "name": "Bob"});
    assert_eq!(fields(name).await, "/name");
    let another = json!({"token": token, "newPassword": NEW});
    assert_eq!(fields(another).await, "/newPassword", "it only confirms");
    assert_eq!(fields(json!({})).await, "/token");
}

#[tokio::test]
async fn the_old_address_works_until_the_new_one_is_verified() {
    let backend = FakeBackend::new();
    let bob = backend.add_user("bob@example.com").await;
    let bob = moving(&backend, &bob, "new@example.com").await;
    let token = issued(&backend, &bob, MOVE).await;
    assert!(signs_in(&backend, "bob@example.com").await);
    assert!(!signs_in(&backend, "new@example.com").await);
    assert_eq!(redeem(&backend, OPEN, &token).await.status, 204);
    let moved = backend.user(bob.id).unwrap();
    assert_eq!(moved.email.as_str(), "new@example.com");
    assert!(moved.email_verified && moved.pending_email.is_none());
    assert!(!signs_in(&backend, "bob@example.com").await, "free again");
    assert!(
        signs_in(&backend, "new@example.com").await,
        "with the same password"
    );
    let event = backend.outbox().pop().unwrap();
    assert_eq!(event.kind, EventKind::UserEmailChanged);
}

/// A second click, or a client whose answer got lost.
#[tokio::test]
async fn a_repeated_proof_is_told_as_done_until_the_token_expires() {
    for purpose in [VERIFY, MOVE] {
        let backend = FakeBackend::new();
        let bob = if purpose == VERIFY {
            backend.add_unproven(BOB, Standing::Provisional).await
        } else {
            let bob = backend.add_user(BOB).await;
            moving(&backend, &bob, "new@example.com").await
        };
        let token = issued(&backend, &bob, purpose).await;
        assert_eq!(redeem(&backend, OPEN, &token).await.status, 204);
        let (events, user) = (backend.outbox().len(), backend.user(bob.id));
        for _ in 0..10 {
            let again = redeem(&backend, OPEN, &token).await;
            assert_eq!((again.status, again.body), (204, Value::Null));
        }
        let spent = redeem(&backend, OPEN, &token).await;
        assert_eq!(spent.problem(), (429, "too-many-requests"));
        assert_eq!(
            (backend.outbox().len(), backend.user(bob.id)),
            (events, user)
        );

        let forged = OneTimeToken::new(purpose, bob.id, [99; 32]);
        assert_eq!(redeem(&backend, OPEN, &forged).await.problem(), EXPIRED);
        backend.advance(purpose.lifetime());
        assert_eq!(redeem(&backend, OPEN, &token).await.problem(), EXPIRED);
    }
}

/// A newer token takes the slot, and with it what was known of the one before.
#[tokio::test]
async fn a_newer_token_ends_the_repetition_of_the_one_before() {
    let backend = FakeBackend::new();
    let bob = backend.add_user("bob@example.com").await;
    let bob = moving(&backend, &bob, "new@example.com").await;
    let used = issued(&backend, &bob, MOVE).await;
    assert_eq!(redeem(&backend, OPEN, &used).await.status, 204);
    let bob = moving(&backend, &bob, "newer@example.com").await;
    issued(&backend, &bob, MOVE).await;
    assert_eq!(redeem(&backend, OPEN, &used).await.problem(), EXPIRED);
}

#[tokio::test]
async fn a_repetition_survives_every_fault() {
    let calls = FakeBackend::survives_every_fault(
        async |backend| {
            let bob = backend.add_unproven(BOB, Standing::Provisional).await;
            let token = issued(backend, &bob, VERIFY).await;
            assert_eq!(redeem(backend, OPEN, &token).await.status, 204);
            token
        },
        async |backend, token| {
            let answer = redeem(backend, OPEN, token).await;
            let is_done = answer.status == 204;
            is_done.then_some(()).ok_or(format!("{answer:?}"))
        },
        async |backend, _| backend.users()[0].version.get() == 2,
    )
    .await;
    assert!(calls.contains(&"tokens.is_used"), "{calls:?}");
}

/// Who asked for an address of their own must not get another's with its token.
#[tokio::test]
async fn a_token_for_one_new_address_verifies_no_other() {
    let backend = FakeBackend::new();
    let bob = backend.add_user("bob@example.com").await;
    let bob = moving(&backend, &bob, "own@example.com").await;
    let token = issued(&backend, &bob, MOVE).await;
    moving(&backend, &bob, "victim@example.com").await;
    assert_eq!(redeem(&backend, OPEN, &token).await.problem(), EXPIRED);
    assert_eq!(backend.users()[0].email.as_str(), "bob@example.com");
}

#[tokio::test]
async fn of_two_users_who_race_for_an_address_one_gets_it() {
    for (policy, refusal) in [
        (OPEN, (409, "email-taken")),
        (SignUpPolicy::Admin, EXPIRED),
        (SignUpPolicy::Concealed, EXPIRED),
    ] {
        let backend = FakeBackend::new();
        let mut tokens = Vec::new();
        for email in ["bob@example.com", "eve@example.com"] {
            let user = backend.add_user(email).await;
            let user = moving(&backend, &user, "new@example.com").await;
            tokens.push(issued(&backend, &user, MOVE).await);
        }
        let (one, two) = tokio::join!(
            redeem(&backend, policy, &tokens[0]),
            redeem(&backend, policy, &tokens[1]),
        );
        assert_eq!(one.status, 204);
        assert_eq!(two.problem(), refusal, "{policy:?}");
        assert!(
            signs_in(&backend, "eve@example.com").await,
            "the loser keeps the old one"
        );
    }
}

#[tokio::test]
async fn a_token_is_bound_to_purpose_and_time() {
    let backend = FakeBackend::new();
    let bob = backend.add_user("bob@example.com").await;
    let reset = issued(&backend, &bob, TokenPurpose::PasswordReset).await;
    assert_eq!(redeem(&backend, OPEN, &reset).await.problem(), EXPIRED);
    let late = issued(&backend, &bob, VERIFY).await;
    backend.advance(VERIFY.lifetime());
    assert_eq!(redeem(&backend, OPEN, &late).await.problem(), EXPIRED);
    let bob = moving(&backend, &bob, "new@example.com").await;
    let change = issued(&backend, &bob, MOVE).await;
    assert_eq!(redeem(&backend, OPEN, &change).await.status, 204);
}

/// The address and its login move together, once.
#[tokio::test]
async fn a_move_survives_every_fault() {
    let calls = FakeBackend::survives_every_fault(
        async |backend| {
            let bob = backend.add_user(BOB).await;
            let bob = moving(backend, &bob, ANN).await;
            issued(backend, &bob, MOVE).await
        },
        async |backend, token| {
            let answer = redeem(backend, OPEN, token).await;
            let is_done = answer.status == 204;
            is_done.then_some(()).ok_or(format!("{answer:?}"))
        },
        async |backend, _| {
            let after = &backend.users()[0];
            signs_in(backend, "ann@example.com").await
                && !signs_in(backend, "bob@example.com").await
                && (after.version.get(), backend.outbox().len()) == (3, 3)
        },
    )
    .await;
    assert_eq!(calls.len(), 10, "{calls:?}");
}
