//! The service as a process: configuration from the environment, and one line that says it runs.

#![expect(clippy::print_stdout, reason = "says where it is")]

use std::{env, sync::Arc};

use anyhow::Context as _;
use notifications::{
    Profiles, Service,
    roster::{Credentials, Roster},
};
use standardwebhooks::Webhook;
use tokio::net::TcpListener;

/// The id of this instance. Several would have one each.
const INSTANCE: &str = "notifications-1";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let variable =
        |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let roster = variable("ROSTER_URL", "http://localhost:3000");
    let listen = variable("LISTEN", "127.0.0.1:4000");
    let url = variable("PUBLIC_URL", &format!("http://{listen}"));

    let Credentials { api_key, secret } = credentials(&roster).await?;
    let service = Arc::new(Service {
        profiles: Profiles::default(),
        webhook: Webhook::new(&secret)?,
    });
    let listener = TcpListener::bind(&listen).await?;
    let roster = Roster::new(&roster, &api_key);
    roster.register(INSTANCE, &url).await?;
    println!("ready  {url}  told by Roster of users; GET {url}/profiles/<user id>");
    axum::serve(listener, notifications::router(service))
        .with_graceful_shutdown(async {
            // Without a signal handler the process ends anyway.
            let _signal = tokio::signal::ctrl_c().await;
        })
        .await?;
    roster.deregister(INSTANCE).await
}

/// What the operator gave; or, to try it out, what an administrator's token makes.
async fn credentials(roster: &str) -> anyhow::Result<Credentials> {
    if let Ok(token) = env::var("ROSTER_ADMIN_TOKEN") {
        return Roster::new(roster, &token).set_up().await;
    }
    let variable = |name: &str| env::var(name).with_context(|| format!("{name} is missing"));
    Ok(Credentials {
        api_key: variable("ROSTER_API_KEY")?,
        secret: variable("ROSTER_WEBHOOK_SECRET")?,
    })
}
