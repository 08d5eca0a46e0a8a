//! Links from one page of a list to the next and the previous one.

use lambda_http::http::{StatusCode, header};
use serde::Serialize;
use url::form_urlencoded;

use super::response::{self, Response};

/// Path and query of another page of the list at `path`. Parameters without a value are left out.
pub fn link<'a>(
    path: &str,
    parameters: impl IntoIterator<Item = (&'a str, Option<String>)>,
) -> String {
    let start = path.len() + 1;
    let mut query = form_urlencoded::Serializer::for_suffix(format!("{path}?"), start);
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    }
    query.finish()
}

/// 200 with a page, and a `Link` header (RFC 8288) to the pages beside it.
pub fn page(body: &impl Serialize, next: Option<&str>, previous: Option<&str>) -> Response {
    let response = response::json(StatusCode::OK, body)?;
    let links: Vec<_> = [("next", next), ("prev", previous)]
        .into_iter()
        .filter_map(|(relation, link)| Some(format!("<{}>; rel=\"{relation}\"", link?)))
        .collect();
    if links.is_empty() {
        return Ok(response);
    }
    response::with_header(response, header::LINK, &links.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(next: Option<&str>, previous: Option<&str>) -> Option<String> {
        let response = page(&"body", next, previous).unwrap();
        let links = response.headers().get(header::LINK)?;
        Some(links.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_header_has_the_links_there_are() {
        assert_eq!(header_of(None, None), None);
        assert_eq!(
            header_of(Some("/users?page=3"), Some("/users?page=1")).as_deref(),
            Some("</users?page=3>; rel=\"next\", </users?page=1>; rel=\"prev\"")
        );
        assert_eq!(
            header_of(None, Some("/users?page=1")).as_deref(),
            Some("</users?page=1>; rel=\"prev\"")
        );
    }

    #[test]
    fn a_link_escapes_its_values() {
        let search = Some("a&b=c #%\"+ä".to_owned());
        assert_eq!(
            link("/users", [("search", search), ("sort", None)]),
            "/users?search=a%26b%3Dc+%23%25%22%2B%C3%A4"
        );
    }
}
