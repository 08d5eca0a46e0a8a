//! The forms in which other systems write hashes: brought to the one that is stored, or refused by name.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};

use super::{invalid, unknown};
use crate::error::Violation;

/// A hash as it is stored: a PHC string, or bcrypt's own form.
///
/// # Errors
/// If it is in a form of another kind, which the message names.
pub(super) fn stored_form(raw: &str) -> Result<String, Violation> {
    let raw = without_label(raw.trim());
    if let Some(rest) = raw.strip_prefix("pbkdf2_sha256$") {
        return django_pbkdf2(rest);
    }
    for digest in ["sha256", "sha512"] {
        let rest = raw.strip_prefix("$pbkdf2-");
        let rest = rest.and_then(|rest| rest.strip_prefix(digest)?.strip_prefix('$'));
        if let Some(rest) = rest.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            return passlib_pbkdf2(digest, rest);
        }
    }
    if let Some(name) = named(raw).or_else(|| shaped(raw)) {
        let message = format!(
            "is {name}, which nothing here verifies: import the user without passwordHash, and a \
             password reset gives a new password"
        );
        return Err(Violation::new("unsupported-hash", message));
    }
    if raw.starts_with('{') {
        let message = "is a credential in JSON or has a label that is not known: write it in one of the \
                       forms of docs/operations.md, such as $pbkdf2-sha512$i=210000,l=64$<salt>$<hash> \
                       for Keycloak";
        return Err(unknown(message));
    }
    Ok(without_padding(raw))
}

/// Without what Spring (`{bcrypt}$2a$…`) and Django (`bcrypt$$2b$…`, `argon2$argon2id$…`) put before a
/// hash.
fn without_label(raw: &str) -> &str {
    for label in [
        "{bcrypt}",
        "bcrypt$",
        "{argon2}",
        "{argon2@SpringSecurity_v5_8}",
    ] {
        if let Some(rest) = raw.strip_prefix(label).filter(|rest| rest.starts_with('$')) {
            return rest;
        }
    }
    match raw.strip_prefix("argon2") {
        Some(rest) if rest.starts_with("$argon2") => rest,
        _ => raw,
    }
}

/// `<iterations>$<salt, as it is>$<base64, padded>`.
fn django_pbkdf2(rest: &str) -> Result<String, Violation> {
    let mut parts = rest.split('$');
    let (Some(rounds), Some(salt), Some(output), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(unknown(
            "is not pbkdf2_sha256$<iterations>$<salt>$<hash>, as Django writes it",
        ));
    };
    let salt = STANDARD_NO_PAD.encode(salt);
    let output = output.trim_end_matches('=');
    Ok(format!("$pbkdf2-sha256$i={rounds}${salt}${output}"))
}

/// `<rounds>$<salt>$<output>`, both in base64 with `.` for `+`.
fn passlib_pbkdf2(digest: &str, rest: &str) -> Result<String, Violation> {
    let Some((rounds, rest)) = rest.split_once('$') else {
        return Err(invalid("has no salt"));
    };
    let rest = rest.replace('.', "+");
    Ok(format!("$pbkdf2-{digest}$i={rounds}${rest}"))
}

/// PHC base64 has no padding (PHC string format, "B64"); many libraries write it.
fn without_padding(raw: &str) -> String {
    let mut parts: Vec<_> = raw.split('$').collect();
    // Salt and output: parameters have a `=` of their own.
    for part in parts.iter_mut().rev().take(2) {
        *part = part.trim_end_matches('=');
    }
    parts.join("$")
}

/// What begins with these is one of those.
const NAMES: [(&str, &str); 32] = [
    ("$argon2i$", "argon2i"),
    ("$argon2d$", "argon2d"),
    ("$2x$", "bcrypt with the fault of 2011 ($2x$)"),
    ("$2$", "bcrypt of the first version ($2$)"),
    ("$wp$", "bcrypt over HMAC-SHA-384, of WordPress 6.8 ($wp$)"),
    ("$P$", "phpass, of WordPress and Drupal"),
    ("$H$", "phpass, of phpBB"),
    ("$S$", "SHA-512 of Drupal 7 ($S$)"),
    ("bcrypt_sha256$", "bcrypt over SHA-256, of Django"),
    ("$bcrypt-sha256$", "bcrypt over SHA-256, of passlib"),
    ("pbkdf2_sha1$", "PBKDF2-SHA1, of Django"),
    ("$pbkdf2$", "PBKDF2-SHA1, of passlib"),
    ("$pbkdf2-sha1$", "PBKDF2-SHA1"),
    ("pbkdf2:", "PBKDF2 of Werkzeug"),
    ("scrypt:", "scrypt of Werkzeug"),
    ("scrypt$", "scrypt of Django"),
    ("$7$", "scrypt in crypt's form ($7$)"),
    ("$y$", "yescrypt"),
    ("$gy$", "gost-yescrypt"),
    ("$sha1$", "SHA-1 crypt"),
    ("$1$", "MD5 crypt ($1$)"),
    ("$apr1$", "MD5 crypt of Apache ($apr1$)"),
    ("$5$", "SHA-256 crypt ($5$)"),
    ("$6$", "SHA-512 crypt ($6$)"),
    ("md5$", "MD5, of Django"),
    ("sha1$", "SHA-1, of Django"),
    ("{SSHA", "salted SHA, of LDAP"),
    ("{SHA", "SHA, of LDAP"),
    ("{noop}", "a password that is not hashed at all, of Spring"),
    ("{pbkdf2", "PBKDF2 in Spring's form"),
    ("{scrypt", "scrypt in Spring's form"),
    ("{sha256}", "SHA-256 in Spring's form"),
];

fn named(raw: &str) -> Option<&'static str> {
    let mut names = NAMES.iter();
    let found = names.find(|(prefix, _)| raw.starts_with(prefix));
    found.map(|(_, name)| *name)
}

/// What it is by its shape, where nothing in it says so.
fn shaped(raw: &str) -> Option<&'static str> {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some((salt, output)) = raw.split_once(':')
        && (salt.len(), output.len()) == (32, 128)
        && is_hex(salt)
        && is_hex(output)
    {
        return Some("scrypt in hex, of better-auth or Lucia");
    }
    if is_hex(raw) {
        return match raw.len() {
            32 => Some("a bare digest, such as MD5"),
            40 => Some("a bare digest, such as SHA-1"),
            64 => Some("a bare digest, such as SHA-256"),
            128 => Some("a bare digest, such as SHA-512"),
            _ => None,
        };
    }
    // ASP.NET writes a number of its form first: 0 with 48 bytes after it, or 1 with that of a function.
    match *STANDARD.decode(raw).ok()?.as_slice() {
        [0, ref rest @ ..] if rest.len() == 48 => Some("ASP.NET Identity, version 2"),
        [1, 0, 0, 0, 0..=2, ref rest @ ..] if rest.len() >= 24 => {
            Some("ASP.NET Identity, version 3")
        }
        ref bytes if bytes.len() == 64 => Some("Firebase's scrypt, or a bare digest"),
        _ => None,
    }
}
