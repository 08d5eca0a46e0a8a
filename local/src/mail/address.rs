//! Addresses, refused as SES refuses them: it has no SMTPUTF8, and wants domains in ASCII ("Email
//! addresses" in the `SendEmail` reference; lengths by RFC 5321, 4.5.3.1).

/// What is wrong with `address`, which is either `a@b` or `Name <a@b>`.
pub(super) fn check(address: &str) -> Result<(), &'static str> {
    let bare = match address.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').ok_or("Missing '>'")?,
        None => address,
    };
    let (local, domain) = bare.rsplit_once('@').ok_or("Missing final '@domain'")?;
    check_local(local)?;
    check_domain(domain)
}

fn check_local(local: &str) -> Result<(), &'static str> {
    if local.is_empty() {
        return Err("Missing local name");
    }
    if local.len() > 64 {
        return Err("Local address is too long");
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Err("Local address starts or ends with dot or contains dot-dot");
    }
    if local.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("Local address contains control or whitespace");
    }
    // RFC 5322, 3.2.3: what an atom has no quotes for.
    if !local.is_ascii()
        || local.contains(['(', ')', '<', '>', '@', ',', ';', ':', '\\', '"', '[', ']'])
    {
        return Err("Local address contains illegal character");
    }
    Ok(())
}

fn check_domain(domain: &str) -> Result<(), &'static str> {
    if domain.is_empty() || domain.len() > 255 {
        return Err("Missing or too long domain");
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    if domain.split('.').all(is_label) {
        Ok(())
    } else {
        Err("Domain contains illegal character")
    }
}
