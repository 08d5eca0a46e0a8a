//! The composition root: the adapters of one deployment, over clients which they share.

mod services;

use std::{sync::Arc, time::Duration};

use application::{cache::SharedCaches, known_ring::KnownRing, ports::Env};
use aws_sdk_dynamodb::config::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::SdkConfig;
use domain::{Result, service::Networks};

use crate::{
    argon2::Argon2,
    dynamodb::{
        ATTEMPT_LIMIT, ApiKeyItems, Audit, CALL_LIMIT, COMMIT_LIMIT, CacheItems, Deliveries, Feed,
        InvitationList, Keys, LeaseRecords, MailboxItems, Requests, Services, Sessions,
        SnapshotStore, Table, Tokens, Users, usage::Counting, users::Upkeep,
    },
    eventbridge::EventBridge,
    jwt::{AccessTokenSettings, Jwt, Rsa},
    oidc::{self, ClientSecrets, Oidc, Providers},
    sdk_config,
    ses::Ses,
    sqs::Sqs,
    ssm::{SecretsPath, Ssm},
    system::System,
    webhooks::Webhooks,
};

/// Time for one attempt at a call of the bus or the mail service.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Time for all attempts of such a call: less than the shortest time-out of a function.
const OPERATION: Duration = Duration::from_secs(6);

/// How long a command on a user takes at most: the caller is read, the user is read and changed. Commands
/// that do more may reach the deadline of their function, before which the client gets a 503.
pub const COMMAND_LIMIT: Duration = CALL_LIMIT.saturating_mul(2).saturating_add(COMMIT_LIMIT);

/// What every function knows of its deployment: the `Globals` of the template. A name is no permission.
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
    /// Table of the services that are told of events.
    pub services_table: String,
    /// Name of the event bus.
    pub bus: String,
    /// The `iss` of access tokens; empty for the domain name of each request.
    pub issuer: String,
    /// The `aud` of access tokens.
    pub audience: String,
    /// What it chose of its access tokens.
    pub access_tokens: AccessTokenSettings,
    /// Seconds for which a caller is remembered.
    pub access_lag: u64,
    /// Calls with one API key, a minute.
    pub api_key_calls: u32,
    /// Changes which a user makes of the own account, an hour.
    pub changes_per_user: u32,
}

impl Deployment {
    /// How old what a process knows may be.
    pub fn access_lag(&self) -> Duration {
        Duration::from_secs(self.access_lag)
    }
}

/// Makes the adapters of a deployment, and the services over them.
#[derive(Clone)]
pub struct Ports {
    config: SdkConfig,
    dynamodb: aws_sdk_dynamodb::Client,
    deployment: Deployment,
    ring: Arc<KnownRing>,
    pub env: Env,
}

impl Ports {
    /// Reads region, credentials and addresses from the environment, as Lambda sets it.
    pub fn connect(deployment: Deployment) -> Self {
        Self::over(&sdk_config::from_environment(), deployment)
    }

    /// The services that `config` leads to.
    pub fn over(config: &SdkConfig, deployment: Deployment) -> Self {
        // An emulator may run unoptimised, on a machine that is busy with other work.
        let is_emulated = std::env::var_os("AWS_ENDPOINT_URL_DYNAMODB").is_some();
        let patience = if is_emulated { 4 } else { 1 };
        Self::with(config, patience, deployment)
    }

    /// The services of an emulator at `endpoint`, which takes any credentials; they name the caller.
    pub fn at(endpoint: &str, caller: &str, deployment: Deployment) -> Self {
        // It may run unoptimised, in the process that asks.
        Self::with(&sdk_config::of_emulator(endpoint, caller), 10, deployment)
    }

    /// A client that waits `patience` times as long as AWS should take.
    fn with(config: &SdkConfig, patience: u32, deployment: Deployment) -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT * patience)
            .operation_timeout(OPERATION * patience)
            .build();
        let config = config
            .to_builder()
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts)
            .build();
        let table_timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_LIMIT * patience)
            .operation_timeout(CALL_LIMIT * patience)
            .build();
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(&config)
            .timeout_config(table_timeouts)
            .interceptor(Counting)
            .build();
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb);
        let env = System::env();
        let keys = Keys::new(
            Table::new(dynamodb.clone(), &deployment.keys_table),
            env.clone(),
        );
        let lag = deployment.access_lag();
        Self {
            ring: Arc::new(KnownRing::new(Arc::new(keys), env.clock.clone(), lag)),
            dynamodb,
            config,
            deployment,
            env,
        }
    }

    /// Loads and commits users.
    pub fn users(&self) -> Arc<Users> {
        let table = self.table(&self.deployment.users_table);
        let sessions = self.table(&self.deployment.sessions_table);
        Arc::new(Users::new(table, sessions, self.env.clone()))
    }

    /// Checks and mends the table of users.
    pub fn upkeep(&self) -> Upkeep {
        Upkeep::new(self.table(&self.deployment.users_table), self.env.clone())
    }

    /// Argon2id; its memory is allocated here.
    ///
    /// # Errors
    /// If there are no random bytes.
    pub fn password_hasher(&self) -> Result<Arc<Argon2>> {
        Ok(Arc::new(Argon2::new(self.env.random.clone())?))
    }

    /// Makes signing keys.
    pub fn key_generator(&self) -> Arc<Rsa> {
        Arc::new(Rsa)
    }

    /// The slots of one-time tokens.
    pub fn one_time_tokens(&self) -> Arc<Tokens> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(Tokens::new(table))
    }

    /// The feed of changed users.
    pub fn feed(&self) -> Arc<Feed> {
        Arc::new(Feed::new(self.table(&self.deployment.users_table)))
    }

    /// The snapshots of the directory.
    pub fn snapshots(&self) -> Arc<SnapshotStore> {
        let table = self.table(&self.deployment.directory_table);
        let clock = self.env.clock.clone();
        Arc::new(SnapshotStore::new(table, clock))
    }

    /// Loads and writes sessions.
    pub fn sessions(&self) -> Arc<Sessions> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(Sessions::new(table, self.env.clone()))
    }

    /// Keeps the API keys.
    pub fn api_keys(&self) -> Arc<ApiKeyItems> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(ApiKeyItems::new(table, self.env.clock.clone()))
    }

    /// Keeps anonymous requests.
    pub fn requests(&self) -> Arc<Requests> {
        let table = self.table(&self.deployment.sessions_table);
        let users = self.table(&self.deployment.users_table);
        Arc::new(Requests::new(table, users, self.env.clone()))
    }

    /// The list of open invitations.
    pub fn invitations(&self) -> Arc<InvitationList> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(InvitationList::new(table, self.env.clock.clone()))
    }

    /// The leases behind idempotency keys and the mail ledger.
    pub fn leases(&self) -> Arc<LeaseRecords> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(LeaseRecords::new(table, self.env.clone()))
    }

    /// What the mail service told of addresses.
    pub fn mailboxes(&self) -> Arc<MailboxItems> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(MailboxItems::new(table))
    }

    /// The level of caches which processes share.
    pub fn cache(&self) -> Arc<CacheItems> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(CacheItems::new(table))
    }

    /// The OpenID providers. Allows those at loopback addresses over plain HTTP if `loopback` is set;
    /// for tests.
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
        let lag = self.deployment.access_lag();
        let oidc = Oidc::new(providers, secrets, loopback, self.cache(), clock, lag)?;
        Ok(Arc::new(oidc))
    }

    /// The client secrets of `providers`, from the parameters below `path`.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub async fn client_secrets(
        &self,
        providers: &Providers,
        path: &SecretsPath,
    ) -> Result<ClientSecrets> {
        let (config, env) = (&self.config, &self.env);
        Ssm { config, env }
            .client_secrets(providers.names(), path)
            .await
    }

    /// All caches which processes share.
    pub fn shared_caches(&self) -> SharedCaches {
        SharedCaches::new(&oidc::CACHED, self.cache(), self.env.clock.clone())
    }

    /// How old what a process knows may be.
    pub fn access_lag(&self) -> Duration {
        self.deployment.access_lag()
    }

    /// The OpenID providers for those who only list them; see [`Oidc::for_listing`].
    ///
    /// # Errors
    /// If the settings contradict each other.
    pub fn listed_identity_providers(
        &self,
        providers: Providers,
        loopback: bool,
    ) -> Result<Arc<Oidc>> {
        let (clock, no_secrets) = (self.env.clock.clone(), ClientSecrets::default());
        let lag = self.deployment.access_lag();
        let oidc = Oidc::new(providers, no_secrets, loopback, self.cache(), clock, lag)?;
        Ok(Arc::new(oidc.for_listing()))
    }

    /// The signing keys and the shared secrets.
    pub fn keys(&self) -> Arc<Keys> {
        let table = self.table(&self.deployment.keys_table);
        Arc::new(Keys::new(table, self.env.clone()))
    }

    /// The ring as this process knows it: one for all who ask.
    pub fn ring(&self) -> Arc<KnownRing> {
        self.ring.clone()
    }

    /// Records and reads the audit trail.
    pub fn audit(&self) -> Arc<Audit> {
        Arc::new(Audit::new(self.table(&self.deployment.audit_table)))
    }

    /// Issues and verifies access tokens.
    pub fn access_tokens(&self) -> Arc<Jwt> {
        let audience = self.deployment.audience.clone();
        let jwt = Jwt::new(self.ring(), self.env.clone(), audience);
        Arc::new(jwt.with(self.deployment.access_tokens))
    }

    /// Keeps the services, and their instances.
    pub fn services(&self) -> Arc<Services> {
        Arc::new(Services::new(self.table(&self.deployment.services_table)))
    }

    /// Keeps what became of deliveries.
    pub fn deliveries(&self) -> Arc<Deliveries> {
        let table = self.table(&self.deployment.services_table);
        Arc::new(Deliveries::new(table, self.env.clone()))
    }

    /// The queue of deliveries at `url`.
    pub fn delivery_queue(&self, url: &str) -> Arc<Sqs> {
        Arc::new(Sqs::new(aws_sdk_sqs::Client::new(&self.config), url))
    }

    /// Calls instances of services: at public addresses, and in these networks.
    pub fn webhooks(&self, networks: Networks) -> Arc<Webhooks> {
        Arc::new(Webhooks::new(networks))
    }

    /// Publishes domain events.
    pub fn event_bus(&self) -> Arc<EventBridge> {
        let client = aws_sdk_eventbridge::Client::new(&self.config);
        Arc::new(EventBridge::new(client, self.deployment.bus.clone()))
    }

    /// The mail service, sending from the address `from`. Its client does not retry by itself: a mail has
    /// no token by which the service would know a repetition.
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

    fn table(&self, name: &str) -> Table {
        Table::new(self.dynamodb.clone(), name)
    }
}
