//! `traceparent` (W3C Trace Context, 3.2).

/// Bytes of a header of version 00.
const LENGTH: usize = 55;

/// The header, as version 00 writes it. `None` if it is wrong: the trace then begins here (4.3). What a
/// higher version has beyond version 00 is dropped (3.2.4).
pub(super) fn parse(header: &str) -> Option<String> {
    let known = header.get(..LENGTH)?;
    let rest = &header[LENGTH..];
    let mut parts = known.split('-');
    let mut part = |length| parts.next().filter(|part| is_hex(part, length));
    let (version, trace_id, parent_id, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let version_is_right = match version {
        "ff" => false,
        "00" => rest.is_empty(),
        _ => rest.is_empty() || rest.starts_with('-'),
    };
    (version_is_right && !is_zero(trace_id) && !is_zero(parent_id))
        .then(|| format!("00-{trace_id}-{parent_id}-{flags}"))
}

fn is_hex(part: &str, length: usize) -> bool {
    let is_lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    part.len() == length && part.bytes().all(is_lower_hex)
}

fn is_zero(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_right_header_is_kept() {
        assert_eq!(parse(RIGHT).as_deref(), Some(RIGHT));
    }

    #[test]
    fn a_higher_version_is_read_as_version_00() {
        let higher = RIGHT.replacen("00", "cc", 1);
        assert_eq!(parse(&higher).as_deref(), Some(RIGHT));
        assert_eq!(parse(&format!("{higher}-what")).as_deref(), Some(RIGHT));
        assert_eq!(parse(&format!("{higher}.what")), None);
    }

    #[test]
    fn a_wrong_header_is_dropped() {
        for wrong in [
            "",
            &"-".repeat(55),
            &"é".repeat(40),
            &RIGHT[..54],
            &format!("{RIGHT}-what"),
            &RIGHT.to_uppercase(),
            &RIGHT.replacen("00", "ff", 1),
            &RIGHT.replace('-', "0"),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "0-00af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
