//! Puts each event into the queue, once for each service that is told of it: wiring.

use notify_services::notify_services::NotifyServices;
use shared::{
    domain::EventKind,
    lambda::{Exit, observer},
};

shared::lambda::config! {
    struct Config {
        queue_url: String = "DELIVERY_QUEUE_URL",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run(
        EventKind::ALL,
        async |observer: &NotifyServices, event, _| observer.execute(event).await,
        async |ports, config: Config| {
            Ok(NotifyServices {
                services: ports.services(),
                queue: ports.delivery_queue(&config.queue_url),
            })
        },
    )
    .await
}
