//! The mail ledger: wiring.

use record_mail::{handler, record_mail::RecordMail};
use shared::{aws::Aws, events, telemetry};

shared::config! {
    /// What the function is told.
    pub struct Config {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let observer = RecordMail {
        claims: aws.claims(),
    };
    events::observe_raw(observer, async |observer, detail, _| {
        handler::handle(observer, detail).await
    })
    .await
}
