//! A connection that loses what it carries.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
        },
    },
    error::BoxError,
};

/// What a connection loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Requests, before they have an effect.
    Request,
    /// Replies, after the request had its effect.
    Reply,
}

/// Loses the next few requests of one operation, or the replies to them. Counts all requests.
/// For one request at a time: a reply does not say to which request it belongs.
#[derive(Debug, Clone)]
pub(crate) struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    operation: &'static str,
    fault: Fault,
    left: AtomicU32,
    sent: AtomicU32,
    reply_is_lost: AtomicBool,
}

impl Faults {
    /// Loses `count` requests of `operation`, or the replies to them.
    pub(crate) fn new(operation: &'static str, fault: Fault, count: u32) -> Self {
        Self(Arc::new(Inner {
            operation,
            fault,
            left: count.into(),
            sent: 0.into(),
            reply_is_lost: false.into(),
        }))
    }

    /// Loses the next `count`.
    pub(crate) fn strike(&self, count: u32) {
        self.0.left.store(count, Ordering::SeqCst);
    }

    /// Requests sent so far, those of other operations included.
    pub(crate) fn sent(&self) -> u32 {
        self.0.sent.load(Ordering::SeqCst)
    }

    fn strikes(&self, target: &str) -> bool {
        let left = &self.0.left;
        let one_less = |left: u32| left.checked_sub(1);
        target.ends_with(self.0.operation)
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
                .is_ok()
    }
}

impl Intercept for Faults {
    fn name(&self) -> &'static str {
        "faults"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.sent.fetch_add(1, Ordering::SeqCst);
        // The header that names the operation.
        let target = context.request().headers().get("x-amz-target");
        let strikes = target.is_some_and(|target| self.strikes(target));
        if strikes && self.0.fault == Fault::Request {
            // Nobody listens on the discard port.
            context.request_mut().set_uri("http://127.0.0.1:9/")?;
        }
        let reply_is_lost = strikes && self.0.fault == Fault::Reply;
        self.0.reply_is_lost.store(reply_is_lost, Ordering::SeqCst);
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.0.reply_is_lost.load(Ordering::SeqCst) {
            *context.response_mut().status_mut() = 500.try_into()?;
        }
        Ok(())
    }
}
