//! Calls of instances: signed as Standard Webhooks has it, bounded in time and size, without
//! redirections, and only at addresses which the deployment permits.

mod resolver;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use application::ports::{Called, WebhookSender};
use async_trait::async_trait;
use domain::{
    DomainEvent, Error, Result, Timestamp,
    service::{InstanceUrl, Networks, Outcome, SigningSecret, address},
};
use reqwest::{Client, RequestBuilder, header};
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};
use url::Url;

use self::resolver::{Refused, Resolver};
use crate::https;

/// Time to open a connection.
const CONNECT: Duration = Duration::from_secs(2);

/// Time for one call, the answer's headers included. A worker that takes ten deliveries has 30 s.
const CALL: Duration = Duration::from_secs(5);

/// An answer's body is not read: the status says all. So no receiver can make one that is too long.
pub struct Webhooks {
    /// One for each scheme, since fewer addresses may be called without TLS. Made when first
    /// needed.
    clients: [OnceLock<Client>; 2],
    networks: Arc<Networks>,
    timeout: Duration,
}

/// The schemes, in the order of the clients.
const SCHEMES: [&str; 2] = ["https", "http"];

impl Webhooks {
    /// Calls public addresses, and those in `networks`.
    pub fn new(networks: Networks) -> Self {
        Self {
            clients: Default::default(),
            networks: Arc::new(networks),
            timeout: CALL,
        }
    }

    fn client(&self, url: &Url) -> Result<&Client> {
        let place = usize::from(url.scheme() != SCHEMES[0]);
        if let Some(client) = self.clients[place].get() {
            return Ok(client);
        }
        let resolver = Resolver::new(self.networks.clone(), SCHEMES[place]);
        let client = https::builder()
            .connect_timeout(CONNECT)
            .timeout(self.timeout)
            .dns_resolver(Arc::new(resolver))
            // A connection to an address is not kept for the next name that resolves to it.
            .pool_max_idle_per_host(0)
            .user_agent("roster")
            .build()
            .map_err(Error::caused_by)?;
        Ok(self.clients[place].get_or_init(|| client))
    }

    /// True if the URL itself names an address that is not called. A name is judged by the resolver,
    /// which does not see addresses.
    fn refuses(&self, url: &Url) -> bool {
        let named = address::literal(url);
        named.is_some_and(|address| !self.networks.permit(address, url.scheme()))
    }

    async fn call(&self, url: &Url, request: RequestBuilder) -> Called {
        let started = Instant::now();
        let outcome = if self.refuses(url) {
            Outcome::AddressRefused
        } else {
            match request.send().await {
                Ok(response) => Outcome::Answered(response.status().as_u16()),
                Err(error) => outcome_of(&error),
            }
        };
        Called {
            outcome,
            took: started.elapsed(),
        }
    }
}

/// Why there was no answer.
fn outcome_of(error: &reqwest::Error) -> Outcome {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<Refused>() {
            return Outcome::AddressRefused;
        }
        cause = error.source();
    }
    if error.is_timeout() {
        Outcome::TimedOut
    } else if error.is_connect() {
        Outcome::Unreachable
    } else {
        Outcome::Broken
    }
}

#[async_trait]
impl WebhookSender for Webhooks {
    async fn send(
        &self,
        url: &InstanceUrl,
        event: &DomainEvent,
        secrets: &[SigningSecret],
        now: Timestamp,
    ) -> Result<Called> {
        let (id, timestamp) = (event.id.to_string(), now.as_seconds());
        let body = event.to_cloud_event().to_string();
        let signatures = secrets.iter().map(|secret| {
            let webhook = Webhook::new(secret.expose()).map_err(Error::caused_by)?;
            let signed = webhook.sign(&id, timestamp, body.as_bytes());
            signed.map_err(Error::caused_by)
        });
        let signatures: Vec<String> = signatures.collect::<Result<_>>()?;
        let url = url.join("events");
        let request = self
            .client(&url)?
            .post(url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, id)
            .header(HEADER_WEBHOOK_TIMESTAMP, timestamp.to_string())
            .header(HEADER_WEBHOOK_SIGNATURE, signatures.join(" "))
            .body(body);
        Ok(self.call(&url, request).await)
    }

    async fn check(&self, url: &InstanceUrl) -> Result<Called> {
        let url = url.join("health");
        let request = self.client(&url)?.get(url.clone());
        Ok(self.call(&url, request).await)
    }
}
