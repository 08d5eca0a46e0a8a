//! The audit trail: wiring.

use record_audit::{handler, record_audit::RecordAudit};
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
    let observer = RecordAudit {
        users: aws.users(),
        audit: aws.audit(),
    };
    events::observe(observer, handler::handle).await
}
