//! The backends which the contract is held against.

use std::{env, panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt as _;
use shared::{
    adapters::dynamodb::{Audit, ClaimRecords, Keys, Requests, Sessions, Users},
    ports::Circumstances,
};

use crate::{
    ports::{Ports, SystemEntropy, TestClock},
    tables::{self, Tables},
};

/// Runs a test against DynamoDB in this process.
pub(crate) async fn embedded(test: impl AsyncFnOnce(Ports)) {
    let client = tables::client(&tables::embedded().await);
    test(over(&Tables::create(client, String::new()).await)).await;
}

/// Runs a test against the DynamoDB at `ROSTER_DYNAMODB_LOCAL_URL`, if that is given.
pub(crate) async fn dynamodb_local(test: impl AsyncFnOnce(Ports)) {
    let Ok(url) = env::var("ROSTER_DYNAMODB_LOCAL_URL") else {
        return;
    };
    let prefix = format!("contract-{}-", uuid::Uuid::from_bytes(random()).simple());
    let tables = Tables::create(tables::client(&url), prefix).await;
    let outcome = AssertUnwindSafe(test(over(&tables))).catch_unwind().await;
    tables.delete().await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    bytes
}

/// The DynamoDB adapters over `tables`.
pub(crate) fn over(tables: &Tables) -> Ports {
    let clock = Arc::new(TestClock::new());
    let circumstances = Circumstances {
        clock: clock.clone(),
        entropy: Arc::new(SystemEntropy),
    };
    let sessions = tables.table("SessionsTable");
    let keys = Arc::new(Keys::new(
        tables.table("KeysTable"),
        circumstances.entropy.clone(),
    ));
    Ports {
        users: Arc::new(Users::new(
            tables.table("UsersTable"),
            circumstances.clone(),
        )),
        sessions: Arc::new(Sessions::new(sessions.clone())),
        requests: Arc::new(Requests::new(sessions.clone(), circumstances.clock.clone())),
        claims: Arc::new(ClaimRecords::new(sessions, circumstances.clone())),
        keys: keys.clone(),
        secrets: keys,
        audit: Arc::new(Audit::new(tables.table("AuditTable"))),
        circumstances,
        advance: Arc::new(move |span| clock.advance(span)),
    }
}
