use adapters::jwt::{Jwt, Rsa};
use shared::{
    application::{
        cache::{CacheConfig, TieredCache},
        ports::{TokenIssuer as _, TokenVerifier as _},
    },
    domain::{Roles, Session, keys::RETENTION, mac::MacKey},
};
use testing::FakeBackend;

use super::*;

const MONTH: Duration = Duration::from_hours(30 * 24);
const DAY: Duration = Duration::from_hours(24);
const LAG: Duration = Duration::from_secs(5);

const CACHE: CacheConfig = CacheConfig {
    lifetime: DAY,
    negative_ttl: None,
    max_staleness: LAG,
    capacity: 10,
};

fn rotation(backend: &Arc<FakeBackend>) -> RotateSigningKeys {
    RotateSigningKeys {
        keys: backend.clone(),
        secrets: backend.clone(),
        generator: backend.clone(),
        random: backend.clone(),
        clock: backend.clone(),
        caches: backend.shared_caches(),
        period: MONTH,
        lag: LAG,
    }
}

/// A backend with one key.
async fn backend() -> Arc<FakeBackend> {
    let backend = FakeBackend::new();
    let first = backend.generate(backend.now()).unwrap();
    backend.bootstrap(&first).await.unwrap();
    backend
}

async fn kids(backend: &FakeBackend) -> Vec<String> {
    let ring = backend.ring().await.unwrap().unwrap();
    ring.keys.into_iter().map(|key| key.kid).collect()
}

async fn signer(backend: &FakeBackend, now: Timestamp) -> String {
    let ring = backend.ring().await.unwrap().unwrap();
    ring.signing_key(now).unwrap().kid.clone()
}

#[tokio::test]
async fn before_the_first_key_there_is_nothing_to_do() {
    let backend = FakeBackend::new();
    for command in [Command::Rotate, Command::ReplaceKeys] {
        rotation(&backend).execute(command).await.unwrap();
    }
    assert_eq!(backend.ring().await.unwrap(), None);
}

/// Daily for a year: there is always a key that signs, no key signs for less than a month, and
/// each key is in the ring the day before it signs.
#[tokio::test]
async fn a_year_of_days() {
    let backend = backend().await;
    let rotation = rotation(&backend);
    let (mut known, mut last) = (kids(&backend).await, signer(&backend, backend.now()).await);
    let mut signers = 1;
    for _ in 0..365 {
        rotation.execute(Command::Rotate).await.unwrap();
        rotation.execute(Command::Rotate).await.unwrap();
        let now = kids(&backend).await;
        assert!(now.len() <= 2, "{now:?}");
        let signs = signer(&backend, backend.now()).await;
        assert!(known.contains(&signs), "it was published the day before");
        if signs != last {
            (last, signers) = (signs, signers + 1);
        }
        known = now;
        backend.advance(DAY);
    }
    assert_eq!(signers, 13, "the first, and one for each month that began");
}

/// With real signatures: what a retired key signed is valid until it expires.
#[tokio::test]
async fn a_token_outlives_the_rotation() {
    let backend = FakeBackend::new();
    let issuer = "https://api.example.com";
    let jwt = Jwt::new(backend.known_ring(), backend.env(), "roster");
    jwt.warm_up_to_sign().await.unwrap();
    let first = signer(&backend, backend.now()).await;
    let ann = backend.sign_up("Ann", Roles::new()).await;
    let user = backend.user(ann.id).unwrap();
    let session: Session = backend.sessions_of(ann.id).remove(0);
    let rotation = RotateSigningKeys {
        generator: Arc::new(Rsa),
        ..rotation(&backend)
    };
    backend.advance(MONTH.saturating_sub(PUBLISH_AHEAD));
    rotation.execute(Command::Rotate).await.unwrap();
    backend.advance(PUBLISH_AHEAD.saturating_sub(Duration::from_secs(1)));
    let before = jwt.issue(issuer.into(), &user, &session).await.unwrap();
    backend.advance(Duration::from_mins(9));
    rotation.execute(Command::Rotate).await.unwrap();
    let after = jwt.issue(issuer.into(), &user, &session).await.unwrap();
    assert_ne!(signer(&backend, backend.now()).await, first);
    let other = Jwt::new(backend.known_ring(), backend.env(), "roster");
    for token in [before, after] {
        let token = secrecy_of(&token);
        for verifier in [&jwt, &other] {
            assert!(verifier.verify(issuer, &token).await.unwrap().is_some());
        }
    }
    // Its private half goes with it.
    backend.advance(RETENTION);
    rotation.execute(Command::Rotate).await.unwrap();
    assert!(backend.private(&first).await.unwrap().is_none());
    assert_eq!(kids(&backend).await.len(), 1);
}

fn secrecy_of(token: &shared::application::ports::AccessToken) -> String {
    use secrecy::ExposeSecret as _;
    token.token.expose_secret().to_owned()
}

#[tokio::test]
async fn compromised_keys_are_replaced_at_once() {
    let backend = backend().await;
    let before = kids(&backend).await;
    rotation(&backend)
        .execute(Command::ReplaceKeys)
        .await
        .unwrap();
    let after = kids(&backend).await;
    assert!(after.len() == 1 && after != before);
    assert_eq!(signer(&backend, backend.now()).await, after[0]);
    assert!(backend.private(&before[0]).await.unwrap().is_none());
}
#[tokio::test]
async fn a_rotation_survives_every_fault() {
    let calls = FakeBackend::survives_every_fault(
        async |backend| {
            let first = backend.generate(backend.now()).unwrap();
            backend.bootstrap(&first).await.unwrap();
            backend.advance(MONTH);
        },
        async |backend, ()| rotation(backend).execute(Command::Rotate).await,
        async |backend, ()| {
            let kids = kids(backend).await;
            for kid in &kids {
                assert!(backend.private(kid).await.unwrap().is_some(), "{kid}");
            }
            kids.len() == 2
        },
    )
    .await;
    assert_eq!(calls.len(), 6, "{calls:?}");
}

/// Every secret that there is.
async fn secrets(backend: &Arc<FakeBackend>) {
    for purpose in SecretPurpose::ROTATING {
        let secret = SecretRing::first([1; 32], backend.now());
        backend.get_or_put(purpose, secret).await.unwrap();
    }
}

/// What a secret makes now.
async fn code(backend: &FakeBackend, purpose: SecretPurpose) -> (MacKey, Vec<u8>) {
    let secret = backend.secret(purpose).await.unwrap().unwrap();
    let key = secret.at(backend.now());
    let code = key.code(&[b"x"]);
    (key, code)
}

/// Daily for two years: each secret changes again and again, what it made yesterday always verifies, and
/// no more than six versions are kept.
#[tokio::test]
async fn secrets_take_turns() {
    let backend = backend().await;
    secrets(&backend).await;
    let rotation = rotation(&backend);
    for purpose in SecretPurpose::ROTATING {
        let (mut changes, (_, mut last)) = (0, code(&backend, purpose).await);
        for _ in 0..730 {
            rotation.execute(Command::Rotate).await.unwrap();
            backend.advance(DAY);
            let (key, now) = code(&backend, purpose).await;
            assert!(key.verifies(&last, &[b"x"]), "{purpose:?}");
            changes += usize::from(now != last);
            last = now;
            let secret = backend.secret(purpose).await.unwrap().unwrap();
            assert!(secret.versions().len() <= 6, "{purpose:?}");
        }
        assert!(changes >= 14, "{purpose:?}: {changes}");
    }
}

#[tokio::test]
async fn after_a_leak_everything_of_before_is_void() {
    let backend = backend().await;
    secrets(&backend).await;
    let before = kids(&backend).await;
    let mut codes = Vec::new();
    for purpose in SecretPurpose::ROTATING {
        codes.push(code(&backend, purpose).await.1);
    }
    let cache: TieredCache<String> = TieredCache::new(CACHE, backend.clone(), backend.clone());
    let cached = async |value: &str| {
        let load = async { Ok(Some(value.to_owned())) };
        cache.get("issuers:a", load).await.unwrap().unwrap()
    };
    cached("planted").await;
    let everything = rotation(&backend).execute(Command::RevokeEverything).await;
    everything.unwrap();

    let ring = backend.ring().await.unwrap().unwrap();
    assert!(ring.keys.len() == 1 && !before.contains(&ring.keys[0].kid));
    assert!(backend.private(&before[0]).await.unwrap().is_none());
    for (purpose, code) in SecretPurpose::ROTATING.into_iter().zip(codes) {
        let secret = backend.secret(purpose).await.unwrap().unwrap();
        assert_eq!(secret.versions().len(), 1);
        assert!(
            !secret.at(backend.now()).verifies(&code, &[b"x"]),
            "{purpose:?}"
        );
    }
    // Nobody can give anything that lasts before each process has heard of it.
    let now = backend.now();
    assert!(ring.epoch.voids(now.plus(LAG)));
    assert!(!ring.epoch.voids(now.plus(LAG).plus(CLOCK_SKEW)));
    backend.advance(LAG);
    assert_eq!(*cached("genuine").await, "genuine");
}

/// Links may be out before anybody signed in.
#[tokio::test]
async fn an_epoch_begins_before_the_first_key_too() {
    let backend = FakeBackend::new();
    let everything = rotation(&backend).execute(Command::RevokeEverything).await;
    everything.unwrap();
    let ring = backend.ring().await.unwrap().unwrap();
    assert!(ring.epoch.voids(backend.now()));
}

#[tokio::test]
async fn a_leak_is_answered_whatever_fails() {
    FakeBackend::survives_every_fault(
        async |backend| {
            let first = backend.generate(backend.now()).unwrap();
            backend.bootstrap(&first).await.unwrap();
            secrets(backend).await;
        },
        async |backend, ()| rotation(backend).execute(Command::RevokeEverything).await,
        async |backend, ()| {
            let ring = backend.ring().await.unwrap().unwrap();
            ring.epoch.voids(backend.now()) && ring.keys.len() == 1
        },
    )
    .await;
}

#[tokio::test]
async fn a_slip_of_the_pen_is_no_rotation() {
    let backend = backend().await;
    let before = backend.ring().await.unwrap();
    for slip in ["All", "everything", "true"] {
        let detail = serde_json::json!({"compromised": slip});
        let refused = crate::handler::handle(&rotation(&backend), detail).await;
        assert!(refused.is_err(), "{slip}");
    }
    assert_eq!(backend.ring().await.unwrap(), before);
    let all = serde_json::json!({"compromised": "all"});
    crate::handler::handle(&rotation(&backend), all)
        .await
        .unwrap();
    assert_ne!(backend.ring().await.unwrap(), before);
}
