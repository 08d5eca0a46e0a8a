//! The outbox relay: wiring.

use publish_events::publish_events::PublishEvents;
use shared::lambda::{Exit, relay};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    relay::run(PublishEvents::execute, async |ports, ()| {
        Ok(PublishEvents {
            bus: ports.event_bus(),
            env: ports.env.clone(),
        })
    })
    .await
}
