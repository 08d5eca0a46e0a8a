//! Made-up users: realistic, and the same at each run.

use shared::domain::{
    Name, Role, Roles, Timestamp, UserId, Version, error::Violation, user::Profile,
};

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
const DOMAINS: [&str; 5] = [
    "gmail.com",
    "outlook.com",
    "example.org",
    "university.edu",
    "company.co.uk",
];
const ROLES: [&str; 4] = ["support", "editor", "billing", "auditor"];

/// When the first one signed up: 2020-09-13. The others followed, one a minute.
const BEGINNING: i64 = 1_600_000_000_000_000;
const MINUTE: u64 = 60_000_000;
/// The last change of a user is less than this after signing up, in microseconds: twelve days.
const CHANGED_WITHIN: u64 = 1 << 40;

/// The user with this number.
///
/// # Errors
/// Never: every name and every address is one.
pub fn person(number: u64) -> Result<Profile, Violation> {
    let mut random = Random(number);
    let (first, last) = (random.pick(&FIRST), random.pick(&LAST));
    // The number makes the address unique.
    let address = format!("{first}.{last}{number}@{}", random.pick(&DOMAINS));
    let after = |micros: u64| {
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        Timestamp::from_micros(BEGINNING.saturating_add(micros))
    };
    let created = number.saturating_mul(MINUTE);
    let random_id = u128::from(random.next()) << 64 | u128::from(number);
    let [_, _, _, _, _, _, id @ ..] = random_id.to_be_bytes();
    Ok(Profile {
        id: UserId::new(after(created), id),
        email: address
            .chars()
            .filter(char::is_ascii)
            .collect::<String>()
            .parse()?,
        email_verified: random.below(10) > 0,
        name: format!("{first} {last}").parse::<Name>()?,
        roles: match random.below(100) {
            0 => Roles::from([random.pick(&ROLES).parse::<Role>()?]),
            _ => Roles::new(),
        },
        active: random.below(20) > 0,
        created_at: after(created),
        updated_at: after(created + random.below(CHANGED_WITHIN)),
        version: Version::FIRST,
    })
}

/// splitmix64, from a number on.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.below(words.len() as u64)).unwrap_or_default();
        words.get(at).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_hundred_thousand_people_are_different_and_always_the_same() {
        let people: Vec<_> = (0..100_000).map(|number| person(number).unwrap()).collect();
        let ids: HashSet<_> = people.iter().map(|person| person.id).collect();
        let addresses: HashSet<_> = people.iter().map(|person| &person.email).collect();
        assert_eq!((ids.len(), addresses.len()), (100_000, 100_000));
        assert_eq!(people[7], person(7).unwrap());
        let active = people.iter().filter(|person| person.active).count();
        assert!((94_000..96_000).contains(&active), "{active}");
    }
}
