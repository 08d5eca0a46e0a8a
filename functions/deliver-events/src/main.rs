//! Sends what waits in the queue to one healthy instance of its service: wiring.

use deliver_events::deliver_events::DeliverEvents;
use shared::{
    domain::service::Networks,
    lambda::{Exit, queue},
};

shared::lambda::config! {
    struct Config {
        queue_url: String = "DELIVERY_QUEUE_URL",
        networks: Networks = "SERVICE_NETWORKS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    queue::run(DeliverEvents::execute, async |ports, config: Config| {
        Ok(DeliverEvents {
            services: ports.services(),
            instances: ports.services(),
            log: ports.deliveries(),
            queue: ports.delivery_queue(&config.queue_url),
            sender: ports.webhooks(config.networks),
            secrets: ports.webhook_secrets(),
            env: ports.env.clone(),
        })
    })
    .await
}
