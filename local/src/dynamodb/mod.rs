//! The tables: `dynoxide` in process, in memory or in a file, behind a thin HTTP layer of ours
//! which counts calls and notes writes for the streams.
//!
//! # Where it differs from `DynamoDB`
//! - A stream has one shard, and a write that changes nothing still emits `MODIFY`.
//! - Stream records are kept for ever, not for 24 hours. They are indexed here (the database
//!   itself would look at all of them at each write), so their number does not slow it down.
//! - Calls are serialised: there is no `TransactionConflict` and no throttling.
//! - Indexes are never late: a query of one sees each write at once.
//! - `ClientRequestToken`s are remembered in memory only, for ten minutes.
//! - Items expire only in a sweep, once a minute, and however long ago their time was
//!   (`DynamoDB` leaves alone what expired more than five years ago).
//! - The database listens on a free port of its own behind the layer. Callers get the layer's
//!   address; only the layer checks `Host`.

mod access;
mod calls;
mod front;
mod records;
mod store;
#[cfg(test)]
pub(crate) mod tests;
mod writes;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use anyhow::Context as _;
pub use dynoxide::types::{AttributeValue, Item};
use dynoxide::{Database, ImportOptions};
use tokio::{net::TcpListener, task::JoinSet};

pub use self::calls::{Access, Call, Calls, Capacity, Total};
pub(crate) use self::records::Stream;
use self::{front::Front, store::DirectoryLock, writes::Writes};
use crate::{
    loopback::{self, Hosts},
    template::{Model, Table},
};

/// How often expired items are removed. `DynamoDB` takes up to days.
const SWEEP: Duration = Duration::from_mins(1);

/// The running database. Ends when it is dropped.
pub struct Dynamo {
    address: SocketAddr,
    tables: Vec<Table>,
    database: Database,
    calls: Calls,
    writes: Writes,
    _lock: Option<DirectoryLock>,
    _tasks: JoinSet<()>,
}

impl Dynamo {
    /// Opens the database in the folder `data`, or in memory, makes the tables of `model` that are
    /// missing and serves them on `listener`, to who calls by one of `hosts`.
    ///
    /// # Errors
    /// If the folder is taken, or a table cannot be made or is there with another shape; the error
    /// names the table.
    pub async fn start(
        model: &Model,
        data: Option<&Path>,
        listener: TcpListener,
        hosts: &Hosts,
    ) -> anyhow::Result<Self> {
        let tables: Vec<Table> = model.tables.values().cloned().collect();
        let lock = data.map(store::lock).transpose()?;
        let database = store::open(data).context("opening the database")?;
        for table in &tables {
            let made = store::ensure(&database, table);
            made.with_context(|| format!("table {}", table.id))?;
        }
        let writes = Writes::of(tables.iter().map(|table| table.name.as_str()));
        let calls = Calls::default();
        let address = listener.local_addr()?;
        let inner = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let front = hosts.guard(front::router(Front {
            client: loopback::client(),
            database: format!("http://{}", inner.local_addr()?),
            tables: tables.clone(),
            calls: calls.clone(),
            writes: writes.clone(),
        }));

        let mut tasks = JoinSet::new();
        tasks.spawn(dynoxide::server::serve_on(inner, database.clone()));
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, front).await {
                tracing::error!("the tables are not served any more: {error}");
            }
        });
        tasks.spawn(sweep_again_and_again(database.clone(), writes.clone()));
        Ok(Self {
            address,
            tables,
            database,
            calls,
            writes,
            _lock: lock,
            _tasks: tasks,
        })
    }

    /// Where the tables are served, such as `http://127.0.0.1:8000`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// The stream of the table with the logical id `table`.
    ///
    /// # Errors
    /// If there is no such table, or it has no stream.
    pub(crate) fn stream(&self, table: &str) -> anyhow::Result<Stream> {
        Stream::open(self, self.table(table)?)
    }

    /// Puts `items` into the table with the logical id `table`, all or none, without stream records.
    /// From then on a power cut can lose what was written before it.
    ///
    /// # Errors
    /// If there is no such table, or an item lacks its key.
    pub async fn load(&self, table: &str, items: Vec<Item>) -> anyhow::Result<()> {
        let name = self.table(table)?.name.clone();
        let database = self.database.clone();
        let load = move || {
            database.enable_bulk_loading()?;
            database.import_items(&name, items, ImportOptions::default())
        };
        tokio::task::spawn_blocking(load).await??;
        Ok(())
    }

    fn table(&self, id: &str) -> anyhow::Result<&Table> {
        let found = self.tables.iter().find(|table| table.id == id);
        found.with_context(|| format!("there is no table {id}"))
    }
}

async fn sweep_again_and_again(database: Database, writes: Writes) {
    loop {
        tokio::time::sleep(SWEEP).await;
        if let Err(error) = sweep(&database, &writes).await {
            tracing::warn!("expired items were not removed: {error:#}");
        }
    }
}

/// Removes the items that expired by now, and says how many.
async fn sweep(database: &Database, writes: &Writes) -> anyhow::Result<usize> {
    let database = database.clone();
    let removed = tokio::task::spawn_blocking(move || database.sweep_ttl()).await??;
    if removed > 0 {
        writes.note_all();
    }
    Ok(removed)
}
