//! `GET /health`, `GET /openapi.json`: wiring.

use describe_api::{
    describe_api::DescribeApi,
    handler::{ACCESS, handle},
};
use shared::lambda::{Exit, http};

/// The API's description, made from `openapi.yaml` at build time.
const OPENAPI: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    let describe = DescribeApi::new(OPENAPI)?;
    http::run_alone(ACCESS, handle, describe).await
}
