//! `If-Match` (RFC 9110, 13.1.1).

use domain::{Refusal, Result, Version};

/// The versions in a list of entity tags; `None` for `*`.
///
/// # Errors
/// `PreconditionFailed` if none of the tags is ours, or if it is no list of entity tags.
pub(super) fn parse(header: &str) -> Result<Option<Vec<Version>>> {
    if header.trim() == "*" {
        return Ok(None);
    }
    let tags = entity_tags(header).ok_or(Refusal::PreconditionFailed)?;
    // A weak tag never matches: the comparison is strong (8.8.3.2).
    let strong = tags.into_iter().filter(|tag| !tag.is_weak);
    let versions: Vec<Version> = strong
        .filter_map(|tag| tag.opaque.parse::<u64>().ok())
        .map(Version::from)
        .collect();
    if versions.is_empty() {
        return Err(Refusal::PreconditionFailed.into());
    }
    Ok(Some(versions))
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
        match parse(header) {
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
        ] {
            assert_eq!(versions(header), None, "{header}");
        }
    }
}
