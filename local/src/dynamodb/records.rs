//! Reading a table's stream, in the shape in which Lambda hands records to functions.

use anyhow::Context as _;
use dynoxide::{Database, actions::get_records::GetRecordsRequest};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Dynamo, Table};
use crate::template::{REGION, arn};

/// The stream of one table. The emulated database has one shard for each.
#[derive(Clone)]
pub(crate) struct Stream {
    database: Database,
    /// The name under which the database knows the stream.
    internal_arn: String,
    pub(crate) arn: String,
    pub(crate) shard: String,
    /// A count which grows after each write that was answered.
    pub(crate) writes: watch::Receiver<u64>,
}

impl Stream {
    pub(super) fn open(dynamo: &Dynamo, table: &Table) -> anyhow::Result<Self> {
        let name = &table.name;
        let database = dynamo.database.clone();
        let metadata = database.get_table_metadata(name)?;
        let label = metadata
            .and_then(|metadata| metadata.stream_label)
            .with_context(|| format!("table {} has no stream", table.id))?;
        let internal_arn = dynoxide::streams::stream_arn(name, &label);
        let writes = dynamo.writes.subscribe(name).context("no such table")?;
        Ok(Self {
            database,
            internal_arn,
            arn: arn("dynamodb", &format!("table/{name}/stream/{label}")),
            shard: dynoxide::streams::shard_id(name),
            writes,
        })
    }

    /// At most `limit` records after the sequence number `position` (`None`: from the oldest),
    /// oldest first.
    pub(crate) async fn after(
        &self,
        position: Option<&str>,
        limit: usize,
    ) -> anyhow::Result<Vec<Value>> {
        let stream = self.clone();
        let position = position.map(str::to_owned);
        // The database waits for its lock and its disk on the calling thread.
        tokio::task::spawn_blocking(move || stream.read(position.as_deref(), limit)).await?
    }

    fn read(&self, position: Option<&str>, limit: usize) -> anyhow::Result<Vec<Value>> {
        let mut request = json!({
            "StreamArn": self.internal_arn,
            "ShardId": self.shard,
            "ShardIteratorType": "TRIM_HORIZON",
        });
        if let Some(position) = position {
            request["ShardIteratorType"] = json!("AFTER_SEQUENCE_NUMBER");
            request["SequenceNumber"] = json!(position);
        }
        let iterator = self
            .database
            .get_shard_iterator(serde_json::from_value(request)?)?
            .shard_iterator
            .context("no shard iterator")?;
        let records = self.database.get_records(GetRecordsRequest {
            shard_iterator: iterator,
            limit: Some(limit),
        })?;
        records
            .records
            .iter()
            .map(|record| {
                let mut record = serde_json::to_value(record)?;
                record["awsRegion"] = json!(REGION);
                record["eventSourceARN"] = json!(self.arn);
                Ok(record)
            })
            .collect()
    }
}
