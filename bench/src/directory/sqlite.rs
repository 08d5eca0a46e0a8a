//! What a simple service would do: a table, `LIKE '%…%'`, a count and a page.

use rusqlite::{Connection, params};
use shared::domain::user::Profile;

use super::questions::Question;

/// The users in a database in memory.
pub(crate) struct Sqlite(Connection);

impl Sqlite {
    pub(crate) fn with(users: &[Profile]) -> anyhow::Result<Self> {
        let mut connection = Connection::open_in_memory()?;
        connection.execute_batch(
            "CREATE TABLE users (
                 id BLOB PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, active INTEGER NOT NULL,
                 verified INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL
             );
             CREATE INDEX by_created ON users (created DESC, id DESC);
             CREATE INDEX by_name ON users (name COLLATE NOCASE, id);",
        )?;
        let transaction = connection.transaction()?;
        let mut insert =
            transaction.prepare("INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        for user in users {
            insert.execute(params![
                user.id.as_uuid().as_bytes(),
                user.name.as_str(),
                user.email.as_str(),
                user.active,
                user.email_verified,
                user.created_at.as_micros(),
                user.updated_at.as_micros(),
            ])?;
        }
        drop(insert);
        transaction.commit()?;
        Ok(Self(connection))
    }

    /// How many users match.
    pub(crate) fn total(&self, question: &Question) -> anyhow::Result<u64> {
        let sql = format!("SELECT count(*) FROM users WHERE {}", question.condition);
        let mut statement = self.0.prepare_cached(&sql)?;
        Ok(statement.query_one([], |row| row.get(0))?)
    }

    /// The page.
    pub(crate) fn page(&self, question: &Question) -> anyhow::Result<Vec<(String, String)>> {
        let sql = format!(
            "SELECT name, email FROM users WHERE {} ORDER BY {} LIMIT ?1 OFFSET ?2",
            question.condition, question.order
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let bounds = params![question.query.limit, question.offset()];
        let rows = statement.query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
