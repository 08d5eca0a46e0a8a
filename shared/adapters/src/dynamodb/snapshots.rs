//! Snapshots of the directory.

use std::sync::Arc;

use application::ports::Clock;
use async_trait::async_trait;
use directory::{
    Manifest, SegmentName,
    ports::{Newest, Snapshots},
    snapshot::SEGMENT_LIFE,
};
use domain::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{
    Entity, Key, Table,
    item::{self, ABSENT, Update, number},
    table::Written,
};

/// The snapshots, in the table of the directory.
#[derive(Clone)]
pub struct SnapshotStore {
    table: Table,
    clock: Arc<dyn Clock>,
}

impl SnapshotStore {
    /// The snapshots in `table`.
    pub fn new(table: Table, clock: Arc<dyn Clock>) -> Self {
        Self { table, clock }
    }
}

/// A segment. Each has its own partition, so that many can be read at once.
#[derive(Serialize, Deserialize)]
struct SegmentItem {
    #[serde(rename = "octets", with = "serde_bytes")]
    bytes: Vec<u8>,
    ttl: i64,
}

impl Entity for SegmentItem {
    type Id = SegmentName;

    fn key(name: &SegmentName) -> Key {
        Key::new(format!("SEGMENT#{name}"), "SEGMENT")
    }
}

/// The newest manifest; only its generation if another version of this program wrote it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ManifestItem {
    Known {
        generation: u64,
        manifest: Box<Manifest>,
    },
    Unknown {
        generation: u64,
    },
}

impl Entity for ManifestItem {
    type Id = ();

    fn key((): &()) -> Key {
        Key::new("MANIFEST", "MANIFEST")
    }
}

#[async_trait]
impl Snapshots for SnapshotStore {
    async fn newest(&self) -> Result<Option<Newest>> {
        let item = self.table.get::<ManifestItem>(&()).await?;
        Ok(item.map(|item| match item {
            ManifestItem::Known { manifest, .. } => Newest::Readable(*manifest),
            ManifestItem::Unknown { generation } => Newest::Unreadable { generation },
        }))
    }

    async fn segment(&self, name: &SegmentName) -> Result<Option<Vec<u8>>> {
        let item = self.table.get::<SegmentItem>(name).await?;
        Ok(item.map(|item| item.bytes))
    }

    async fn put_segment(&self, name: &SegmentName, bytes: Vec<u8>) -> Result<()> {
        let segment = SegmentItem {
            bytes,
            ttl: item::ttl(self.clock.now().plus(SEGMENT_LIFE)),
        };
        // A segment that exists has the same bytes: its name is their hash.
        self.table.insert(name, &segment).await.map(|_| ())
    }

    async fn swap(&self, expected: Option<u64>, manifest: &Manifest) -> Result<bool> {
        let value = serde_dynamo::to_attribute_value(manifest).map_err(Error::caused_by)?;
        let mut values = vec![
            (":generation", number(manifest.generation)),
            (":manifest", value),
        ];
        values.extend(expected.map(|expected| (":expected", number(expected))));
        let update = Update {
            key: ManifestItem::key(&()),
            changes: "SET #generation = :generation, #manifest = :manifest",
            condition: Some(match expected {
                Some(_) => "#generation = :expected",
                None => ABSENT,
            }),
            values,
        };
        Ok(match self.table.update::<ManifestItem>(update).await? {
            Written::Done(_) => true,
            // After a lost reply it may be this one.
            Written::Refused(Some(ManifestItem::Known { manifest: now, .. })) => *now == *manifest,
            Written::Refused(_) => false,
        })
    }

    async fn remove_segment(&self, name: &SegmentName) -> Result<()> {
        self.table.delete(SegmentItem::key(name)).await
    }
}
