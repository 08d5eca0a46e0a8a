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
    ] {
        assert_eq!(of(prefix), Err("too-costly"), "{prefix}");
    }
    assert_eq!(of_bcrypt("$2b$15$"), Err("too-costly"));
    for prefix in [
        "$argon2id$v=19$m=262144,t=4,p=1",
        "$scrypt$ln=17,r=8,p=3",
        "$pbkdf2-sha256$i=2000000",
    ] {
        assert!(of(prefix).is_ok(), "{prefix}");
    }
}

#[test]
fn what_nothing_here_verifies_is_refused() {
    for prefix in [
        "$argon2i$v=19$m=65536,t=3,p=4",
        "$argon2id$v=19$m=65536,t=3",
        "$argon2id$v=19$m=65536,t=3,p=4,keyid=aaaa",
        "$argon2id$v=18$m=65536,t=3,p=4",
        "$argon2id$v=19$m=65536,t=0,p=4",
        "$argon2id$v=19$m=31,t=3,p=4",
        "$scrypt$ln=256,r=8,p=1",
        "$scrypt$ln=0,r=8,p=1",
        "$scrypt$ln=16,r=1,p=1",
        "$scrypt$ln=15,r=65536,p=65536",
        "$pbkdf2-sha256$i=600000,l=20",
        "$pbkdf2-sha256$i=0",
        "$pbkdf2-sha512$i=600000",
        "$pbkdf2-sha256$v=1$i=600000",
        "",
    ] {
        assert_eq!(of(prefix), Err("unknown-hash"), "{prefix}");
    }
    // `$2x$` has the bug of 2011, in which passwords collide.
    for prefix in [
        "$2x$12$", "$2$12$", "$2b$3$", "$2b$03$", "$2b$+9$", "$2b$12",
    ] {
        assert_eq!(of_bcrypt(prefix), Err("unknown-hash"), "{prefix}");
    }
    let short = format!("$argon2id$v=19$m=65536,t=3,p=4${SALT}$AAECAwQFBgcICQoL");
    assert!(PasswordHash::import(&short).is_err());
    assert!(PasswordHash::import("5f4dcc3b5aa765d61d8327deb882cf99").is_err());
}

#[test]
fn debug_shows_nothing() {
    assert!(!format!("{:?}", PasswordHash::from_phc("$argon2id$x")).contains("argon2"));
}

proptest! {
    #[test]
    fn any_text_is_a_hash_or_not(raw in r"\$(2b|argon2id|scrypt|pbkdf2-sha256)\$.{0,80}") {
        let _ = PasswordHash::import(&raw);
    }
}
