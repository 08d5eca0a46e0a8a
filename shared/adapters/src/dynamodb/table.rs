//! A table, and what every adapter does with one.

use std::{error::Error as StdError, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::{self, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
        Update as SdkUpdate, error::ConditionalCheckFailedException,
    },
};
use domain::{Error, Result};
use serde::de::DeserializeOwned;

use super::{
    error::Fault,
    item::{self, ABSENT, Entity, Item, Key, Update},
};

/// How long a transaction may take, the SDK's own repetitions of the same bytes included. Those
/// bytes hold a time; the directory finds a row by it only if it appears within the overlap, of
/// which this is less than half at its least (`DirectoryOverlapSeconds` in the template: 5).
pub(super) const TRANSACTION_LIMIT: Duration = Duration::from_secs(2);

/// How long any other call may take, all attempts of the SDK included.
pub const CALL_LIMIT: Duration = Duration::from_millis(1500);

/// Time for one attempt. DynamoDB answers in milliseconds; a connection that stays silent for longer is
/// dead.
pub const ATTEMPT_LIMIT: Duration = Duration::from_millis(750);

/// A table of ours: keys are `pk` and `sk`.
#[derive(Debug, Clone)]
pub struct Table {
    pub(super) client: Client,
    pub(super) name: String,
}

/// The outcome of a write under a condition.
#[derive(Debug)]
pub(super) enum Written<T, Other = T> {
    /// The condition was met; this is the item now.
    Done(T),
    /// It was not; this is the item as it is, if there is one.
    Refused(Option<Other>),
}

impl Table {
    /// The table called `name`.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self {
            client,
            name: name.into(),
        }
    }

    /// The entity with this id. Strongly consistent.
    pub(super) async fn get<E: Entity>(&self, id: &E::Id) -> Result<Option<E>> {
        let got = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(E::key(id).into_item()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| self.fault("GetItem", &error))?;
        got.item.map(item::from_item).transpose()
    }

    /// Puts `entity` unless there is one with its id. Returns that one: after a lost reply it may be
    /// `entity` itself.
    pub(super) async fn insert<E: Entity>(&self, id: &E::Id, entity: &E) -> Result<Option<E>> {
        match self.put_if(id, entity, ABSENT, None).await? {
            Written::Done(()) => Ok(None),
            Written::Refused(Some(there)) => Ok(Some(there)),
            Written::Refused(None) => Err(Error::internal(
                "PutItem: an item failed a condition and was not shown",
            )),
        }
    }

    /// Puts `entity` under `condition`, in place of the one that stands there. If the condition is not
    /// met, gives that one.
    pub(super) async fn put_if<E: Entity>(
        &self,
        id: &E::Id,
        entity: &E,
        condition: &str,
        values: Option<Item>,
    ) -> Result<Written<(), E>> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item::to_item(id, entity)?))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(item::names([condition])))
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = put else {
            return Ok(Written::Done(()));
        };
        match condition_of(&error) {
            Some(failed) => {
                let item = failed.item.clone().map(item::from_item).transpose()?;
                Ok(Written::Refused(item))
            }
            None => Err(self.fault("PutItem", &error).into()),
        }
    }

    /// Puts `entity`, whatever stood there before.
    pub(super) async fn put<E: Entity>(&self, id: &E::Id, entity: &E) -> Result<()> {
        self.client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item::to_item(id, entity)?))
            .send()
            .await
            .map_err(|error| self.fault("PutItem", &error))?;
        Ok(())
    }

    /// Updates one item under a condition.
    pub(super) async fn update<T: DeserializeOwned>(&self, update: Update) -> Result<Written<T>> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.name)
            .update_expression(update.changes)
            .set_condition_expression(update.condition.map(str::to_owned))
            .set_expression_attribute_names(Some(update.names()))
            .set_expression_attribute_values(update.values())
            .set_key(Some(update.key.into_item()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(done) => Ok(Written::Done(item::from_item(
                done.attributes.unwrap_or_default(),
            )?)),
            Err(error) => match condition_of(&error) {
                Some(failed) => {
                    let item = failed.item.clone().map(item::from_item).transpose()?;
                    Ok(Written::Refused(item))
                }
                None => Err(self.fault("UpdateItem", &error).into()),
            },
        }
    }

    /// Removes what stands under `key`.
    pub(super) async fn delete(&self, key: Key) -> Result<()> {
        self.client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key.into_item()))
            .send()
            .await
            .map_err(|error| self.fault("DeleteItem", &error))?;
        Ok(())
    }

    /// Removes what stands under `key` if it meets `condition`. Returns true if it did.
    pub(super) async fn delete_if(&self, key: Key, condition: &str, values: Item) -> Result<bool> {
        let sent = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key.into_item()))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(item::names([condition])))
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if condition_of(&error).is_some() => Ok(false),
            Err(error) => Err(self.fault("DeleteItem", &error).into()),
        }
    }

    /// Writes all of `writes` or none. `token` makes the SDK's repetitions one request to DynamoDB.
    pub(super) async fn transact(
        &self,
        writes: Vec<TransactWriteItem>,
        token: String,
    ) -> Result<(), SdkError<TransactWriteItemsError>> {
        let limit = TimeoutConfig::builder()
            .operation_timeout(TRANSACTION_LIMIT)
            .build();
        self.client
            .transact_write_items()
            .set_transact_items(Some(writes))
            .client_request_token(token)
            .customize()
            .config_override(config::Builder::new().timeout_config(limit))
            .send()
            .await
            .map(|_| ())
    }

    /// The write of a transaction that puts `entity` under `condition`.
    pub(super) fn putting<E: Entity>(
        &self,
        id: &E::Id,
        entity: &E,
        condition: &str,
        values: Option<Item>,
    ) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item::to_item(id, entity)?))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(item::names([condition])))
            .set_expression_attribute_values(values)
            .build()
            .map_err(Error::caused_by)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The write of a transaction that puts `entity`, whatever stood there before.
    pub(super) fn replacing<E: Entity>(&self, id: &E::Id, entity: &E) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item::to_item(id, entity)?))
            .build()
            .map_err(Error::caused_by)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The write of a transaction that makes `update`.
    pub(super) fn updating(&self, update: Update) -> Result<TransactWriteItem> {
        let update = SdkUpdate::builder()
            .table_name(&self.name)
            .update_expression(update.changes)
            .set_condition_expression(update.condition.map(str::to_owned))
            .set_expression_attribute_names(Some(update.names()))
            .set_expression_attribute_values(update.values())
            .set_key(Some(update.key.into_item()))
            .build()
            .map_err(Error::caused_by)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The write of a transaction that removes what stands under `key`, under `condition`.
    pub(super) fn deleting(
        &self,
        key: Key,
        condition: &str,
        values: Item,
    ) -> Result<TransactWriteItem> {
        let delete = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(key.into_item()))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(item::names([condition])))
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(Error::caused_by)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// The write of a transaction that removes what stands under `key`, if anything does.
    pub(super) fn removing(&self, key: Key) -> Result<TransactWriteItem> {
        let delete = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(key.into_item()))
            .build()
            .map_err(Error::caused_by)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// Why `operation` on this table failed.
    pub(super) fn fault<E>(&self, operation: &str, error: &SdkError<E>) -> Fault
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        Fault::of(&format!("{operation} on {}", self.name), error)
    }
}

/// The unmet condition, if that is why the call failed.
fn condition_of<E: StdError + 'static>(
    error: &SdkError<E>,
) -> Option<&ConditionalCheckFailedException> {
    error.as_service_error()?.source()?.downcast_ref()
}
