//! `POST /users/{id}/identities`: wiring.

use link_identity::{handler, link_identity::LinkIdentity};
use shared::lambda::{
    Exit,
    config::{ClientSecrets, Providers},
    http,
};

shared::lambda::config! {
    struct Config {
        /// Where people may sign in.
        providers: Providers = "IDENTITY_PROVIDERS",
        /// What proves to providers who asks.
        secrets: ClientSecrets = "IDENTITY_PROVIDER_SECRETS",
        /// Whether a provider may be on this machine.
        loopback: bool = "LOOPBACK_IDENTITY_PROVIDERS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(
        handler::ACCESS,
        handler::handle,
        async |ports, config: Config| {
            Ok(LinkIdentity {
                providers: ports.identity_providers(
                    config.providers,
                    config.secrets,
                    config.loopback,
                )?,
                sessions: ports.sessions(),
                updates: ports.user_updates(),
            })
        },
    )
    .await
}
