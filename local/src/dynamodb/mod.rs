//! The tables: `dynoxide` in process, in memory or in a file, behind a thin HTTP layer of ours
//! which counts who calls what and tells the streams of writes.
//!
//! # Where it differs from `DynamoDB`
//! - A stream has one shard, and a write that changes nothing still emits `MODIFY`.
//! - Stream records are kept for ever, not for 24 hours. They are indexed here (the database
//!   itself would look at all of them at each write), so their number does not slow it down.
//! - Calls are serialised: there is no `TransactionConflict` and no throttling.
//! - Indexes are never late: a query of one sees each write at once.
//! - `ClientRequestToken`s are remembered in memory only, for ten minutes.
//! - Items expire only in a sweep, each [`SWEEP`], and however long ago their time was
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
    path::PathBuf,
    time::Duration,
};

use anyhow::Context as _;
use dynoxide::ImportOptions;
pub use dynoxide::types::{AttributeValue, Item};
use tokio::{net::TcpListener, task::JoinSet};

pub use self::{
    calls::{Access, Call, Calls, Capacity, KEPT, Total},
    records::Stream,
};
use self::{
    front::Front,
    store::{DirectoryLock, Store},
    writes::Writes,
};
pub use crate::template::Table;

/// How often expired items are removed. `DynamoDB` takes up to days.
pub const SWEEP: Duration = Duration::from_mins(1);

/// What to serve.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Directory of the data. `None` keeps them in memory.
    pub data: Option<PathBuf>,
    /// The tables.
    pub tables: Vec<Table>,
}

/// The running database. Ends when it is dropped.
pub struct Dynamo {
    address: SocketAddr,
    tables: Vec<Table>,
    store: Store,
    calls: Calls,
    writes: Writes,
    _lock: Option<DirectoryLock>,
    tasks: JoinSet<()>,
}

impl Dynamo {
    /// Opens the database, makes the tables that are missing and serves them on `listener`.
    ///
    /// # Errors
    /// If the data directory is taken, or a table cannot be made or is there with another
    /// shape; the error names the table.
    pub async fn start(config: Config, listener: TcpListener) -> anyhow::Result<Self> {
        let lock = config.data.as_deref().map(store::lock).transpose()?;
        let store = Store::open(config.data.as_deref()).context("opening the database")?;
        for table in &config.tables {
            store
                .ensure(table)
                .with_context(|| format!("table {}", table.id))?;
        }
        let writes = Writes::of(config.tables.iter().map(|table| table.name.as_str()));
        let calls = Calls::default();
        let address = listener.local_addr()?;
        let database = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let front = front::router(Front {
            client: front::client(),
            database: format!("http://{}", database.local_addr()?),
            keys: access::PartitionKeys::of(&config.tables),
            calls: calls.clone(),
            writes: writes.clone(),
        });

        let mut tasks = JoinSet::new();
        tasks.spawn(dynoxide::server::serve_on(database, store.database.clone()));
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, front).await {
                tracing::error!("the tables are not served any more: {error}");
            }
        });
        let dynamo = Self {
            address,
            tables: config.tables,
            store,
            calls,
            writes,
            _lock: lock,
            tasks,
        };
        Ok(dynamo.with_sweeps())
    }

    fn with_sweeps(mut self) -> Self {
        let (store, writes) = (self.store.clone(), self.writes.clone());
        self.tasks.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                if let Err(error) = sweep(&store, &writes).await {
                    tracing::warn!("expired items were not removed: {error:#}");
                }
            }
        });
        self
    }

    /// Where the tables are served, such as `http://127.0.0.1:8000`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was called so far.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// The stream of the table with the logical id `table`.
    ///
    /// # Errors
    /// If there is no such table, or it has no stream.
    pub fn stream(&self, table: &str) -> anyhow::Result<Stream> {
        let found = self.tables.iter().find(|candidate| candidate.id == table);
        let found = found.with_context(|| format!("there is no table {table}"))?;
        Stream::open(self, found)
    }

    /// Puts `items` into the table with the logical id `table`, all or none, past its stream: nobody
    /// is told of them. From then on a power cut can lose what was written before it.
    ///
    /// # Errors
    /// If there is no such table, or an item lacks its key.
    pub async fn load(&self, table: &str, items: Vec<Item>) -> anyhow::Result<()> {
        let found = self.tables.iter().find(|candidate| candidate.id == table);
        let name = found
            .with_context(|| format!("there is no table {table}"))?
            .name
            .clone();
        let database = self.store.database.clone();
        let load = move || {
            database.enable_bulk_loading()?;
            database.import_items(&name, items, ImportOptions::default())
        };
        tokio::task::spawn_blocking(load).await??;
        Ok(())
    }

    /// Removes the items that expired by now, and says how many.
    pub async fn sweep(&self) -> anyhow::Result<usize> {
        sweep(&self.store, &self.writes).await
    }
}

async fn sweep(store: &Store, writes: &Writes) -> anyhow::Result<usize> {
    let database = store.database.clone();
    let removed = tokio::task::spawn_blocking(move || database.sweep_ttl()).await??;
    if removed > 0 {
        writes.note_all();
    }
    Ok(removed)
}
