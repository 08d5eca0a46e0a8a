//! Trace contexts as X-Ray writes them (`X-Amzn-Trace-Id`), and as W3C does (`traceparent`).

/// The `traceparent` of a sampled trace of X-Ray. Others are recorded nowhere, so there is nothing to go on with.
pub fn to_traceparent(header: &str) -> Option<String> {
    let part = |name: &str| {
        let mut parts = header.split(';').filter_map(|part| part.split_once('='));
        parts.find_map(|(key, value)| (key.trim() == name).then_some(value.trim()))
    };
    let (time, rest) = part("Root")?.strip_prefix("1-")?.split_once('-')?;
    let parent = part("Parent")?;
    let is_whole = [(time, 8), (rest, 24), (parent, 16)]
        .into_iter()
        .all(|(id, length)| {
            id.len() == length && id.bytes().all(|byte| b"0123456789abcdef".contains(&byte))
        });
    (is_whole && part("Sampled") == Some("1")).then(|| format!("00-{time}{rest}-{parent}-01"))
}

/// X-Ray's header for a `traceparent` of version 00. The last bit of its flags says whether it is sampled.
pub fn from_traceparent(traceparent: &str) -> Option<String> {
    let mut parts = traceparent.split('-').skip(1);
    let (trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?);
    let (time, rest) = trace.split_at_checked(8)?;
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1;
    Some(format!(
        "Root=1-{time}-{rest};Parent={parent};Sampled={sampled}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACEPARENT: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
    const HEADER: &str =
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    #[test]
    fn a_trace_is_the_same_in_both_forms() {
        assert_eq!(to_traceparent(HEADER).as_deref(), Some(TRACEPARENT));
        assert_eq!(from_traceparent(TRACEPARENT).as_deref(), Some(HEADER));
        let more = format!("{HEADER};Lineage=1:a87bd80c:0");
        assert_eq!(to_traceparent(&more).as_deref(), Some(TRACEPARENT));
    }

    #[test]
    fn what_is_not_sampled_is_not_begun_and_stays_so() {
        let header = HEADER.replace("Sampled=1", "Sampled=0");
        assert_eq!(to_traceparent(&header), None);
        let traceparent = TRACEPARENT.replace("-01", "-02");
        assert_eq!(from_traceparent(&traceparent), Some(header));
    }

    #[test]
    fn what_is_no_trace_is_none() {
        for header in [
            "",
            "Root=1-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a99427279;Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995C3F42CD8AD8;Sampled=1",
        ] {
            assert_eq!(to_traceparent(header), None, "{header}");
        }
        assert_eq!(from_traceparent("00-é"), None);
    }
}
