//! The queue of deliveries: SQS.

use std::time::Duration;

use application::ports::DeliveryQueue;
use async_trait::async_trait;
use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};
use domain::{Error, Result, service::Delivery};

/// A queue of SQS.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    url: String,
}

/// Messages in one call: the limit of `SendMessageBatch`.
const BATCH: usize = 10;

impl Sqs {
    /// The queue at `url`.
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self {
            client,
            url: url.into(),
        }
    }
}

#[async_trait]
impl DeliveryQueue for Sqs {
    /// One call for ten deliveries.
    async fn send(&self, deliveries: &[Delivery]) -> Result<()> {
        for batch in deliveries.chunks(BATCH) {
            let entries = batch.iter().enumerate().map(|(number, delivery)| {
                let body = serde_json::to_string(delivery).map_err(Error::caused_by)?;
                SendMessageBatchRequestEntry::builder()
                    .id(number.to_string())
                    .message_body(body)
                    .build()
                    .map_err(Error::caused_by)
            });
            let sent = self
                .client
                .send_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries.collect::<Result<_>>()?))
                .send()
                .await
                .map_err(Error::caused_by)?;
            if let Some(failed) = sent.failed().first() {
                let (count, code) = (sent.failed().len(), failed.code());
                let message = format!("the queue refused {count} deliveries: {code}");
                return Err(Error::internal(message));
            }
        }
        Ok(())
    }

    async fn put_back(&self, receipt: &str, pause: Duration) -> Result<()> {
        let seconds = i32::try_from(pause.as_secs()).unwrap_or(i32::MAX);
        self.client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt)
            .visibility_timeout(seconds)
            .send()
            .await
            .map_err(Error::caused_by)?;
        Ok(())
    }
}
