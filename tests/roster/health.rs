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

/// Nobody gets in by a route that somebody forgot to guard.
#[test]
fn every_guarded_route_refuses_strangers() {
    on_shared_stack(async |roster| {
        let document = roster.get("/openapi.json").await;
        let mut guarded = 0;
        for (path, item) in document.body["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let requirements = operation["security"].as_array().into_iter().flatten();
                let requirements: Vec<_> = requirements.collect();
                // An empty requirement among them makes a token optional (OpenAPI 3.1, 4.8.10).
                if requirements.is_empty() || requirements.contains(&&serde_json::json!({})) {
                    continue;
                }
                guarded += 1;
                let method = method.to_uppercase().parse().unwrap();
                let path = path.replace("{id}", "00000000-0000-7000-8000-000000000000");
                let answer = roster.send(roster.request(method, &path)).await;
                assert_eq!(answer.problem(), (401, "unauthenticated"), "{path}");
            }
        }
        assert!(guarded > 0);
    });
}
