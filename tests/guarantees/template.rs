//! What `template.yaml` says: which function answers a request, and which observe an event.

use std::{collections::BTreeSet, path::Path};

use local::template::{Model, Template};
use serde_json::{Value, json};

/// The template with its defaults, and what has none.
pub(crate) fn read() -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    let template = Template::read(&path).expect("a template");
    template
        .resolve(&cli::local::parameters())
        .expect("a model")
}

/// Logical id of the function that has this route.
pub(crate) fn function_of<'a>(model: &'a Model, method: &str, path: &str) -> &'a str {
    let mut routes = model.routes.iter();
    let route = routes.find(|route| {
        route.method.as_deref() == Some(method) && route.path.as_deref() == Some(path)
    });
    let route = route.unwrap_or_else(|| panic!("the template has no route {method} {path}"));
    &route.function
}

/// Logical ids of the functions that get this event.
pub(crate) fn observers_of(model: &Model, source: &str, kind: &str, detail: &Value) -> Vec<String> {
    let event = json!({"source": source, "detail-type": kind, "detail": detail});
    let rules = model.rules.iter();
    let matching = rules.filter(|rule| rule.pattern.matches(&event));
    matching.map(|rule| rule.function.clone()).collect()
}

/// Logical ids of the functions that change something because of a request or an event.
pub(crate) fn workers(model: &Model) -> BTreeSet<String> {
    // What has no method is the answer to unknown paths.
    let writes = |method: &str| !["GET", "HEAD"].contains(&method);
    let routes = model.routes.iter();
    let commands = routes.filter(|route| route.method.as_deref().is_some_and(writes));
    let commands = commands.map(|route| route.function.clone());
    let observers = model.rules.iter().map(|rule| rule.function.clone());
    let relays = model.streams.iter().map(|mapping| mapping.function.clone());
    let queues = model
        .queue_mappings
        .iter()
        .map(|mapping| mapping.function.clone());
    commands
        .chain(observers)
        .chain(relays)
        .chain(queues)
        .collect()
}

#[test]
fn streams_are_waited_for_by_age() {
    for mapping in read().streams {
        let id = &mapping.id;
        let age = mapping.maximum_record_age_in_seconds;
        assert!(
            age.is_some_and(|age| age >= 4 * 3600),
            "{id} gives up after {age:?}"
        );
        assert_eq!(mapping.maximum_retry_attempts, None, "{id} counts tries");
        assert!(mapping.bisect_batch_on_function_error, "{id}");
        assert!(
            mapping.destination_config.is_some(),
            "{id} forgets what it gives up"
        );
    }
}
