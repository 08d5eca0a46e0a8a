use proptest::prelude::*;

use super::*;

const SALT: &str = "c29tZXNhbHRzb21lc2FsdA";
const OUTPUT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn of(prefix: &str) -> Result<Scheme, &'static str> {
    let hash = PasswordHash::import(&format!("{prefix}${SALT}${OUTPUT}"));
    let params = hash.and_then(|hash| hash.params());
    let params = params.map_err(|violation| violation.code)?;
    assert_eq!(params.salt, b"somesaltsomesalt");
    assert_eq!(params.output, (0..32).collect::<Vec<u8>>());
    Ok(params.scheme)
}

fn of_bcrypt(prefix: &str) -> Result<Scheme, &'static str> {
    let salt_and_output = "GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m";
    let params = PasswordHash::from_phc(format!("{prefix}{salt_and_output}")).params();
    params
        .map(|params| params.scheme)
        .map_err(|violation| violation.code)
}

#[test]
fn a_hash_says_how_it_was_made() {
    let argon2id = |version| Scheme::Argon2id {
        version,
        memory: 65_536,
        passes: 3,
        lanes: 4,
    };
    assert_eq!(of("$argon2id$v=19$m=65536,t=3,p=4"), Ok(argon2id(19)));
    assert_eq!(of("$argon2id$m=65536,t=3,p=4"), Ok(argon2id(16)));
    let scrypt = Scheme::Scrypt {
        log_n: 15,
        block: 8,
        lanes: 1,
    };
    assert_eq!(of("$scrypt$ln=15,r=8,p=1"), Ok(scrypt));
    let pbkdf2 = Scheme::Pbkdf2Sha256 { rounds: 600_000 };
    assert_eq!(of("$pbkdf2-sha256$i=600000,l=32"), Ok(pbkdf2));
    assert_eq!(of("$pbkdf2-sha256$i=600000"), Ok(pbkdf2));
    let pbkdf2 = Scheme::Pbkdf2Sha512 { rounds: 210_000 };
    assert_eq!(of("$pbkdf2-sha512$i=210000,l=32"), Ok(pbkdf2));
    for prefix in ["$2a$12$", "$2b$12$", "$2y$12$"] {
        assert_eq!(of_bcrypt(prefix), Ok(Scheme::Bcrypt { cost: 12 }));
    }
}

#[test]
fn what_costs_too_much_is_refused() {
    for prefix in [
        "$argon2id$v=19$m=262145,t=1,p=1",
        "$argon2id$v=19$m=65536,t=17,p=1",
        "$argon2id$v=19$m=4294967295,t=4294967295,p=1",
        "$scrypt$ln=19,r=8,p=1",
        "$scrypt$ln=17,r=8,p=4",
        "$scrypt$ln=255,r=1073741823,p=1",
        "$scrypt$ln=1,r=1,p=1073741823",
        "$pbkdf2-sha256$i=2000001",
        "$pbkdf2-sha512$i=1000001",
    ] {
        assert_eq!(of(prefix), Err("too-costly"), "{prefix}");
    }
    assert_eq!(of_bcrypt("$2b$15$"), Err("too-costly"));
    for prefix in [
        "$argon2id$v=19$m=262144,t=4,p=1",
        "$scrypt$ln=17,r=8,p=3",
        "$pbkdf2-sha256$i=2000000",
        "$pbkdf2-sha512$i=1000000",
    ] {
        assert!(of(prefix).is_ok(), "{prefix}");
    }
    assert!(of_bcrypt("$2b$14$").is_ok());
}

#[test]
fn wrong_parameters_are_told() {
    for prefix in [
        "$argon2id$v=19$m=65536,t=3",
        "$argon2id$v=19$m=65536,t=3,p=4,keyid=aaaa",
        "$argon2id$v=18$m=65536,t=3,p=4",
        "$argon2id$v=19$m=65536,t=0,p=4",
        "$argon2id$v=19$m=31,t=3,p=4",
        "$scrypt$ln=256,r=8,p=1",
        "$scrypt$ln=0,r=8,p=1",
        "$scrypt$ln=16,r=1,p=1",
        "$scrypt$ln=15,r=65536,p=65536",
        "$scrypt$v=1$ln=15,r=8,p=1",
        "$scrypt$ln=15,r=8,p=1,x=1",
        "$pbkdf2-sha256$i=600000,l=20",
        "$pbkdf2-sha256$i=0",
        "$pbkdf2-sha256$v=1$i=600000",
        "$pbkdf2-sha512$i=0",
        "pbkdf2_sha256$many",
    ] {
        assert_eq!(of(prefix), Err("invalid-hash"), "{prefix}");
    }
    for prefix in ["$2b$3$", "$2b$03$", "$2b$+9$", "$2b$12"] {
        assert_eq!(of_bcrypt(prefix), Err("invalid-hash"), "{prefix}");
    }
}

fn refused(raw: &str) -> (&'static str, String) {
    let violation = PasswordHash::import(raw).unwrap_err();
    (violation.code, violation.message)
}

#[test]
fn wrong_salts_and_outputs_are_told() {
    let argon2id = "$argon2id$v=19$m=65536,t=3,p=4";
    for (raw, message) in [
        (
            format!("{argon2id}${SALT}$AAECAwQFBgcICQoL"),
            "less than 16",
        ),
        (format!("{argon2id}${SALT}$AAEC"), "16 to 64 bytes"),
        (format!("{argon2id}$AAEC${OUTPUT}"), "8 to 48 bytes"),
        (format!("{argon2id}$c2-t_XNhbHRz${OUTPUT}"), "base64"),
        (format!("{argon2id}${SALT}"), "no output"),
        (format!("{argon2id}${SALT}${OUTPUT}$more"), "four parts"),
        ("$2b$12$tooshort".to_owned(), "53 characters"),
    ] {
        let (code, told) = refused(&raw);
        assert_eq!(code, "invalid-hash", "{raw}");
        assert!(told.contains(message), "{raw}: {told}");
    }
    let least = format!("{argon2id}${SALT}$AAECAwQFBgcICQoLDA0ODw");
    assert!(PasswordHash::import(&least).is_ok(), "16 bytes");
}

#[test]
fn forms_of_other_systems_become_the_stored_one() {
    let phc = format!("$pbkdf2-sha256$i=1000${SALT}${OUTPUT}");
    for raw in [
        format!("pbkdf2_sha256$1000$somesaltsomesalt${OUTPUT}="),
        format!("$pbkdf2-sha256$1000${SALT}${OUTPUT}"),
        format!("$pbkdf2-sha256$i=1000${SALT}==${OUTPUT}="),
        format!(" {phc}\n"),
    ] {
        let hash = PasswordHash::import(&raw).unwrap();
        assert_eq!(hash.expose(), phc, "{raw}");
    }
    let argon2id = format!("$argon2id$v=19$m=102400,t=2,p=8${SALT}${OUTPUT}");
    let bcrypt = "$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m";
    for (label, hash) in [
        ("argon2", argon2id.as_str()),
        ("{argon2}", &argon2id),
        ("{argon2@SpringSecurity_v5_8}", &argon2id),
        ("{bcrypt}", bcrypt),
        ("bcrypt$", bcrypt),
    ] {
        let imported = PasswordHash::import(&format!("{label}{hash}")).unwrap();
        assert_eq!(imported.expose(), hash, "{label}");
    }
    // passlib writes a dot for a plus.
    let dotted = format!("$pbkdf2-sha512$1000$..{SALT}$....{OUTPUT}");
    let hash = PasswordHash::import(&dotted).unwrap();
    assert!(hash.expose().starts_with("$pbkdf2-sha512$i=1000$++"));
}

#[test]
fn what_nothing_here_verifies_is_refused_by_name() {
    let hex = "0f".repeat(64);
    let firebase = format!("{}==", "A1b2".repeat(21) + "AA");
    for (raw, name) in [
        ("$argon2i$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$AAEC", "argon2i"),
        (
            "argon2$argon2i$v=19$m=512,t=2,p=2$c29tZXNhbHQ$AAEC",
            "argon2i",
        ),
        ("$2x$12$GhvMmNVjRW29ulnudl.Lbu", "2011"),
        ("$P$BAbcdefghijklmnopqrstuvwxyz0123", "phpass"),
        ("$wp$2y$10$abcdefghijklmnopqrstuu", "WordPress 6.8"),
        ("bcrypt_sha256$$2b$12$abcdefghijklmnopqrstuu", "of Django"),
        ("$pbkdf2$131000$abc$def", "PBKDF2-SHA1"),
        ("pbkdf2:sha256:600000$abc$0f0f", "Werkzeug"),
        (
            &format!("{}:{hex}", "0f".repeat(16)),
            "better-auth or Lucia",
        ),
        (&firebase, "Firebase"),
        (
            "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg8AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==",
            "ASP.NET Identity, version 3",
        ),
        (
            &format!("A{}AA==", "A".repeat(63)),
            "ASP.NET Identity, version 2",
        ),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "MD5"),
        (&"0f".repeat(20), "SHA-1"),
        (&"0f".repeat(32), "SHA-256"),
        (&hex, "SHA-512"),
        ("$6$salt$abcdef", "SHA-512 crypt"),
        ("{noop}secret", "not hashed"),
    ] {
        let (code, message) = refused(raw);
        assert_eq!(code, "unsupported-hash", "{raw}: {message}");
        assert!(message.contains(name), "{raw}: {message}");
        assert!(message.contains("without passwordHash"), "{message}");
    }
}

#[test]
fn what_is_in_no_known_form_is_told_the_forms() {
    for raw in [
        "",
        "secret",
        "$",
        "$unheard-of$i=1$c29tZXNhbHQ$AAEC",
        "pbkdf2_sha256$1000$salt",
        r#"{"type":"password","secretData":"{}"}"#,
        "{unheard-of}$2b$12$abc",
        "argon2$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m",
        // Base64 of a few bytes, among them the first of ASP.NET's forms.
        "c2VjcmV0",
        "AHh4eHh4",
        "AQAAAAEA",
    ] {
        let (code, message) = refused(raw);
        assert_eq!(code, "unknown-hash", "{raw}: {message}");
    }
}

#[test]
fn debug_shows_nothing() {
    let shown = format!("{:?}", PasswordHash::from_phc("$argon2id$x"));
    assert_eq!(shown, "PasswordHash(***)");
}

proptest! {
    #[test]
    fn any_text_is_a_hash_or_not(raw in r"(\$(2b|argon2id|scrypt|pbkdf2-sha256)|pbkdf2_sha256)\$.{0,80}") {
        let _ = PasswordHash::import(&raw);
    }
}
