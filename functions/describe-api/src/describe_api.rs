//! The query: what the API is, and whether a path belongs to it.

use std::collections::BTreeSet;

use serde_json::Value;

/// Describes the API by its own document.
pub struct DescribeApi {
    document: &'static str,
    paths: Vec<(String, BTreeSet<String>)>,
}

impl DescribeApi {
    /// The API that `document`, an OpenAPI description in JSON, describes.
    ///
    /// # Errors
    /// If it is not JSON.
    pub fn new(document: &'static str) -> Result<Self, serde_json::Error> {
        let parsed: Value = serde_json::from_str(document)?;
        let paths = parsed["paths"].as_object().into_iter().flatten();
        Ok(Self {
            document,
            paths: paths
                .map(|(path, item)| (path.clone(), methods(item)))
                .collect(),
        })
    }

    pub fn document(&self) -> &'static str {
        self.document
    }

    /// The methods a path knows, comma-separated; none if there is no such path.
    pub fn allowed(&self, path: &str) -> Option<String> {
        let methods: BTreeSet<&str> = self
            .paths
            .iter()
            .filter(|(template, _)| matches(template, path))
            .flat_map(|(_, methods)| methods.iter().map(String::as_str))
            .collect();
        (!methods.is_empty()).then(|| methods.into_iter().collect::<Vec<_>>().join(", "))
    }
}

/// Where there is GET, there is HEAD (RFC 9110, 9.1); the document does not repeat it.
fn methods(item: &Value) -> BTreeSet<String> {
    let members = item.as_object().into_iter().flatten();
    let methods = members.map(|(name, _)| name.to_uppercase());
    let methods =
        methods.filter(|name| matches!(name.as_str(), "GET" | "PUT" | "POST" | "DELETE" | "PATCH"));
    let with_head = |name: String| {
        let head = (name == "GET").then(|| "HEAD".to_owned());
        [Some(name), head].into_iter().flatten()
    };
    methods.flat_map(with_head).collect()
}

/// Whether `path` is one that `template`, such as `/users/{id}`, stands for.
fn matches(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(expected), Some(actual))
                if expected == actual || (expected.starts_with('{') && !actual.is_empty()) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_knows_its_methods() {
        let api = DescribeApi::new(r#"{"paths": {"/users": {"get": {}, "post": {}, "parameters": []}, "/users/{id}": {"get": {}}}}"#).unwrap();
        assert_eq!(api.allowed("/users").as_deref(), Some("GET, HEAD, POST"));
        assert_eq!(api.allowed("/users/7").as_deref(), Some("GET, HEAD"));
        for unknown in ["/", "/user", "/users/", "/users/7/x"] {
            assert_eq!(api.allowed(unknown), None, "{unknown}");
        }
    }
}
