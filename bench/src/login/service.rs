//! The sign-in as the function does it, from the event to the answer, over ports in memory.

use std::{sync::Arc, time::Duration};

use adapters::{argon2::Argon2, jwt::Jwt, system::System};
use anyhow::{Context as _, anyhow, ensure};
use authenticate::{authenticate::Authenticate, handler, oidc::OidcStrategy};
use serde_json::json;
use shared::{
    application::{
        ports::{PasswordHasher, SecretPurpose, TokenIssuer as _, UserRepository as _},
        rate_limit::SignInLimiter,
        session_starter::SessionStarter,
        session_tokens::SessionTokens,
        shared_secret::SharedSecret,
        sign_in::{Strategies, password::PasswordStrategy},
    },
    domain::{
        Audiences, Origin, Password, Roles, Session, SessionId, User, UserId, attempt::Limit,
        error::Violation, sign_up::SignUpPolicy, user::NewUser,
    },
    lambda::http::{Authenticator, answer},
};
use testing::{FakeBackend, TestRequest};

use crate::{
    cpu,
    timing::{Timings, millis},
};

/// The password of every user.
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// No attempt has to wait, however many there are.
const UNLIMITED: u32 = 100_000_000;

/// The function, with everything it needs.
pub(super) struct Stage {
    backend: Arc<FakeBackend>,
    hasher: Arc<dyn PasswordHasher>,
    tokens: Arc<Jwt>,
    service: Arc<Authenticate>,
}

impl Stage {
    /// The function with this hasher, before its first sign-in.
    pub(super) fn new(backend: Arc<FakeBackend>, hasher: Arc<dyn PasswordHasher>) -> Self {
        let password = PasswordStrategy {
            users: backend.clone(),
            hasher: hasher.clone(),
            rate_limiter: unlimited(&backend),
            devices: backend.devices(),
            env: backend.env(),
        };
        let oidc = OidcStrategy {
            policy: SignUpPolicy::Admin,
            providers: backend.clone(),
            rate_limiter: unlimited(&backend),
            sign_ups: backend.sign_up_limiter(),
            updates: backend.user_updates(),
        };
        let tokens = Arc::new(Jwt::new(backend.known_ring(), backend.env(), "roster"));
        let secret = SharedSecret::new(SecretPurpose::Refresh, backend.secrets());
        let service = Authenticate {
            audiences: Audiences::default(),
            strategies: Strategies {
                password: Arc::new(password),
                oidc: Arc::new(oidc),
            },
            session_starter: SessionStarter {
                sessions: backend.clone(),
                session_tokens: SessionTokens {
                    tokens: tokens.clone(),
                    refresh_secret: secret,
                },
                env: backend.env(),
            },
            devices: backend.devices(),
        };
        Self {
            backend,
            hasher,
            tokens,
            service: Arc::new(service),
        }
    }

    /// The function with Roster's hasher.
    pub(super) fn real() -> anyhow::Result<Self> {
        Ok(Self::new(
            FakeBackend::new(),
            Arc::new(Argon2::new(Arc::new(System))?),
        ))
    }

    /// Adds a user.
    pub(super) async fn add(&self, email: &str, active: bool) -> anyhow::Result<()> {
        let wrong = |violation: Violation| anyhow!("{}", violation.message);
        let metadata = self.backend.env().metadata(Origin::system("bench"))?;
        let new = NewUser {
            id: UserId::new(metadata.now, self.backend.env().random.bytes()?),
            email: email.parse().map_err(wrong)?,
            name: "Ann".parse().map_err(wrong)?,
            password: self.hasher.hash(&Password::presented(PASSWORD)).await?,
            roles: Roles::new(),
        };
        let user = self.backend.commit(&User::create(new, &metadata)).await?;
        self.backend.tamper(user.id, |user| user.active = active);
        Ok(())
    }

    /// The status of a sign-in.
    pub(super) async fn sign_in(&self, email: &str, password: &str) -> anyhow::Result<u16> {
        let request = TestRequest::new("POST", "/sessions")
            .json(&json!({"email": email, "password": password}))
            .into_raw();
        let authenticator = Authenticator::open("");
        let service = self.service.clone();
        // Large: it holds all that the use case holds.
        let answer = Box::pin(answer(
            handler::ACCESS,
            &authenticator,
            service,
            &handler::handle,
            request,
        ))
        .await;
        Ok(answer.status().as_u16())
    }

    async fn sign_ins(&self, count: u32) -> anyhow::Result<Duration> {
        let before = cpu::of("self")?;
        for _ in 0..count {
            let status = self.sign_in("ann@example.com", PASSWORD).await?;
            ensure!(status == 201, "a sign-in was answered {status}");
        }
        Ok(cpu::of("self")?.saturating_sub(before) / count)
    }
}

fn unlimited(backend: &Arc<FakeBackend>) -> SignInLimiter {
    let mut limiter = backend.sign_in_limiter(UNLIMITED);
    limiter.limits.per_user = Limit::hourly(UNLIMITED);
    limiter
}

/// What signing an access token takes of a sign-in.
async fn signature(stage: &Stage) -> anyhow::Result<Duration> {
    let user = stage.backend.users().pop().context("there is no user")?;
    let metadata = stage.backend.env().metadata(Origin::system("bench"))?;
    let id = SessionId::new(metadata.now, [7; 10]);
    let (session, _) = Session::start(id, "nonce".to_owned(), &user, "pwd", false, &metadata);
    let before = cpu::of("self")?;
    for _ in 0..TOGETHER {
        stage
            .tokens
            .issue("https://example.com".into(), &user, &session)
            .await?;
    }
    Ok(cpu::of("self")?.saturating_sub(before) / TOGETHER)
}

/// Sign-ins together of which all but the hash is measured, which is little.
const TOGETHER: u32 = 50;

/// The rows of the table.
pub(super) async fn measure(runs: usize, fastest: f64) -> anyhow::Result<Vec<String>> {
    let real = Stage::real()?;
    let backend = FakeBackend::new();
    let hashless = Stage::new(backend.clone(), backend);
    for stage in [&real, &hashless] {
        stage.add("ann@example.com", true).await?;
        // Makes the keys that sign tokens, as init does.
        stage.sign_ins(1).await?;
    }
    let mut first_hashes = Timings::default();
    let (mut whole, mut rest) = (Timings::default(), Timings::default());
    let (mut signatures, first_signature) = (Timings::default(), signature(&hashless).await?);
    let (first_whole, first_rest) = (real.sign_ins(1).await?, hashless.sign_ins(1).await?);
    for _ in 0..runs {
        whole.add(real.sign_ins(1).await?);
        rest.add(hashless.sign_ins(TOGETHER).await?);
        signatures.add(signature(&hashless).await?);
    }
    let mut warm_hashes = Timings::default();
    for _ in 0..runs.div_ceil(4) {
        // As a new process after its init.
        let hasher = Argon2::new(Arc::new(System))?;
        first_hashes.add(verification(&hasher).await?);
        warm_hashes.add(verification(&hasher).await?);
    }
    let row = |name: &str, first: f64, p50: f64| {
        let ratio = p50 / fastest;
        format!("| {name} | {first:.2} | {p50:.2} | {ratio:.2} |")
    };
    Ok(vec![
        row("all of it", millis(first_whole), whole.percentile(50)),
        row("all but the hash", millis(first_rest), rest.percentile(50)),
        row(
            "of that, the RSA signature of the access token",
            millis(first_signature),
            signatures.percentile(50),
        ),
        row(
            "the hash in a new hasher, then the next",
            first_hashes.percentile(50),
            warm_hashes.percentile(50),
        ),
    ])
}

async fn verification(hasher: &Argon2) -> anyhow::Result<Duration> {
    let before = cpu::of("self")?;
    hasher.verify(&Password::presented(PASSWORD), None).await?;
    Ok(cpu::of("self")?.saturating_sub(before))
}
