//! Users that look like people: the same ones in each run.

use anyhow::anyhow;
use shared::domain::{Roles, Timestamp, UserId, Version, error::Violation, user::Profile};
use uuid::Uuid;

const FIRST: [&str; 20] = [
    "Maria", "James", "Wei", "Fatima", "José", "Olga", "Ahmed", "Yuki", "Anna", "Liam", "Chloé",
    "Priya", "Jürgen", "Sofia", "Kwame", "Zoë", "Noah", "Emma", "Ivan", "Amara",
];
const LAST: [&str; 20] = [
    "Garcia",
    "Smith",
    "Zhang",
    "Al-Sayed",
    "Müller",
    "Ivanova",
    "O'Brien",
    "Tanaka",
    "Nguyen",
    "Johnson",
    "McDonald",
    "Kowalski",
    "Rossi",
    "Silva",
    "Okafor",
    "Lindqvist",
    "Dubois",
    "Weiß",
    "Novák",
    "Haddad",
];
const DOMAIN: [&str; 5] = [
    "gmail.com",
    "outlook.com",
    "example.org",
    "university.edu",
    "company.co.uk",
];

/// Microseconds after 1970 when the first user signed up; the others follow, one each minute.
const FIRST_SIGN_UP: i64 = 1_600_000_000_000_000;

/// `count` users, in the order in which they signed up.
pub(crate) fn users(count: u32) -> impl Iterator<Item = anyhow::Result<Profile>> {
    let mut random = Random(88_172_645_463_325_252);
    (0..count).map(move |number| user(number, &mut random))
}

fn user(number: u32, random: &mut Random) -> anyhow::Result<Profile> {
    let (first, last) = (random.pick(&FIRST), random.pick(&LAST));
    let ascii: String = format!("{first}.{last}")
        .chars()
        .filter(char::is_ascii)
        .collect();
    let created = FIRST_SIGN_UP + i64::from(number) * 60_000_000;
    let roles = if random.below(1_000) == 0 {
        Roles::from([parsed("admin")?])
    } else {
        Roles::new()
    };
    Ok(Profile {
        id: id(created, random),
        email: parsed(&format!("{ascii}{number}@{}", random.pick(&DOMAIN)))?,
        email_verified: random.below(10) > 0,
        name: parsed(&format!("{first} {last}"))?,
        roles,
        active: random.below(20) > 0,
        created_at: Timestamp::from_micros(created),
        updated_at: Timestamp::from_micros(created + i64::from(random.below(1 << 30)) * 1_000),
        version: Version::FIRST,
    })
}

/// As UUIDv7 has it: milliseconds, then random bits.
fn id(created: i64, random: &mut Random) -> UserId {
    let millis = u128::from(created.unsigned_abs() / 1_000);
    let low = u128::from(random.next()) << 16 | u128::from(random.below(1 << 16));
    UserId::from(Uuid::from_u128(millis << 80 | low))
}

fn parsed<T: std::str::FromStr<Err = Violation>>(raw: &str) -> anyhow::Result<T> {
    raw.parse()
        .map_err(|violation: Violation| anyhow!("{raw}: {}", violation.message))
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u32) -> u32 {
        // Below `end`, so it fits.
        u32::try_from(self.next() % u64::from(end)).unwrap_or_default()
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let words_len = u32::try_from(words.len()).unwrap_or(u32::MAX);
        words
            .get(self.below(words_len) as usize)
            .copied()
            .unwrap_or_default()
    }
}
