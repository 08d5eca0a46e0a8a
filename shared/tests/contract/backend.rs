//! The backends which the contract is held against.

use std::{env, panic::AssertUnwindSafe, sync::Arc};

use adapters::dynamodb::{
    ApiKeyItems, AttemptCounts, Audit, CacheItems, Deliveries, Feed, InvitationList, Keys,
    LeaseRecords, MailboxItems, Requests, Services, Sessions, SnapshotStore, Table, Tokens, Users,
};
use aws_sdk_dynamodb::Client;
use futures::FutureExt as _;
use shared::application::ports::Env;
use testing::FakeBackend;

use crate::{
    ports::{Ports, SystemEntropy, TestClock},
    tables::{self, Tables},
};

/// The memory which other tests stand on.
pub(crate) fn in_memory() -> Ports {
    let backend = FakeBackend::new();
    Ports {
        users: backend.clone(),
        sessions: backend.clone(),
        api_keys: backend.clone(),
        requests: backend.clone(),
        invitations: backend.clone(),
        tokens: backend.clone(),
        attempts: backend.clone(),
        leases: backend.clone(),
        mailboxes: backend.clone(),
        cache: backend.clone(),
        keys: backend.clone(),
        secrets: backend.clone(),
        audit: backend.clone(),
        feed: backend.clone(),
        snapshots: backend.clone(),
        services: backend.clone(),
        instances: backend.clone(),
        deliveries: backend.clone(),
        env: backend.env(),
        advance: Arc::new(move |span| backend.advance(span)),
    }
}

/// Runs a test against the memory.
pub(crate) async fn memory(test: impl AsyncFnOnce(Ports)) {
    test(in_memory()).await;
}

/// Runs a test against DynamoDB in this process.
pub(crate) async fn embedded(test: impl AsyncFnOnce(Ports)) {
    let client = tables::client(&tables::embedded().await);
    let tables = Tables::create(client.clone(), String::new()).await;
    test(over(&client, &tables)).await;
}

/// Runs a test against the DynamoDB at `ROSTER_DYNAMODB_LOCAL_URL`.
pub(crate) async fn dynamodb_local(test: impl AsyncFnOnce(Ports)) {
    let url = env::var("ROSTER_DYNAMODB_LOCAL_URL").unwrap();
    let client = tables::client(&url);
    let tables = Tables::create(client.clone(), prefix()).await;
    let outcome = AssertUnwindSafe(test(over(&client, &tables)))
        .catch_unwind()
        .await;
    tables.delete().await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// What begins the names of a test's own tables.
pub(crate) fn prefix() -> String {
    format!("contract-{}-", uuid::Uuid::from_bytes(random()).simple())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    bytes
}

/// The DynamoDB adapters over `tables`, by way of `client`.
pub(crate) fn over(client: &Client, tables: &Tables) -> Ports {
    let table = |logical_id: &str| Table::new(client.clone(), tables.name(logical_id));
    let clock = Arc::new(TestClock::new());
    let env = Env {
        clock: clock.clone(),
        random: Arc::new(SystemEntropy),
    };
    let sessions = table("SessionsTable");
    let services = Arc::new(Services::new(table("ServicesTable")));
    let keys = Arc::new(Keys::new(table("KeysTable"), env.clone()));
    Ports {
        users: Arc::new(Users::new(
            table("UsersTable"),
            sessions.clone(),
            env.clone(),
        )),
        sessions: Arc::new(Sessions::new(sessions.clone(), env.clone())),
        api_keys: Arc::new(ApiKeyItems::new(sessions.clone(), env.clock.clone())),
        requests: Arc::new(Requests::new(
            sessions.clone(),
            table("UsersTable"),
            env.clone(),
        )),
        invitations: Arc::new(InvitationList::new(sessions.clone(), env.clock.clone())),
        tokens: Arc::new(Tokens::new(sessions.clone())),
        attempts: Arc::new(AttemptCounts::new(sessions.clone(), env.clock.clone())),
        leases: Arc::new(LeaseRecords::new(sessions.clone(), env.clone())),
        mailboxes: Arc::new(MailboxItems::new(sessions.clone())),
        cache: Arc::new(CacheItems::new(sessions)),
        keys: keys.clone(),
        secrets: keys,
        audit: Arc::new(Audit::new(table("AuditTable"))),
        feed: Arc::new(Feed::new(table("UsersTable"))),
        snapshots: Arc::new(SnapshotStore::new(table("DirectoryTable"), clock.clone())),
        services: services.clone(),
        instances: services,
        deliveries: Arc::new(Deliveries::new(table("ServicesTable"), env.clone())),
        env,
        advance: Arc::new(move |span| clock.advance(span)),
    }
}
