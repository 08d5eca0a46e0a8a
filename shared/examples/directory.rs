//! Measures the directory's columns: `cargo run --release -p shared --example directory -- 1000000`.
//!
//! It uses one core and does no I/O: on a quiet machine, the time that passes is CPU time.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::{
    error::Error,
    hint::black_box,
    time::{Duration, Instant},
};

use shared::{
    directory::{Columns, Row},
    domain::{
        Cursor, Timestamp, UserId, Version,
        listing::{Listing, Position, Sort, SortKey},
        user::Profile,
    },
};
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

/// xorshift64*: the same users in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.below(words.len() as u64)).unwrap_or_default();
        words.get(at).copied().unwrap_or_default()
    }
}

fn user(number: u64, random: &mut Random) -> Result<Profile, Box<dyn Error>> {
    let (first, last) = (random.pick(&FIRST), random.pick(&LAST));
    let ascii: String = format!("{first}.{last}")
        .chars()
        .filter(char::is_ascii)
        .collect();
    let created = 1_600_000_000_000_000 + number * 60_000_000;
    let bits = u128::from(created / 1_000) << 80 | u128::from(random.next());
    let created = i64::try_from(created)?;
    Ok(Profile {
        id: UserId::from(Uuid::from_u128(bits)),
        email: format!("{ascii}{}@{}", random.below(10_000), random.pick(&DOMAIN))
            .parse()
            .map_err(|violation| format!("{violation:?}"))?,
        email_verified: random.below(10) > 0,
        name: format!("{first} {last}")
            .parse()
            .map_err(|violation| format!("{violation:?}"))?,
        roles: if random.below(1_000) == 0 {
            ["admin"
                .parse()
                .map_err(|violation| format!("{violation:?}"))?]
            .into()
        } else {
            [].into()
        },
        active: random.below(20) > 0,
        created_at: Timestamp::from_micros(created),
        updated_at: Timestamp::from_micros(created + i64::try_from(random.below(1 << 40))?),
        version: Version::FIRST,
    })
}

/// The median of some runs.
fn measure(name: &str, columns: &mut Columns, listing: &Listing) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let total = columns.list(listing)?.total;
    let first = started.elapsed();
    columns.list(listing)?;
    let mut runs = Vec::new();
    for _ in 0..21 {
        let started = Instant::now();
        black_box(columns.list(black_box(listing))?);
        runs.push(started.elapsed());
    }
    runs.sort_unstable();
    let (median, worst) = (runs.get(10).copied(), runs.last().copied());
    let millis = |span: Option<Duration>| span.unwrap_or_default().as_secs_f64() * 1e3;
    println!(
        "{name:44} {total:>9} {:>9.3} {:>9.3} {:>9.3}",
        millis(Some(first)),
        millis(median),
        millis(worst)
    );
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "a list of questions")]
fn main() -> Result<(), Box<dyn Error>> {
    let count = std::env::args()
        .nth(1)
        .map_or(Ok(1_000_000), |count| count.parse::<u64>())?;
    let mut random = Random(88_172_645_463_325_252);
    let users = (0..count).map(|number| user(number, &mut random));
    let users = users.collect::<Result<Vec<_>, _>>()?;
    let mut columns = Columns::new();
    let started = Instant::now();
    for user in &users {
        columns.upsert(&Row::Present(user.clone()))?;
    }
    let loaded = started.elapsed();
    let users_len = users.len();
    println!("{users_len} users loaded in {loaded:?}");
    println!(
        "{} octets for each user",
        columns.memory() as f64 / users_len as f64
    );

    let plain = Listing::default();
    let search = |text: &str| Listing {
        search: Some(text.to_owned()),
        ..plain.clone()
    };
    let filter = |text: &str| -> Result<Listing, Box<dyn Error>> {
        let filter = text.parse().map_err(|violation| format!("{violation:?}"))?;
        Ok(Listing {
            filter: Some(filter),
            ..plain.clone()
        })
    };
    let sorted = |key, descending| Listing {
        sort: Sort { key, descending },
        ..plain.clone()
    };
    let middle = u32::try_from(count / 20)?;
    println!(
        "{:44} {:>9} {:>9} {:>9} {:>9}",
        "question", "total", "first/ms", "p50/ms", "max/ms"
    );
    measure("page 1", &mut columns, &plain)?;
    measure(
        "page 1, 100 users",
        &mut columns,
        &Listing {
            limit: 100,
            ..plain.clone()
        },
    )?;
    let position = Position::Page(middle);
    measure(
        "page in the middle",
        &mut columns,
        &Listing {
            position: position.clone(),
            ..plain.clone()
        },
    )?;
    let place = users.get(users_len / 2).ok_or("no users")?;
    let cursor = Position::Cursor(Cursor::beside(place, plain.sort, true));
    measure(
        "cursor in the middle",
        &mut columns,
        &Listing {
            position: cursor.clone(),
            ..plain.clone()
        },
    )?;
    measure(
        "page 1 by name",
        &mut columns,
        &sorted(SortKey::Name, false),
    )?;
    measure(
        "page 1 by email",
        &mut columns,
        &sorted(SortKey::Email, false),
    )?;
    measure(
        "page 1 by updatedAt",
        &mut columns,
        &sorted(SortKey::UpdatedAt, true),
    )?;
    for needle in [
        "a",
        "an",
        "@",
        "e",
        "com",
        ".com",
        "maria",
        "mcdonald7",
        "zzzz",
        "maria garcia",
        "1234@",
    ] {
        measure(&format!("search {needle:?}"), &mut columns, &search(needle))?;
    }
    let deep = Listing {
        position,
        ..search("a")
    };
    measure("search \"a\", page in the middle", &mut columns, &deep)?;
    measure(
        "search \"a\", cursor in the middle",
        &mut columns,
        &Listing {
            position: cursor,
            ..search("a")
        },
    )?;
    for text in [
        "not (active eq true)",
        "not (name co \"a\")",
        "not (email ew \"gmail.com\") and active eq true",
        "roles eq \"admin\"",
        "createdAt gt \"2021-01-01T00:00:00Z\"",
        "name sw \"maria\" or email co \"zhang\" and emailVerified eq false",
    ] {
        measure(text, &mut columns, &filter(text)?)?;
    }
    println!(
        "{} octets for each user, all orders made",
        columns.memory() as f64 / users_len as f64
    );

    let started = Instant::now();
    for (number, user) in (0_i64..).zip(users.iter().take(1_000)) {
        let changed = Profile {
            version: Version::from(2),
            updated_at: Timestamp::from_micros(user.updated_at.as_micros() + number),
            ..user.clone()
        };
        columns.upsert(&Row::Present(changed))?;
        black_box(columns.list(&plain)?);
    }
    println!("a change and page 1: {:?}", started.elapsed() / 1_000);
    Ok(())
}
