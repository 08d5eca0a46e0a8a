//! The pages on which links in mails land (`#token=…`). They stand in for the application; the
//! console serves them, and passes their requests on to the API.

use axum::{
    Router,
    http::header,
    response::{Html, IntoResponse as _},
    routing::get,
};

/// What all pages have around their forms.
const FRAME: &str = include_str!("assets/page.html");

/// Path, title and forms of each page.
const PAGES: [(&str, &str, &str); 3] = [
    (
        "/verify",
        "Confirm your address",
        include_str!("assets/verify.html"),
    ),
    (
        "/reset",
        "Choose a new password",
        include_str!("assets/reset.html"),
    ),
    (
        "/invitation",
        "Accept the invitation",
        include_str!("assets/invitation.html"),
    ),
];

pub(super) fn router() -> Router {
    let asset = |kind: &'static str, text: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], text).into_response() })
    };
    let pages = PAGES
        .into_iter()
        .fold(Router::new(), |router, (path, title, forms)| {
            let page = FRAME.replace("{title}", title).replace("{forms}", forms);
            router.route(path, get(move || async move { Html(page) }))
        });
    pages
        .route(
            "/card.css",
            asset("text/css", include_str!("assets/card.css")),
        )
        .route(
            "/token.js",
            asset("text/javascript", include_str!("assets/token.js")),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: &str = include_str!("../../../openapi.yaml");

    /// The value of the attribute in one tag.
    fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
        let (_, rest) = tag.split_once(&format!("{name}=\""))?;
        rest.split_once('"').map(|(value, _)| value)
    }

    /// A link to another address only confirms it.
    #[test]
    fn for_another_address_there_is_the_form_that_confirms_alone() {
        let page = include_str!("assets/verify.html");
        let change = shared::domain::TokenPurpose::EmailChange.kind();
        let shown: Vec<_> = page
            .split("<form")
            .skip(1)
            .filter(|form| attribute(form, "data-not-for") != change)
            .collect();
        let [confirm] = shown[..] else {
            panic!("{shown:?}");
        };
        assert!(confirm.contains("name=\"password\""), "{confirm}");
    }

    #[test]
    fn every_page_has_a_form_that_calls_an_operation_of_the_contract() {
        for (page, _, text) in PAGES {
            let forms: Vec<_> = text.split("<form").skip(1).collect();
            assert!(!forms.is_empty(), "{page}");
            for form in forms {
                let method = attribute(form, "data-method").unwrap().to_lowercase();
                let path = attribute(form, "data-path").unwrap();
                let (_, operations) = CONTRACT.split_once(&format!("\n  {path}:\n")).unwrap();
                let operations = operations
                    .lines()
                    .take_while(|line| line.is_empty() || line.starts_with("    "));
                assert!(
                    operations
                        .into_iter()
                        .any(|line| line.trim() == format!("{method}:")),
                    "{page}: {method} {path}"
                );
            }
        }
    }
}
