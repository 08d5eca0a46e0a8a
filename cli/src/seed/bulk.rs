//! Fills the tables in a folder with new users, past everything that takes time: no transactions, no
//! conditions, no records in the streams.
//!
//! What is there afterwards is what imports would have left, the audit trail included. Users with the
//! same numbers from an earlier run are written anew; no other user may have their addresses.

use std::{ops::Range, path::Path, sync::Arc};

use adapters::dynamodb::{
    Item,
    users::{NewUserItems, items_of_new},
};
use anyhow::{anyhow, bail};
use aws_sdk_dynamodb::types::AttributeValue as Sdk;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use local::{
    dynamodb::{AttributeValue, Item as Stored},
    template::Model,
};
use shared::domain::{PasswordHash, error::Violation};

use super::{people, record};
use crate::{
    import::{Importer, importer, progress},
    target,
};

/// Users of one transaction of the database.
const CHUNK: u64 = 2_000;

/// Chunks in the making while one is written.
const AHEAD: usize = 2;

/// Items by table.
struct Items {
    users: Vec<Stored>,
    audit: Vec<Stored>,
}

/// Writes the users with the numbers below `count`.
///
/// # Errors
/// If a stack uses the folder, or it cannot be written.
pub(super) async fn fill(
    model: &Model,
    data: &Path,
    count: u64,
    hash: &PasswordHash,
) -> anyhow::Result<u64> {
    let dynamo = target::serve_tables(model, Some(data)).await?;
    let aws = target::connect_tables(&dynamo.url(), model)?;
    let importer = Arc::new(importer(&aws).await?);
    let progress = progress(count);
    let starts = (0..count).step_by(usize::try_from(CHUNK)?);
    let chunks = stream::iter(starts).map(|start| {
        let numbers = start..count.min(start + CHUNK);
        let (importer, hash) = (importer.clone(), hash.clone());
        async move {
            let making = move || items(&importer, numbers, &hash);
            tokio::task::spawn_blocking(making).await?
        }
    });
    let mut chunks = chunks.buffered(AHEAD);
    while let Some(items) = chunks.try_next().await? {
        let written = items.audit.len() as u64;
        dynamo.load("UsersTable", items.users).await?;
        dynamo.load("AuditTable", items.audit).await?;
        progress.inc(written);
    }
    progress.finish_and_clear();
    Ok(count)
}

/// What importing these users would leave behind, each at the time the user last changed.
fn items(importer: &Importer, numbers: Range<u64>, hash: &PasswordHash) -> anyhow::Result<Items> {
    let mut items = Items {
        users: Vec::new(),
        audit: Vec::new(),
    };
    for number in numbers {
        let wrong = |violation: Violation| anyhow!("user {number} {}", violation.message);
        let changed = people::person(number).map_err(wrong)?.updated_at;
        let change = importer.change(record(number, hash)?, changed)?;
        let NewUserItems { users, audit } = items_of_new(&change, changed)?;
        for item in users {
            items.users.push(converted(item)?);
        }
        items.audit.push(converted(audit)?);
    }
    Ok(items)
}

fn converted(item: Item) -> anyhow::Result<Stored> {
    let attributes = item.into_iter();
    attributes
        .map(|(name, value)| Ok((name, attribute(value)?)))
        .collect()
}

fn attribute(value: Sdk) -> anyhow::Result<AttributeValue> {
    Ok(match value {
        Sdk::S(text) => AttributeValue::S(text),
        Sdk::N(number) => AttributeValue::N(number),
        Sdk::Bool(flag) => AttributeValue::BOOL(flag),
        Sdk::Null(null) => AttributeValue::NULL(null),
        Sdk::L(list) => {
            AttributeValue::L(list.into_iter().map(attribute).collect::<Result<_, _>>()?)
        }
        Sdk::M(map) => AttributeValue::M(converted(map)?),
        other => bail!("an item of Roster has {other:?}"),
    })
}
