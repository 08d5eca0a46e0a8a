//! The audit trail.

use std::time::Duration;

use application::ports::AuditLog;
use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    Error, EventId, Result, Timestamp,
    audit::{AuditEntry, AuditPage, AuditQuery},
};
use uuid::Uuid;

use super::{
    Entity, Key, Table,
    item::text,
    query::{Page, Query},
};

/// The audit trail, in the audit table.
#[derive(Debug, Clone)]
pub struct Audit {
    table: Table,
    /// The limit of one call, in lines.
    lines: usize,
}

impl Audit {
    /// The trail in `table`.
    pub fn new(table: Table) -> Self {
        Self {
            table,
            lines: LINES,
        }
    }
}

/// One partition for each day, so that a span of time is a few queries and old days can be
/// exported whole. The index `user`, which is `userId` / `sk`, has the lines of one user, by time. There
/// is no index by type: it would hold all sign-ins in one partition. A type is filtered from the lines of
/// a time or a user.
impl Entity for AuditEntry {
    type Id = (Timestamp, EventId);

    fn key((time, event): &(Timestamp, EventId)) -> Key {
        Key::new(format!("AUDIT#{}", time.day()), format!("{time}#{event}"))
    }
}

/// The limit of one call, in lines, with those of another type: some 700 KB, or 90 read units by index
/// and 180 by time.
const LINES: usize = 2_000;

/// The limit of one call, in requests: a day takes one, also if it is empty.
const REQUESTS: usize = 32;

/// A position between two lines: the lines before it are older.
type Place = (Timestamp, EventId);

/// The last position that is not after `time`.
fn end_of(time: Timestamp) -> Place {
    (time, EventId::from(Uuid::max()))
}

/// The last position of the day before that of `time`.
fn end_of_day_before(time: Timestamp) -> Option<Place> {
    let into_day = time.as_micros().rem_euclid(MICROS_OF_DAY);
    let end = time.as_micros() - into_day - 1;
    (end >= 0).then(|| end_of(Timestamp::from_micros(end)))
}

const MICROS_OF_DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The position which a sort key names.
fn place_of(sk: &str) -> Result<Place> {
    let (time, event) = sk.split_once('#').unwrap_or_default();
    match (time.parse(), event.parse()) {
        (Ok(time), Ok(event)) => Ok((time, event)),
        _ => Err(Error::internal("a line of the audit trail has no time")),
    }
}

impl Audit {
    /// Up to `lines` lines of one partition which are older than `before`, or at it: of the user's in
    /// the index if the query names one, of the day's otherwise.
    async fn read(
        &self,
        query: &AuditQuery,
        before: Place,
        lines: usize,
    ) -> Result<Page<AuditEntry>> {
        let (index, keys, partition) = match query.user_id {
            Some(user) => (
                Some("user"),
                "#userId = :partition AND #sk BETWEEN :from AND :before",
                user.to_string(),
            ),
            None => (
                None,
                "#pk = :partition AND #sk BETWEEN :from AND :before",
                AuditEntry::key(&before).pk,
            ),
        };
        let mut values = vec![
            (":partition", text(partition)),
            (":from", text(query.from)),
            (":before", text(AuditEntry::key(&before).sk)),
        ];
        values.extend(query.kind.map(|kind| (":type", text(kind))));
        let lines = Query {
            index,
            keys,
            filter: query.kind.map(|_| "#type = :type"),
            values,
            descending: true,
            limit: Some(lines),
            ..Query::default()
        };
        self.table.query(&lines, None).await
    }
}

#[async_trait]
impl AuditLog for Audit {
    /// One write; the index takes another.
    async fn record(&self, entry: &AuditEntry) -> Result<()> {
        // Idempotent: a line that is there stays.
        self.table
            .insert(&(entry.time, entry.event_id), entry)
            .await?;
        Ok(())
    }

    /// For one user one query, or a few if most lines are of another type. For all users one query for
    /// each day from the end of the range until the page is full. At [`REQUESTS`] or [`LINES`] the page
    /// ends where the reading did.
    async fn list(&self, query: &AuditQuery) -> Result<AuditPage> {
        let newest = end_of(query.to.minus(Duration::from_micros(1)));
        let mut before = query.before.map_or(newest, |before| before.min(newest));
        let (mut entries, mut left) = (Vec::new(), self.lines);
        for _ in 0..REQUESTS {
            if before.0 < query.from || query.from >= query.to {
                return Ok(AuditPage {
                    entries,
                    next: None,
                });
            }
            // One more than wanted shows if there are more, and the one at `before` is known. With a
            // type, the number of lines to read is unknown.
            let wanted = query.kind.map_or(query.limit - entries.len() + 2, |_| left);
            let page = self.read(query, before, wanted.min(left).max(2)).await?;
            left = left.saturating_sub(page.read);
            let older = |line: &AuditEntry| (line.time, line.event_id) < before;
            entries.extend(page.items.into_iter().filter(older));
            if entries.len() > query.limit {
                entries.truncate(query.limit);
                let next = entries.last().map(|line| (line.time, line.event_id));
                return Ok(AuditPage { entries, next });
            }
            let reached = page.next.and_then(|mut key| key.remove("sk"));
            let older = match reached {
                Some(AttributeValue::S(sk)) => Some(place_of(&sk)?),
                _ if query.user_id.is_some() => None,
                _ => end_of_day_before(before.0),
            };
            let Some(older) = older else {
                return Ok(AuditPage {
                    entries,
                    next: None,
                });
            };
            before = older;
            if left == 0 {
                break;
            }
        }
        let next = (before.0 >= query.from).then_some(before);
        Ok(AuditPage { entries, next })
    }
}

#[cfg(test)]
mod tests {
    use domain::{Actor, EventKind, UserId};

    use super::*;
    use crate::dynamodb::tables::{self, Tables};

    #[tokio::test]
    async fn however_rare_a_type_is_each_call_reads_so_many_lines_and_goes_on() {
        let client = tables::client(&tables::embedded().await);
        let name = Tables::create(client.clone(), String::new()).await;
        let audit = Audit {
            lines: 5,
            ..Audit::new(Table::new(client, name.name("AuditTable")))
        };
        let user = UserId::new(Timestamp::from_seconds(1), [1; 10]);
        let time = Timestamp::from_micros;
        for micros in 1..=20 {
            let line = AuditEntry {
                api_key_id: None,
                service: None,
                roles: None,
                event_id: EventId::new(time(micros), [2; 10]),
                kind: match micros {
                    2 | 19 => EventKind::SessionEnded,
                    _ => EventKind::UserUpdated,
                },
                time: time(micros),
                user_id: Some(user),
                version: None,
                session_id: None,
                actor: Actor::System,
                hash: None,
            };
            audit.record(&line).await.unwrap();
        }
        for user_id in [None, Some(user)] {
            let mut query = AuditQuery {
                user_id,
                kind: Some(EventKind::SessionEnded),
                from: time(0),
                to: time(100),
                before: None,
                limit: 10,
            };
            let mut found: Vec<Vec<_>> = Vec::new();
            loop {
                let page = audit.list(&query).await.unwrap();
                found.push(page.entries.iter().map(|line| line.time).collect());
                query.before = page.next;
                if page.next.is_none() {
                    break;
                }
            }
            // Five lines, and four more beside the one where the page before ended, and so on.
            let nothing = Vec::new;
            let pages = [
                vec![time(19)],
                nothing(),
                nothing(),
                nothing(),
                vec![time(2)],
            ];
            assert_eq!(found, pages);
        }
    }

    #[test]
    fn lines_of_a_day_sort_by_time() {
        let at = |micros| {
            let time = Timestamp::from_micros(micros);
            AuditEntry::key(&(time, EventId::new(time, [1; 10])))
        };
        let (early, late, next_day) = (at(999_999), at(1_000_000), at(86_400_000_000));
        assert_eq!(early.pk, "AUDIT#1970-01-01");
        assert!(early.sk.starts_with("1970-01-01T00:00:00.999999Z#"));
        assert!(early.pk == late.pk && early.sk < late.sk);
        assert_eq!(next_day.pk, "AUDIT#1970-01-02");
    }
}
