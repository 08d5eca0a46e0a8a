//! `If-Match` and `If-None-Match` (RFC 9110, 13.1).

use domain::{Refusal, Result, Version};
use lambda_http::{
    Body, Response as RawResponse,
    http::{StatusCode, header},
};

/// The versions in the list of `If-Match`; `None` for `*`.
///
/// # Errors
/// `PreconditionFailed` if none of the tags is ours, or if it is no list of entity tags.
pub(super) fn versions(header: &str) -> Result<Option<Vec<Version>>> {
    if header.trim() == "*" {
        return Ok(None);
    }
    let tags = entity_tags(header).ok_or(Refusal::PreconditionFailed)?;
    // A weak tag never matches: the comparison is strong (8.8.3.2).
    let strong = tags.into_iter().filter(|tag| !tag.is_weak);
    let versions: Vec<Version> = strong.filter_map(|tag| version(tag.opaque)).collect();
    if versions.is_empty() {
        return Err(Refusal::PreconditionFailed.into());
    }
    Ok(Some(versions))
}

/// The version with this tag. Tags are compared as texts: `01` is no version's.
fn version(opaque: &str) -> Option<Version> {
    let version = opaque.parse::<u64>().ok().map(Version::from);
    version.filter(|version| version.to_string() == opaque)
}

/// What a client that reads knows already: the list of `If-None-Match`.
#[derive(Debug)]
pub(super) struct Conditions(Option<String>);

impl Conditions {
    pub(super) fn new(if_none_match: Option<&str>) -> Self {
        Self(if_none_match.map(str::to_owned))
    }

    /// The answer, or 304 if the client has it. Says of a wrong list nothing: the client then gets what
    /// it asked for.
    pub(super) fn applied_to(&self, response: RawResponse<Body>) -> RawResponse<Body> {
        let etag = response.headers().get(header::ETAG);
        let etag = etag.and_then(|etag| etag.to_str().ok());
        let (Some(known), Some(etag), StatusCode::OK) = (&self.0, etag, response.status()) else {
            return response;
        };
        if !knows(known, etag) {
            return response;
        }
        let mut response = response.map(|_| Body::Empty);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(header::CONTENT_TYPE);
        response
    }
}

/// Whether a list has this tag. The comparison is weak (13.1.2).
fn knows(list: &str, etag: &str) -> bool {
    let opaque = etag.trim_start_matches("W/").trim_matches('"');
    let tags = entity_tags(list).unwrap_or_default();
    list.trim() == "*" || tags.iter().any(|tag| tag.opaque == opaque)
}

/// An entity tag (8.8.3).
struct EntityTag<'a> {
    is_weak: bool,
    opaque: &'a str,
}

/// The elements of a list (5.6.1). A tag may hold commas; empty elements are skipped.
fn entity_tags(header: &str) -> Option<Vec<EntityTag<'_>>> {
    let mut tags = Vec::new();
    let mut rest = header.trim();
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if rest.is_empty() {
            return Some(tags);
        }
        let (is_weak, quoted) = match rest.strip_prefix("W/") {
            Some(tag) => (true, tag),
            None => (false, rest),
        };
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        tags.push(EntityTag { is_weak, opaque });
        rest = after.trim_start();
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::Error;

    use super::*;

    fn versions(header: &str) -> Option<Vec<u64>> {
        match super::versions(header) {
            Ok(versions) => {
                let versions = versions.unwrap_or_default().into_iter();
                Some(versions.map(Version::get).collect())
            }
            Err(Error::Refused(Refusal::PreconditionFailed)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn each_of_our_tags_counts() {
        for (header, expected) in [
            (r#""7""#, vec![7]),
            (r#" "1" , "2","3" "#, vec![1, 2, 3]),
            (r#", "1",, "2","#, vec![1, 2]),
            (r#""a, b", "4""#, vec![4]),
            (r#"W/"3", "4""#, vec![4]),
            (" * ", vec![]),
        ] {
            assert_eq!(versions(header), Some(expected), "{header}");
        }
    }

    fn answer(if_none_match: &str) -> u16 {
        let response = RawResponse::builder().header(header::ETAG, "\"7\"");
        let response = response.body(Body::Text("{}".to_owned())).unwrap();
        let response = Conditions::new(Some(if_none_match)).applied_to(response);
        let is_empty = matches!(response.body(), Body::Empty);
        assert_eq!(is_empty, response.status() == StatusCode::NOT_MODIFIED);
        assert_eq!(response.headers()[header::ETAG], "\"7\"");
        response.status().as_u16()
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        for known in [r#""7""#, r#"W/"7""#, r#""6", "7""#, "*", r#" , "7","#] {
            assert_eq!(answer(known), 304, "{known}");
        }
        for other in [r#""6""#, r#""07""#, "7", "", r#""7" "8""#] {
            assert_eq!(answer(other), 200, "{other}");
        }
    }

    #[test]
    fn only_what_succeeded_can_be_known() {
        let response = RawResponse::builder()
            .status(404)
            .header(header::ETAG, "\"7\"");
        let response = response.body(Body::Empty).unwrap();
        let response = Conditions::new(Some("*")).applied_to(response);
        assert_eq!(response.status(), 404);
    }

    #[test]
    fn no_tag_of_ours_fails_the_precondition() {
        for header in [
            "",
            "7",
            r#""seven""#,
            r#"W/"7""#,
            r#""7"#,
            r#""7" "8""#,
            r#""7", *"#,
            r#""-1""#,
            r#""+7""#,
            r#""07""#,
            r#""18446744073709551616""#,
        ] {
            assert_eq!(versions(header), None, "{header}");
        }
    }
}
