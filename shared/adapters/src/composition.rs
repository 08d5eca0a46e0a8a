//! Clients of the services, one of each for an environment: they pool their connections.

use std::{sync::Arc, time::Duration};

use application::{
    idempotency::Idempotency,
    mail::{Asked, Courier, Links, MailSettings, Post, Stationery},
    mail_requests::Asking,
    ports::{Circumstances, SecretPurpose},
    rate_limit::{SignInThrottle, Throttle},
    reauthentication::Reauthentication,
    session_tokens::Granting,
    shared_secret::SharedSecret,
    token_redemption::Proving,
    user_updates::Changing,
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
        AttemptCounts, Audit, CacheItems, ClaimRecords, Feed, Keys, Requests, Sessions,
        SnapshotStore, Table, Tokens, Users,
    },
    eventbridge::EventBridge,
    jwt::{Jwt, Rsa},
    oidc::{ClientSecrets, Oidc, Providers},
    ses::Ses,
    system::System,
};

/// Time to open a connection within a region.
const CONNECT: Duration = Duration::from_secs(1);

/// Time for one attempt. DynamoDB answers in milliseconds; a connection that stays silent for longer
/// is dead.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Time for all attempts of one call: less than the shortest time-out of a function.
const OPERATION: Duration = Duration::from_secs(6);

/// What every function is told: the `Globals` of the template. A name is no permission.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Table of users, their logins and their histories.
    pub users_table: String,
    /// Table of sessions, requests, tokens and claims.
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
    pub circumstances: Circumstances,
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
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            config,
            deployment,
            circumstances: System::circumstances(),
        }
    }

    /// The users.
    pub fn users(&self) -> Arc<Users> {
        let table = self.table(&self.deployment.users_table);
        let sessions = self.table(&self.deployment.sessions_table);
        Arc::new(Users::new(table, sessions, self.circumstances.clone()))
    }

    /// How a command changes a user.
    pub fn user_updates(&self) -> Changing {
        Changing {
            users: self.users(),
            circumstances: self.circumstances.clone(),
        }
    }

    /// The hasher of passwords.
    ///
    /// # Errors
    /// If there are no random bytes.
    pub fn password_hasher(&self) -> Result<Arc<Argon2>> {
        Ok(Arc::new(Argon2::new(self.circumstances.entropy.clone())?))
    }

    /// What asks for the current password again: so many wrong ones without waiting.
    pub fn reauthentication(
        &self,
        hasher: Arc<Argon2>,
        per_account: u32,
        per_source: u32,
    ) -> Reauthentication {
        Reauthentication {
            users: self.users(),
            hasher,
            throttle: self.sign_in_throttle(per_account, per_source),
        }
    }

    /// What knows repeated requests.
    pub fn idempotency(&self) -> Idempotency {
        let entropy = self.circumstances.entropy.clone();
        Idempotency::new(self.claims(), self.keys(), entropy)
    }

    /// The maker of signing keys.
    pub fn key_generator(&self) -> Arc<Rsa> {
        Arc::new(Rsa)
    }

    /// What answers requests for mails.
    pub fn asked(&self, settings: &MailSettings) -> Asked {
        Asked {
            requests: self.requests(),
            users: self.users(),
            post: self.post(settings),
        }
    }

    /// The one-time tokens.
    pub fn one_time_tokens(&self) -> Arc<Tokens> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(Tokens::new(table))
    }

    /// The directory, which reads back `overlap` before where it was.
    pub fn directory(&self, overlap: Duration) -> Arc<Directory> {
        let clock = self.circumstances.clock.clone();
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
        let clock = self.circumstances.clock.clone();
        Arc::new(SnapshotStore::new(table, clock))
    }

    /// The sessions.
    pub fn sessions(&self) -> Arc<Sessions> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(Sessions::new(table, self.circumstances.clone()))
    }

    /// The anonymous requests.
    pub fn requests(&self) -> Arc<Requests> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(Requests::new(table, self.circumstances.clock.clone()))
    }

    /// The claims.
    pub fn claims(&self) -> Arc<ClaimRecords> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(ClaimRecords::new(table, self.circumstances.clone()))
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
        let clock = self.circumstances.clock.clone();
        let oidc = Oidc::new(providers, secrets, loopback, self.cache(), clock)?;
        Ok(Arc::new(oidc))
    }

    /// What limits how often people may try.
    pub fn throttle(&self) -> Throttle {
        let table = self.table(&self.deployment.sessions_table);
        let clock = self.circumstances.clock.clone();
        Throttle {
            attempts: Arc::new(AttemptCounts::new(table, clock)),
            circumstances: self.circumstances.clone(),
        }
    }

    /// What notes wishes for mails: so many an hour for one address, and from one place.
    pub fn asking(&self, per_address: u32, per_source: u32) -> Asking {
        Asking {
            requests: self.requests(),
            throttle: self.throttle(),
            per_address: Limit::hourly(per_address),
            per_source: Limit::hourly(per_source),
            circumstances: self.circumstances.clone(),
        }
    }

    /// What limits how often passwords are guessed: so often without waiting.
    pub fn sign_in_throttle(&self, per_account: u32, per_source: u32) -> SignInThrottle {
        SignInThrottle {
            throttle: self.throttle(),
            per_account: Limit::of_account(per_account),
            per_source: Limit::of_source(per_source),
        }
    }

    /// The keys and the shared secrets.
    pub fn keys(&self) -> Arc<Keys> {
        let table = self.table(&self.deployment.keys_table);
        Arc::new(Keys::new(table, self.circumstances.entropy.clone()))
    }

    /// The audit trail.
    pub fn audit(&self) -> Arc<Audit> {
        Arc::new(Audit::new(self.table(&self.deployment.audit_table)))
    }

    /// The access tokens.
    pub fn tokens(&self) -> Arc<Jwt> {
        let audience = self.deployment.audience.clone();
        Arc::new(Jwt::new(self.keys(), self.circumstances.clone(), audience))
    }

    /// What grants tokens. Readies the key that signs and the secret of refresh tokens.
    ///
    /// # Errors
    /// If they cannot be read, or made where there are none.
    pub async fn granting(&self) -> Result<Granting> {
        let tokens = self.tokens();
        let entropy = self.circumstances.entropy.clone();
        let refresh_secret = SharedSecret::new(SecretPurpose::Refresh, self.keys(), entropy);
        tokio::try_join!(tokens.warm_up_to_sign(), refresh_secret.get())?;
        Ok(Granting {
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
    pub fn proving(&self, first_admin: FirstAdmin) -> Proving {
        Proving {
            users: self.users(),
            tokens: self.one_time_tokens(),
            first_admin,
            circumstances: self.circumstances.clone(),
        }
    }

    /// What writes and sends mails.
    pub fn post(&self, config: &MailSettings) -> Post {
        let circumstances = &self.circumstances;
        let entropy = circumstances.entropy.clone();
        Post {
            courier: Courier {
                claims: self.claims(),
                mailer: self.mailer(&config.from, &config.configuration_set),
                guarantee: config.guarantee,
            },
            links: Links {
                tokens: self.one_time_tokens(),
                secret: SharedSecret::new(SecretPurpose::OneTimeToken, self.keys(), entropy),
                clock: circumstances.clock.clone(),
            },
            stationery: Stationery {
                product: config.product.clone(),
                app_url: config.app_url.clone(),
            },
        }
    }

    fn table(&self, name: &str) -> Table {
        Table::new(self.dynamodb.clone(), name)
    }
}
