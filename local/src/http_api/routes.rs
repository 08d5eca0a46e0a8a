//! Which route answers a request.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::template::Route;

/// The routes of an API.
#[derive(Debug, Clone, Default)]
pub(super) struct Routes(Vec<Compiled>);

#[derive(Debug, Clone)]
struct Compiled {
    route: Route,
    /// `None` for `$default`.
    segments: Option<Vec<Segment>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Variable(String),
    Greedy(String),
}

/// A route and what its variables stand for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match<'a> {
    pub(super) route: &'a Route,
    pub(super) parameters: BTreeMap<String, String>,
}

impl Routes {
    pub(super) fn new(routes: &[Route]) -> Self {
        let compiled = routes.iter().map(|route| Compiled {
            route: route.clone(),
            segments: route.path.as_deref().map(segments),
        });
        Self(compiled.collect())
    }

    /// The [most specific route][1]: literal segments win over variables, those over greedy ones,
    /// a method over `ANY`, and everything over `$default`.
    ///
    /// [1]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    pub(super) fn find(&self, method: &str, path: &str) -> Option<Match<'_>> {
        self.0
            .iter()
            .filter(|candidate| {
                candidate
                    .route
                    .method
                    .as_deref()
                    .is_none_or(|m| m == method)
            })
            .filter_map(|candidate| candidate.matches(path))
            .min_by(|(a, _), (b, _)| a.cmp(b))
            .map(|(_, found)| found)
    }
}

/// How unspecific a match is, compared from left to right.
type Vagueness = (Vec<u8>, bool);

impl Compiled {
    fn matches(&self, path: &str) -> Option<(Vagueness, Match<'_>)> {
        let mut vagueness = Vec::new();
        let mut parameters = BTreeMap::new();
        if let Some(segments) = &self.segments {
            let mut rest = path.trim_start_matches('/').split('/');
            for segment in segments {
                let part = rest.next()?;
                match segment {
                    Segment::Literal(literal) if decode(part) == *literal => vagueness.push(0),
                    Segment::Variable(name) if !part.is_empty() => {
                        vagueness.push(1);
                        parameters.insert(name.clone(), decode(part));
                    }
                    Segment::Greedy(name) if !part.is_empty() => {
                        vagueness.push(2);
                        let all: Vec<_> = std::iter::once(part).chain(rest.by_ref()).collect();
                        parameters.insert(name.clone(), decode(&all.join("/")));
                    }
                    _ => return None,
                }
            }
            if rest.next().is_some() {
                return None;
            }
        } else {
            vagueness.push(u8::MAX);
        }
        let found = Match {
            route: &self.route,
            parameters,
        };
        Some(((vagueness, self.route.method.is_none()), found))
    }
}

fn segments(path: &str) -> Vec<Segment> {
    path.trim_start_matches('/')
        .split('/')
        .map(|segment| {
            let variable = segment
                .strip_prefix('{')
                .and_then(|segment| segment.strip_suffix('}'));
            match variable {
                None => Segment::Literal(segment.to_owned()),
                Some(name) => match name.strip_suffix('+') {
                    Some(name) => Segment::Greedy(name.to_owned()),
                    None => Segment::Variable(name.to_owned()),
                },
            }
        })
        .collect()
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
