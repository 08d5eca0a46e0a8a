//! `POST /services/{name}/deliveries/redeliver`: wiring.

use redeliver_events::{
    handler::{ACCESS, handle},
    redeliver_events::RedeliverEvents,
};
use shared::lambda::{Exit, http};

shared::lambda::config! {
    struct Config {
        queue_url: String = "DELIVERY_QUEUE_URL",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, config: Config| {
        Ok(RedeliverEvents {
            services: ports.services(),
            log: ports.deliveries(),
            queue: ports.delivery_queue(&config.queue_url),
        })
    })
    .await
}
