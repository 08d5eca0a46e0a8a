//! The example of a service that is told of users.

use std::sync::Arc;

use local::journal::Happening;
use notifications::{
    Profiles, Service,
    roster::{Credentials, NAME, Roster as Client},
};
use standardwebhooks::Webhook;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::support::{on_own_stack, patiently};

/// An instance of the service, which ends when it is dropped.
struct Instance {
    service: Arc<Service>,
    server: JoinHandle<()>,
}

impl Instance {
    async fn start(api: &str, credentials: &Credentials) -> Self {
        let service = Arc::new(Service {
            profiles: Profiles::default(),
            webhook: Webhook::new(&credentials.secret).unwrap(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = notifications::router(service.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let client = Client::new(api, &credentials.api_key);
        client.register("notifications-1", &url).await.unwrap();
        Self { service, server }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[test]
fn a_sign_up_leads_to_a_profile_also_after_the_service_was_down() {
    on_own_stack(&[], async |roster| {
        let api = &roster.stack.api_url;
        let operator = Client::new(api, &roster.admin().await);
        let credentials = operator.set_up().await.unwrap();
        let first = Instance::start(api, &credentials).await;
        let ann = roster.newcomer("profile").await;
        let profiles = &first.service.profiles;
        let profile = patiently("a profile", profiles.wait_for(&ann.id)).await;
        assert!(profile.notify && profile.version >= 1);

        drop(first);
        let before = roster.stack.journal.since(0).len();
        let bob = roster.newcomer("profile").await;
        let failed = |entry: &local::journal::Entry| match &entry.happening {
            Happening::Taken { failed, .. } if *failed > 0 => Some(()),
            _ => None,
        };
        patiently("a failure", roster.stack.journal.wait_for(before, failed)).await;
        let second = Instance::start(api, &credentials).await;
        let profiles = &second.service.profiles;
        patiently("a profile", profiles.wait_for(&bob.id)).await;

        // Set up again, as the command of the README does each time: another secret, and the old one counts.
        let again = operator.set_up().await.unwrap();
        assert_ne!(again.secret, credentials.secret);
        let eve = roster.newcomer("profile").await;
        patiently("a profile", profiles.wait_for(&eve.id)).await;
        let route = format!("DELETE /services/{NAME}");
        roster.call_as_admin(&route, &serde_json::Value::Null).await;
    });
}
