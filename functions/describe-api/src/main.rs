//! `GET /health`, `GET /openapi.json`: wiring.

use describe_api::{describe_api::DescribeApi, handler};
use shared::{
    http::{self, Gate},
    telemetry,
};

/// The API's description, made from `openapi.yaml` at build time.
const OPENAPI: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let describe = DescribeApi::new(OPENAPI)?;
    http::serve(handler::ACCESS, Gate::open(""), describe, handler::handle).await
}
