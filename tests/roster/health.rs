//! `GET /health` and `GET /openapi.json`.

use crate::support::on_shared_stack;

#[test]
fn the_api_is_healthy_and_describes_itself() {
    on_shared_stack(async |roster| {
        assert_eq!(
            roster.get("/health").await.body,
            serde_json::json!({"status": "ok"})
        );
        let document = roster.get("/openapi.json").await;
        assert_eq!(document.body["info"]["title"], "Roster");
        assert_eq!(document.header("content-type"), Some("application/json"));
    });
}

/// The description and the template agree: every route is described, and every description has a
/// route.
#[test]
fn every_route_is_described() {
    on_shared_stack(async |roster| {
        let document = roster.get("/openapi.json").await;
        let mut described = Vec::new();
        for (path, item) in document.body["paths"].as_object().unwrap() {
            let methods = item.as_object().unwrap().keys();
            let methods = methods.filter(|name| {
                matches!(name.as_str(), "get" | "put" | "post" | "patch" | "delete")
            });
            described.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
        }
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
