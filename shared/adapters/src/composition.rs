//! Clients of the services, one of each for an environment: they pool their connections.

use std::{sync::Arc, time::Duration};

use application::{
    idempotency::Idempotency,
    mail::{Links, MailBranding, MailLedger, MailService, MailSettings, RequestResponder},
    mail_requests::MailRequests,
    ports::{Env, SecretPurpose},
    rate_limit::{RateLimiter, SignInLimiter},
    reauthentication::Reauthentication,
    session_tokens::SessionTokens,
    shared_secret::SharedSecret,
    token_redemption::TokenRedemption,
    user_updates::UserUpdates,
};
use aws_config::{
    BehaviorVersion, ConfigLoader, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_sdk_dynamodb::config::Credentials;
use directory::service::Directory;
use domain::{FirstAdmin, Result, attempt::Limit};

use crate::{
    argon2::Argon2,
    dynamodb::{
        ATTEMPT_LIMIT, AttemptCounts, Audit, CALL_LIMIT, COMMIT_LIMIT, CacheItems, Feed, Keys,
        LeaseRecords, Requests, Sessions, SnapshotStore, Table, Tokens, Users,
    },
    eventbridge::EventBridge,
    jwt::{Jwt, Rsa},
    oidc::{ClientSecrets, Oidc, Providers},
    ses::Ses,
    system::System,
};

/// Time to open a connection within a region.
const CONNECT: Duration = Duration::from_secs(1);

/// Time for one attempt at a call of the bus or the mail service.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Time for all attempts of such a call: less than the shortest time-out of a function.
const OPERATION: Duration = Duration::from_secs(6);

/// How long a command on a user takes at most: the caller is read, the user is read and changed. Commands
/// that do more may reach the deadline of their function, before which the client gets a 503.
pub const COMMAND_LIMIT: Duration = CALL_LIMIT.saturating_mul(2).saturating_add(COMMIT_LIMIT);

/// What every function is told: the `Globals` of the template. A name is no permission.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Table of users, their logins and their histories.
    pub users_table: String,
    /// Table of sessions, requests, tokens and leases.
    pub sessions_table: String,
    /// Table of keys and shared secrets.
    pub keys_table: String,
    /// Table of the audit trail.
    pub audit_table: String,
    /// Table of the directory's snapshots.
    pub directory_table: String,
    /// Name of the event bus.
    pub bus: String,
    /// The `iss` of access tokens; empty for the domain name of each request.
    pub issuer: String,
    /// The `aud` of access tokens.
    pub audience: String,
    /// Seconds for which a caller is remembered.
    pub access_lag: u64,
}

/// The services, as one deployment uses them: its clients, and the adapters over them.
#[derive(Clone)]
pub struct Ports {
    config: SdkConfig,
    dynamodb: aws_sdk_dynamodb::Client,
    deployment: Deployment,
    /// Time and randomness.
    pub env: Env,
}

impl Ports {
    /// Reads region and credentials from the environment.
    pub async fn connect(deployment: Deployment) -> Self {
        let loader = aws_config::defaults(BehaviorVersion::latest());
        Self::with(loader, 1, deployment).await
    }

    /// The services of an emulator at `endpoint`, which takes any credentials; they name the caller.
    pub async fn at(endpoint: &str, caller: &str, deployment: Deployment) -> Self {
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(endpoint)
            .region("us-east-1")
            .credentials_provider(Credentials::new(caller, "local", None, None, "local"));
        // It may run unoptimised, in the process that asks.
        Self::with(loader, 10, deployment).await
    }

    /// A client that waits `patience` times as long as AWS should take.
    async fn with(loader: ConfigLoader, patience: u32, deployment: Deployment) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT * patience)
            .operation_timeout(OPERATION * patience)
            .build();
        let config = loader
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts)
            .load()
            .await;
        let table_timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT_LIMIT * patience)
            .operation_timeout(CALL_LIMIT * patience)
            .build();
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(&config)
            .timeout_config(table_timeouts)
            .build();
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb),
            config,
            deployment,
            env: System::env(),
        }
    }

    /// The users.
    pub fn users(&self) -> Arc<Users> {
        let table = self.table(&self.deployment.users_table);
        let sessions = self.table(&self.deployment.sessions_table);
        Arc::new(Users::new(table, sessions, self.env.clone()))
    }

    /// How a command changes a user.
    pub fn user_updates(&self) -> UserUpdates {
        UserUpdates {
            users: self.users(),
            env: self.env.clone(),
        }
    }

    /// The hasher of passwords.
    ///
    /// # Errors
    /// If there are no random bytes.
    pub fn password_hasher(&self) -> Result<Arc<Argon2>> {
        Ok(Arc::new(Argon2::new(self.env.random.clone())?))
    }

    /// What asks for the current password again: so many wrong ones without waiting.
    pub fn reauthentication(
        &self,
        hasher: Arc<Argon2>,
        per_account: u32,
        per_client_ip: u32,
    ) -> Reauthentication {
        Reauthentication {
            users: self.users(),
            hasher,
            rate_limiter: self.sign_in_limiter(per_account, per_client_ip),
        }
    }

    /// What knows repeated requests.
    pub fn idempotency(&self) -> Idempotency {
        let random = self.env.random.clone();
        Idempotency::new(self.leases(), self.keys(), random)
    }

    /// The maker of signing keys.
    pub fn key_generator(&self) -> Arc<Rsa> {
        Arc::new(Rsa)
    }

    /// What answers requests for mails.
    pub fn responder(&self, settings: &MailSettings) -> RequestResponder {
        RequestResponder {
            requests: self.requests(),
            users: self.users(),
            mail_service: self.mail_service(settings),
        }
    }

    /// The one-time tokens.
    pub fn one_time_tokens(&self) -> Arc<Tokens> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(Tokens::new(table))
    }

    /// The directory, which reads back `overlap` before where it was.
    pub fn directory(&self, overlap: Duration) -> Arc<Directory> {
        let clock = self.env.clock.clone();
        Arc::new(Directory::new(
            self.feed(),
            self.snapshots(),
            overlap,
            clock,
        ))
    }

    /// What became of each user.
    pub fn feed(&self) -> Arc<Feed> {
        Arc::new(Feed::new(self.table(&self.deployment.users_table)))
    }

    /// The snapshots of the directory.
    pub fn snapshots(&self) -> Arc<SnapshotStore> {
        let table = self.table(&self.deployment.directory_table);
        let clock = self.env.clock.clone();
        Arc::new(SnapshotStore::new(table, clock))
    }

    /// The sessions.
    pub fn sessions(&self) -> Arc<Sessions> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(Sessions::new(table, self.env.clone()))
    }

    /// The anonymous requests.
    pub fn requests(&self) -> Arc<Requests> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(Requests::new(table, self.env.clock.clone()))
    }

    /// The leases.
    pub fn leases(&self) -> Arc<LeaseRecords> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(LeaseRecords::new(table, self.env.clone()))
    }

    /// The level of caches which processes share.
    pub fn cache(&self) -> Arc<CacheItems> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(CacheItems::new(table))
    }

    /// The OpenID providers.
    ///
    /// # Errors
    /// If the settings contradict each other.
    pub fn identity_providers(
        &self,
        providers: Providers,
        secrets: ClientSecrets,
        loopback: bool,
    ) -> Result<Arc<Oidc>> {
        let clock = self.env.clock.clone();
        let oidc = Oidc::new(providers, secrets, loopback, self.cache(), clock)?;
        Ok(Arc::new(oidc))
    }

    /// What limits how often people may try.
    pub fn rate_limiter(&self) -> RateLimiter {
        let table = self.table(&self.deployment.sessions_table);
        let clock = self.env.clock.clone();
        RateLimiter {
            attempts: Arc::new(AttemptCounts::new(table, clock)),
            env: self.env.clone(),
        }
    }

    /// What notes requests for mails: so many an hour for one address, and from one place.
    pub fn mail_requests(&self, per_address: u32, per_client_ip: u32) -> MailRequests {
        MailRequests {
            requests: self.requests(),
            rate_limiter: self.rate_limiter(),
            per_address: Limit::hourly(per_address),
            per_client_ip: Limit::hourly(per_client_ip),
            env: self.env.clone(),
        }
    }

    /// What limits how often passwords are guessed: so often without waiting.
    pub fn sign_in_limiter(&self, per_account: u32, per_client_ip: u32) -> SignInLimiter {
        SignInLimiter {
            rate_limiter: self.rate_limiter(),
            per_account: Limit::of_account(per_account),
            per_client_ip: Limit::of_client_ip(per_client_ip),
        }
    }

    /// The keys and the shared secrets.
    pub fn keys(&self) -> Arc<Keys> {
        let table = self.table(&self.deployment.keys_table);
        Arc::new(Keys::new(table, self.env.random.clone()))
    }

    /// The audit trail.
    pub fn audit(&self) -> Arc<Audit> {
        Arc::new(Audit::new(self.table(&self.deployment.audit_table)))
    }

    /// The access tokens.
    pub fn tokens(&self) -> Arc<Jwt> {
        let audience = self.deployment.audience.clone();
        Arc::new(Jwt::new(self.keys(), self.env.clone(), audience))
    }

    /// What grants tokens. Readies the key that signs and the secret of refresh tokens.
    ///
    /// # Errors
    /// If they cannot be read, or made where there are none.
    pub async fn session_tokens(&self) -> Result<SessionTokens> {
        let tokens = self.tokens();
        let random = self.env.random.clone();
        let refresh_secret = SharedSecret::new(SecretPurpose::Refresh, self.keys(), random);
        tokio::try_join!(tokens.warm_up_to_sign(), refresh_secret.get())?;
        Ok(SessionTokens {
            tokens,
            refresh_secret,
        })
    }

    /// The bus.
    pub fn bus(&self) -> Arc<EventBridge> {
        let client = aws_sdk_eventbridge::Client::new(&self.config);
        Arc::new(EventBridge::new(client, self.deployment.bus.clone()))
    }

    /// The mail service, sending from the address `from`. Its client never repeats a call by itself: a
    /// mail has no token by which the service would know a repetition.
    pub fn mailer(&self, from: &str, configuration_set: &str) -> Arc<Ses> {
        let config = aws_sdk_sesv2::config::Builder::from(&self.config)
            .retry_config(RetryConfig::disabled())
            .build();
        Arc::new(Ses::new(
            aws_sdk_sesv2::Client::from_conf(config),
            from,
            configuration_set,
        ))
    }

    /// What changes users who prove an address.
    pub fn redemption(&self, first_admin: FirstAdmin) -> TokenRedemption {
        TokenRedemption {
            users: self.users(),
            tokens: self.one_time_tokens(),
            first_admin,
            env: self.env.clone(),
        }
    }

    /// What writes and sends mails.
    pub fn mail_service(&self, config: &MailSettings) -> MailService {
        let env = &self.env;
        let random = env.random.clone();
        MailService {
            ledger: MailLedger {
                leases: self.leases(),
                mailer: self.mailer(&config.from, &config.configuration_set),
                guarantee: config.guarantee,
            },
            links: Links {
                tokens: self.one_time_tokens(),
                secret: SharedSecret::new(SecretPurpose::OneTimeToken, self.keys(), random),
                clock: env.clock.clone(),
            },
            branding: MailBranding {
                product: config.product.clone(),
                app_url: config.app_url.clone(),
            },
        }
    }

    fn table(&self, name: &str) -> Table {
        Table::new(self.dynamodb.clone(), name)
    }
}
