//! Opens the database and makes the tables.

use std::{
    fs::{File, TryLockError},
    path::Path,
};

use anyhow::{Context as _, bail};
use dynoxide::{
    Database,
    actions::{
        create_table::CreateTableRequest, describe_table::DescribeTableRequest,
        update_time_to_live::UpdateTimeToLiveRequest,
    },
    storage::Storage,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Table;

const FILE: &str = "dynamodb.sqlite";

/// Every write looks up the newest record of its table's stream, and every read of a stream
/// sorts by this number. Without an index both walk through all records of all streams.
const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS local_stream_order \
     ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// Keeps a second stack from the data directory for as long as it lives.
pub(super) struct DirectoryLock(#[expect(dead_code, reason = "held, never read")] File);

/// Opens the database in the folder `data`, or a new one in memory.
pub(super) fn open(data: Option<&Path>) -> anyhow::Result<Database> {
    data.map_or_else(in_memory, |directory| in_file(&directory.join(FILE)))
}

/// Makes `table` unless it is there, and sets its time to live.
///
/// # Errors
/// If the table is there with other keys or indexes: the template changed under the data.
pub(super) fn ensure(database: &Database, table: &Table) -> anyhow::Result<()> {
    let name = &table.name;
    let there = database.get_table_metadata(name)?;
    if there.is_some() {
        compare(database, table)?;
    } else {
        let request: CreateTableRequest =
            serde_json::from_value(creation(table)).context("its properties")?;
        database.create_table(request)?;
    }
    let ttl = &table.properties["TimeToLiveSpecification"];
    if ttl["Enabled"] == true && !there.is_some_and(|there| there.ttl_enabled) {
        let request: UpdateTimeToLiveRequest = serde_json::from_value(json!({
            "TableName": name,
            "TimeToLiveSpecification": ttl,
        }))
        .context("its TimeToLiveSpecification")?;
        database.update_time_to_live(request)?;
    }
    Ok(())
}

fn compare(database: &Database, table: &Table) -> anyhow::Result<()> {
    let request: DescribeTableRequest = serde_json::from_value(json!({ "TableName": table.name }))?;
    let there = serde_json::to_value(database.describe_table(request)?)?;
    if shape(&there["Table"]) != shape(&creation(table)) {
        bail!(
            "the data directory has it with other keys, indexes or stream than the template: \
             start with another data directory, or remove this one"
        );
    }
    Ok(())
}

/// Takes `directory` for this process, making it if need be.
pub(super) fn lock(directory: &Path) -> anyhow::Result<DirectoryLock> {
    std::fs::create_dir_all(directory).context("making the data directory")?;
    let file = File::create(directory.join("lock")).context("making the lock file")?;
    match file.try_lock() {
        Ok(()) => Ok(DirectoryLock(file)),
        Err(TryLockError::WouldBlock) => bail!("another local stack uses this data directory"),
        Err(TryLockError::Error(error)) => Err(error).context("locking the data directory"),
    }
}

fn in_file(path: &Path) -> anyhow::Result<Database> {
    let path = path.to_str().context("the data directory is not UTF-8")?;
    Storage::new(path)?.conn().execute_batch(STREAM_INDEX)?;
    let database = Database::new(path)?;
    // Sets `synchronous = NORMAL` (all else it sets is SQLite's default): with a write-ahead log
    // the file stays consistent, and only a power cut can lose the last writes. The default
    // waits for the disk at each write.
    database.disable_bulk_loading()?;
    Ok(database)
}

fn in_memory() -> anyhow::Result<Database> {
    // The connection of a memory database is dynoxide's own. The index gets there as part of a
    // snapshot, whose only other content is the empty schema.
    let snapshot = format!("file:/local-{}?vfs=memdb", Uuid::new_v4());
    let storage = Storage::new(&snapshot)?;
    storage.conn().execute_batch(STREAM_INDEX)?;
    let database = Database::memory()?;
    database.restore_from(&snapshot)?;
    Ok(database)
}

/// The `CreateTable` request that `CloudFormation` would make of the properties.
fn creation(table: &Table) -> Value {
    let mut request = Map::new();
    request.insert("TableName".to_owned(), json!(table.name));
    for name in [
        "AttributeDefinitions",
        "KeySchema",
        "GlobalSecondaryIndexes",
        "LocalSecondaryIndexes",
        "BillingMode",
        "ProvisionedThroughput",
    ] {
        if let Some(value) = table.properties.get(name) {
            request.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(view) = table.properties["StreamSpecification"].get("StreamViewType") {
        let stream = json!({ "StreamEnabled": true, "StreamViewType": view });
        request.insert("StreamSpecification".to_owned(), stream);
    }
    Value::Object(request)
}

/// What cannot change under existing data, in one form for requests and descriptions.
fn shape(table: &Value) -> Value {
    let indexes = |kind: &str| {
        let mut indexes: Vec<Value> = table[kind]
            .as_array()
            .into_iter()
            .flatten()
            .map(|index| {
                json!([
                    index["IndexName"],
                    index["KeySchema"],
                    index["Projection"]["ProjectionType"],
                    sorted(&index["Projection"]["NonKeyAttributes"]),
                ])
            })
            .collect();
        indexes.sort_by_key(Value::to_string);
        indexes
    };
    json!([
        table["KeySchema"],
        sorted(&table["AttributeDefinitions"]),
        indexes("GlobalSecondaryIndexes"),
        indexes("LocalSecondaryIndexes"),
        table["StreamSpecification"]["StreamViewType"],
    ])
}

fn sorted(list: &Value) -> Vec<Value> {
    let mut list = list.as_array().cloned().unwrap_or_default();
    list.sort_by_key(Value::to_string);
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_read_and_written_by_the_index() {
        let storage = Storage::memory().unwrap();
        storage.conn().execute_batch(STREAM_INDEX).unwrap();
        // The two statements of dynoxide that would walk through all records.
        for statement in [
            "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 \
             FROM _stream_records WHERE table_name = 'users'",
            "SELECT new_image FROM _stream_records WHERE table_name = 'users' \
             AND shard_id = 's' AND CAST(sequence_number AS INTEGER) > 5 \
             ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT 9",
        ] {
            let plan = format!("EXPLAIN QUERY PLAN {statement}");
            let step: String = storage
                .conn()
                .query_row(&plan, [], |row| row.get(3))
                .unwrap();
            assert!(step.starts_with("SEARCH _stream_records USING"), "{step}");
            assert!(step.contains("local_stream_order"), "{step}");
        }
    }
}
