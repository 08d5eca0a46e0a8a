use std::collections::BTreeSet;

use zxcvbn::Score;

use super::*;

/// Every symbol that looks like a letter.
const SYMBOLS: &str = "4@8({[<3691!|7+$5%20";

fn symbols(count: usize) -> String {
    SYMBOLS.chars().cycle().take(count).collect()
}

#[test]
fn no_text_keeps_more_readings_than_are_allowed() {
    // Every set of the symbols which have others beside them.
    let all: BTreeSet<char> = LOOKALIKES.concat().chars().collect();
    for set in 0..1_u32 << all.len() {
        let chosen = all.iter().enumerate();
        let chosen = chosen.filter(|(place, _)| set >> place & 1 == 1);
        let text: String = chosen.map(|(_, symbol)| symbol).collect();
        assert!(
            readings(&with_few_readings(&text)) <= MAX_READINGS,
            "{text}"
        );
    }
}

#[test]
fn an_ordinary_text_is_read_as_it_is() {
    for text in ["P@ssw0rd!1", "1qaz!QAZ2wsx@WSX", "2011-09-17", "c(a+s)"] {
        assert_eq!(with_few_readings(text), text);
    }
}

#[test]
fn lookalikes_hide_no_word() {
    for text in ["p4$$w0rd+1!", "P@5$w0rd1!|("] {
        assert!(readings(text) > 1, "{text}");
        assert!(estimate(text, &[]).score() < Score::Three, "{text}");
    }
}

#[test]
fn a_long_password_is_judged_by_its_beginning() {
    let strong = "kestrel-pine-42-violet-lantern";
    let of_one_letter = "a".repeat(JUDGED_CHARS);
    let late = format!("{of_one_letter}{strong}");
    assert!(estimate(&late, &[]).score() < Score::Three);
    let early = format!("{strong}{of_one_letter}");
    assert!(estimate(&early, &[]).score() >= Score::Three);
    assert!(estimate(&symbols(128), &[]).score() >= Score::Three);
}
