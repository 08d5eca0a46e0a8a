//! Many items at once: queries, which are read page by page, and batches of deletions, of which
//! DynamoDB may leave some undone.

use std::collections::HashMap;

use application::ports::Env;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use domain::{Error, Result};
use serde::de::DeserializeOwned;

use super::{
    Key, Table, backoff,
    error::Fault,
    item::{self, Item},
};

/// Which items of one partition to read. On the table itself the read is consistent; on an index
/// it cannot be.
#[derive(Debug, Default)]
pub(super) struct Query<'a> {
    /// An index; none for the table itself.
    pub(super) index: Option<&'static str>,
    /// The key condition expression.
    pub(super) keys: &'static str,
    /// The filter expression. Items which it drops cost the same.
    pub(super) filter: Option<&'a str>,
    /// The attributes to read; none for all.
    pub(super) only: Option<&'static str>,
    /// The values of the placeholders `:name`.
    pub(super) values: Vec<(&'a str, AttributeValue)>,
    /// True for descending sort keys.
    pub(super) descending: bool,
    /// The number of items to read at most, before the filter.
    pub(super) limit: Option<usize>,
}

/// The attributes of the key.
pub(super) const KEYS: &str = "#pk, #sk";

/// One page of a query: up to a megabyte, before the filter.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// The number of items before the filter.
    pub(super) read: usize,
    /// The key of the last one read; none at the end.
    pub(super) next: Option<Item>,
}

impl Query<'_> {
    fn names(&self) -> HashMap<String, String> {
        let optional = [self.filter, self.only].map(Option::unwrap_or_default);
        item::names([self.keys, optional[0], optional[1]])
    }
}

/// A limit as DynamoDB takes it.
fn limit(items: usize) -> i32 {
    i32::try_from(items.max(1)).unwrap_or(i32::MAX)
}

impl Table {
    /// What the items are which `query` asks for, after the one with the key `after` if one is given.
    pub(super) async fn query<T: DeserializeOwned>(
        &self,
        query: &Query<'_>,
        after: Option<Item>,
    ) -> Result<Page<T>> {
        let page = self.query_items(query, after).await?;
        Ok(Page {
            items: page
                .items
                .into_iter()
                .map(item::from_item)
                .collect::<Result<_>>()?,
            read: page.read,
            next: page.next,
        })
    }

    /// The items which `query` asks for, after the one with the key `after` if one is given.
    pub(super) async fn query_items(
        &self,
        query: &Query<'_>,
        after: Option<Item>,
    ) -> Result<Page<Item>> {
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .set_index_name(query.index.map(str::to_owned))
            .key_condition_expression(query.keys)
            .set_filter_expression(query.filter.map(str::to_owned))
            .set_projection_expression(query.only.map(str::to_owned))
            .set_expression_attribute_names(Some(query.names()))
            .set_expression_attribute_values(item::values(&query.values))
            .scan_index_forward(!query.descending)
            .consistent_read(query.index.is_none())
            .set_limit(query.limit.map(limit))
            .set_exclusive_start_key(after)
            .send()
            .await
            .map_err(|error| self.fault("Query", &error))?;
        Ok(Page {
            read: usize::try_from(answer.scanned_count).unwrap_or_default(),
            next: answer.last_evaluated_key,
            items: answer.items.unwrap_or_default(),
        })
    }

    /// All items which `query` asks for, in as many requests as it takes.
    pub(super) async fn read_all<T: DeserializeOwned>(&self, query: &Query<'_>) -> Result<Vec<T>> {
        let wanted = query.limit.unwrap_or(usize::MAX);
        let (mut items, mut after) = (Vec::new(), None);
        while items.len() < wanted {
            let page = self.query(query, after).await?;
            items.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        items.truncate(wanted);
        Ok(items)
    }

    /// Deletes the items with `keys`.
    pub(super) async fn delete_all(&self, keys: Vec<Key>, env: &Env) -> Result<()> {
        let deletion = |key: Key| {
            let delete = DeleteRequest::builder().set_key(Some(key.into_item()));
            let delete = delete.build().map_err(Error::caused_by)?;
            Ok(WriteRequest::builder().delete_request(delete).build())
        };
        let requests = keys.into_iter().map(deletion).collect::<Result<_>>()?;
        in_batches(requests, env, |batch| self.write_batch(batch)).await
    }

    /// Returns what DynamoDB left undone.
    async fn write_batch(&self, batch: Vec<WriteRequest>) -> Result<Vec<WriteRequest>> {
        let answer = self
            .client
            .batch_write_item()
            .request_items(&self.name, batch)
            .send()
            .await
            .map_err(|error| self.fault("BatchWriteItem", &error))?;
        let undone = answer.unprocessed_items.unwrap_or_default();
        Ok(undone.into_values().flatten().collect())
    }
}

/// Requests in one `BatchWriteItem`: DynamoDB's limit.
const BATCH: usize = 25;

/// Hands `items` to `send` in batches. What it leaves undone is sent again after a pause.
///
/// # Errors
/// `Unavailable` if a batch is not done after a few tries.
async fn in_batches<T, Sent>(
    mut items: Vec<T>,
    env: &Env,
    send: impl Fn(Vec<T>) -> Sent,
) -> Result<()>
where
    Sent: Future<Output = Result<Vec<T>>>,
{
    let mut pauses = backoff(env);
    while !items.is_empty() {
        let rest = items.split_off(items.len().min(BATCH));
        let undone = send(items).await?;
        if undone.is_empty() {
            pauses = backoff(env);
        } else if !pauses.pause().await? {
            return Err(Fault::Passing("BatchWriteItem: much is left undone".to_owned()).into());
        }
        items = undone;
        items.extend(rest);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use application::ports::SecureRandom;

    use domain::Refusal;

    use super::*;

    /// Draws zeros, so that pauses are over at once.
    struct Zeros;

    fn env() -> Env {
        Env {
            clock: Arc::new(crate::system::System),
            random: Arc::new(Zeros),
        }
    }

    impl SecureRandom for Zeros {
        fn fill(&self, bytes: &mut [u8]) -> Result<()> {
            bytes.fill(0);
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_is_left_undone_is_sent_again() {
        let sent = Mutex::new(Vec::new());
        let done = Mutex::new(Vec::new());
        in_batches((0..60).collect(), &env(), |mut batch: Vec<u32>| {
            sent.lock().unwrap().push(batch.len());
            // Every other batch is done by half.
            let half = batch.len() * (sent.lock().unwrap().len() % 2) / 2;
            let undone = batch.split_off(batch.len() - half);
            done.lock().unwrap().extend(batch);
            async { Ok(undone) }
        })
        .await
        .unwrap();
        let mut done = done.into_inner().unwrap();
        done.sort_unstable();
        assert_eq!(done, (0..60).collect::<Vec<_>>());
        assert_eq!(sent.into_inner().unwrap(), [25, 25, 22, 11]);
    }

    #[tokio::test]
    async fn what_stays_undone_ends() {
        let sent = Mutex::new(0);
        let env = env();
        let refused = in_batches(vec![1, 2], &env, |batch| {
            *sent.lock().unwrap() += 1;
            async { Ok(batch) }
        });
        assert!(matches!(
            refused.await,
            Err(Error::Refused(Refusal::Unavailable(_)))
        ));
        assert_eq!(sent.into_inner().unwrap(), 5);
    }
}
