//! Counts writes, so that streams know when there may be something to read.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::watch;

/// How many writes each table has had. Clones share the counts.
#[derive(Debug, Clone)]
pub(super) struct Writes(Arc<HashMap<String, watch::Sender<u64>>>);

impl Writes {
    pub(super) fn of<'a>(tables: impl Iterator<Item = &'a str>) -> Self {
        let counts = tables.map(|table| (table.to_owned(), watch::Sender::new(0)));
        Self(Arc::new(counts.collect()))
    }

    pub(super) fn note(&self, table: &str) {
        if let Some(count) = self.0.get(table) {
            count.send_modify(|count| *count += 1);
        }
    }

    /// After a sweep or the like, which may have touched any table.
    pub(super) fn note_all(&self) {
        for count in self.0.values() {
            count.send_modify(|count| *count += 1);
        }
    }

    pub(super) fn subscribe(&self, table: &str) -> Option<watch::Receiver<u64>> {
        self.0.get(table).map(watch::Sender::subscribe)
    }
}
