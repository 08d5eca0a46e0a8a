//! Which route answers a request.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::template::Route;

/// The routes of an API.
#[derive(Debug, Clone, Default)]
pub(super) struct Routes(Vec<Route>);

/// A route and what its variables stand for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match<'a> {
    pub(super) route: &'a Route,
    pub(super) parameters: BTreeMap<String, String>,
}

/// How vague each segment of a path is: a literal, a variable, or all the rest of the path.
type Vagueness = Vec<u8>;

impl Routes {
    pub(super) fn new(routes: &[Route]) -> Self {
        Self(routes.to_vec())
    }

    /// The [most specific route][1]: literal segments win over variables, those over greedy ones,
    /// a method over `ANY`, and everything over `$default`.
    ///
    /// [1]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    pub(super) fn find(&self, method: &str, path: &str) -> Option<Match<'_>> {
        let matches = self.0.iter().filter_map(|route| {
            let own = route.method.as_deref();
            let (vagueness, parameters) = match &route.path {
                _ if own.is_some_and(|own| own != method) => return None,
                Some(pattern) => variables(pattern, path)?,
                None => (vec![u8::MAX], BTreeMap::new()),
            };
            Some(((vagueness, own.is_none()), Match { route, parameters }))
        });
        let most_specific = matches.min_by(|(a, _), (b, _)| a.cmp(b));
        most_specific.map(|(_, found)| found)
    }
}

/// What the variables of `pattern` stand for in `path`, if that has its form.
fn variables(pattern: &str, path: &str) -> Option<(Vagueness, BTreeMap<String, String>)> {
    let (mut vagueness, mut parameters) = (Vagueness::new(), BTreeMap::new());
    let mut rest = path.trim_start_matches('/').split('/');
    for segment in pattern.trim_start_matches('/').split('/') {
        let part = rest.next()?;
        let variable = segment
            .strip_prefix('{')
            .and_then(|it| it.strip_suffix('}'));
        let Some(name) = variable.filter(|_| !part.is_empty()) else {
            if variable.is_some() || decode(part) != segment {
                return None;
            }
            vagueness.push(0);
            continue;
        };
        if let Some(greedy) = name.strip_suffix('+') {
            vagueness.push(2);
            let all: Vec<_> = std::iter::once(part).chain(rest.by_ref()).collect();
            parameters.insert(greedy.to_owned(), decode(&all.join("/")));
        } else {
            vagueness.push(1);
            parameters.insert(name.to_owned(), decode(part));
        }
    }
    rest.next().is_none().then_some((vagueness, parameters))
}

/// Percent-decoded text; what is no UTF-8 is replaced.
pub(super) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(keys: &[&str]) -> Routes {
        let routes: Vec<_> = keys
            .iter()
            .map(|key| {
                let (method, path) = key.split_once(' ').unwrap_or(("ANY", ""));
                Route {
                    method: (method != "ANY").then(|| method.to_owned()),
                    path: (!path.is_empty()).then(|| path.to_owned()),
                    function: (*key).to_owned(),
                    api: "Api".to_owned(),
                }
            })
            .collect();
        Routes::new(&routes)
    }

    #[test]
    fn the_most_specific_route_wins() {
        // The first five and their requests are the example of the API Gateway guide.
        let routes = routes(&[
            "$default",
            "ANY /{proxy+}",
            "GET /pets/{proxy+}",
            "GET /pets/dog/{id}",
            "GET /pets/dog/1",
            "ANY /pets/dog/{id}",
        ]);
        for (request, expected) in [
            ("GET /pets/dog/1", "GET /pets/dog/1"),
            ("GET /pets/dog/2", "GET /pets/dog/{id}"),
            ("GET /pets/cat/1", "GET /pets/{proxy+}"),
            ("POST /test/5", "ANY /{proxy+}"),
            ("PUT /pets/dog/2", "ANY /pets/dog/{id}"),
            ("GET /", "$default"),
        ] {
            let (method, path) = request.split_once(' ').unwrap();
            let found = routes.find(method, path).unwrap();
            assert_eq!(found.route.function, expected, "{request}");
        }
    }

    #[test]
    fn without_default_an_unknown_request_has_no_route() {
        let routes = routes(&["GET /users", "GET /users/{id}"]);
        for (method, path) in [
            ("POST", "/users"),
            ("HEAD", "/users"),
            ("OPTIONS", "/users"),
            ("GET", "/users/"),
            ("GET", "/users/1/"),
            ("GET", "/users/1/2"),
            ("GET", "/Users"),
        ] {
            assert_eq!(routes.find(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn variables_are_decoded() {
        let routes = routes(&["GET /users/{id}", "GET /files/{path+}"]);
        let found = routes.find("GET", "/users/a%20b").unwrap();
        assert_eq!(found.parameters["id"], "a b");
        let found = routes.find("GET", "/files/a/b%2Bc/").unwrap();
        assert_eq!(found.parameters["path"], "a/b+c/");
    }
}
