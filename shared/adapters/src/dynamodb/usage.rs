//! What this process asked of DynamoDB since somebody last looked. A function has one invocation at a time, so
//! that is what the invocation asked.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
            BeforeTransmitInterceptorContextRef,
        },
    },
    error::BoxError,
    operation::{
        batch_write_item::{BatchWriteItemInput, BatchWriteItemOutput},
        delete_item::{DeleteItemInput, DeleteItemOutput},
        get_item::{GetItemInput, GetItemOutput},
        put_item::{PutItemInput, PutItemOutput},
        query::{QueryInput, QueryOutput},
        transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput},
        update_item::{UpdateItemInput, UpdateItemOutput},
    },
    types::{ConsumedCapacity, ReturnConsumedCapacity},
};

/// Requests, repetitions included, and capacity units.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    pub requests: u64,
    pub read_units: f64,
    pub write_units: f64,
}

static REQUESTS: AtomicU64 = AtomicU64::new(0);
/// In halves: an eventually consistent read of 4 KB takes half a unit.
static READS: AtomicU64 = AtomicU64::new(0);
static WRITES: AtomicU64 = AtomicU64::new(0);

/// What was asked since the last call.
pub fn take() -> Usage {
    let units = |halves: &AtomicU64| {
        let halves = u32::try_from(halves.swap(0, Ordering::Relaxed));
        f64::from(halves.unwrap_or(u32::MAX)) / 2.0
    };
    Usage {
        requests: REQUESTS.swap(0, Ordering::Relaxed),
        read_units: units(&READS),
        write_units: units(&WRITES),
    }
}

/// Counts what a client asks. DynamoDB does not say what a write took whose condition was not met.
#[derive(Debug)]
pub(crate) struct Counting;

/// Calls a macro with the operations there are.
macro_rules! operations {
    ($each:ident) => {
        $each! {
            read GetItemInput GetItemOutput,
            read QueryInput QueryOutput,
            write PutItemInput PutItemOutput,
            write UpdateItemInput UpdateItemOutput,
            write DeleteItemInput DeleteItemOutput,
            write TransactWriteItemsInput TransactWriteItemsOutput,
            write BatchWriteItemInput BatchWriteItemOutput,
        }
    };
}

impl Intercept for Counting {
    fn name(&self) -> &'static str {
        "Counting"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut();
        macro_rules! ask {
            ($($kind:ident $input:ident $output:ident,)+) => {
                $(if let Some(input) = input.downcast_mut::<$input>() {
                    input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
                })+
            };
        }
        operations!(ask);
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else {
            return Ok(());
        };
        macro_rules! add {
            ($($kind:ident $input:ident $output:ident,)+) => {
                $(if let Some(output) = output.downcast_ref::<$output>() {
                    output.consumed_capacity().into_iter().for_each($kind);
                })+
            };
        }
        operations!(add);
        Ok(())
    }
}

fn read(consumed: &ConsumedCapacity) {
    add(&READS, consumed.capacity_units);
}

/// A transaction says which units were which; one that is repeated under its token reads.
fn write(consumed: &ConsumedCapacity) {
    match (consumed.read_capacity_units, consumed.write_capacity_units) {
        (None, None) => add(&WRITES, consumed.capacity_units),
        (read, write) => {
            add(&READS, read);
            add(&WRITES, write);
        }
    }
}

fn add(halves: &AtomicU64, units: Option<f64>) {
    let units = units.unwrap_or_default().clamp(0.0, f64::from(u16::MAX));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped above"
    )]
    halves.fetch_add((units * 2.0).round() as u64, Ordering::Relaxed);
}
