//! `GET /health` and `GET /openapi.json`.

use crate::{contract::contract, support::on_shared_stack};

#[test]
fn the_api_is_healthy_and_describes_itself() {
    on_shared_stack(async |roster| {
        assert_eq!(
            roster.get("/health").await.body,
            serde_json::json!({"status": "ok"})
        );
        let served = roster.get("/openapi.json").await;
        assert_eq!(served.body, contract().document);
    });
}

/// The description and the template agree: every route is described, and every description has a
/// route; where there is GET, there is HEAD.
#[test]
fn every_route_is_described() {
    on_shared_stack(async |roster| {
        let operations = contract().operations.iter();
        let mut described: Vec<_> = operations
            .flat_map(|operation| {
                let own = format!("{} {}", operation.method, operation.path);
                let head = own.strip_prefix("GET ").map(|path| format!("HEAD {path}"));
                [Some(own), head].into_iter().flatten()
            })
            .collect();
        let routes = roster.stack.model.routes.iter();
        let mut routed: Vec<_> = routes
            .filter_map(|route| {
                Some(format!(
                    "{} {}",
                    route.method.as_ref()?,
                    route.path.as_ref()?
                ))
            })
            .collect();
        described.sort();
        routed.sort();
        assert_eq!(described, routed);
    });
}
