use serde_json::json;

use super::*;

#[track_caller]
fn matches(pattern: &Value, event: &Value) -> bool {
    Pattern::parse(pattern).unwrap().matches(event)
}

/// The pattern on the field `a`, held against values of that field.
#[track_caller]
fn field(matchers: &Value, yes: &[Value], no: &[Value]) {
    let pattern = json!({ "a": matchers });
    for value in yes {
        assert!(
            matches(&pattern, &json!({ "a": value })),
            "{matchers} {value}"
        );
    }
    for value in no {
        assert!(
            !matches(&pattern, &json!({ "a": value })),
            "{matchers} {value}"
        );
    }
}

fn error(pattern: &Value) -> String {
    Pattern::parse(pattern).unwrap_err().to_string()
}

#[test]
fn exact_values_keep_their_type() {
    field(
        &json!(["x", 1, true, null]),
        &[json!("x"), json!(1), json!(true), json!(null)],
        &[json!("X"), json!("1"), json!(2), json!(false)],
    );
    field(&json!([""]), &[json!("")], &[json!(null)]);
}

#[test]
fn a_list_in_the_event_matches_by_any_element() {
    field(
        &json!(["x"]),
        &[json!(["y", "x"])],
        &[json!(["y"]), json!([])],
    );
    let pattern = json!({ "records": { "name": ["x"], "size": [1] } });
    assert!(matches(
        &pattern,
        &json!({ "records": [{ "name": "y" }, { "name": "x", "size": 1 }] })
    ));
    // Both conditions must hold for the same element.
    assert!(!matches(
        &pattern,
        &json!({ "records": [{ "name": "x", "size": 2 }, { "name": "y", "size": 1 }] })
    ));
}

#[test]
fn all_fields_must_match() {
    let pattern = json!({ "source": ["aws.ec2"], "detail": { "state": ["terminated"] } });
    assert!(matches(
        &pattern,
        &json!({ "source": "aws.ec2", "detail": { "state": "terminated", "id": 1 } })
    ));
    assert!(!matches(
        &pattern,
        &json!({ "source": "aws.ec2", "detail": { "state": "running" } })
    ));
    assert!(!matches(&pattern, &json!({ "source": "aws.ec2" })));
}

#[test]
fn prefixes_and_suffixes() {
    field(
        &json!([{ "prefix": "us-" }]),
        &[json!("us-east-1")],
        &[json!("eu-us-"), json!("US-"), json!(5)],
    );
    field(
        &json!([{ "suffix": ".png" }]),
        &[json!("a.png")],
        &[json!("a.PNG")],
    );
    field(
        &json!([{ "prefix": { "equals-ignore-case": "EventB" } }]),
        &[json!("eventbridge")],
        &[json!("event")],
    );
    field(
        &json!([{ "suffix": { "equals-ignore-case": ".PNG" } }]),
        &[json!("a.png"), json!("a.pnG")],
        &[json!("png")],
    );
    field(
        &json!([{ "equals-ignore-case": "alice" }]),
        &[json!("ALICE")],
        &[json!("alice2")],
    );
}

#[test]
fn anything_but() {
    field(
        &json!([{ "anything-but": "x" }]),
        &[json!("y"), json!(1), json!(["x", "y"])],
        &[json!("x"), json!(["x"])],
    );
    field(
        &json!([{ "anything-but": [100, 200] }]),
        &[json!(300)],
        &[json!(100), json!(200)],
    );
    field(
        &json!([{ "anything-but": { "prefix": "init" } }]),
        &[json!("done")],
        &[json!("initial")],
    );
    field(
        &json!([{ "anything-but": { "suffix": [".txt", ".rtf"] } }]),
        &[json!("a.md")],
        &[json!("a.rtf")],
    );
    field(
        &json!([{ "anything-but": { "equals-ignore-case": ["a", "b"] } }]),
        &[json!("c")],
        &[json!("B")],
    );
    field(
        &json!([{ "anything-but": { "wildcard": "*/lib/*" } }]),
        &[json!("/bin/x")],
        &[json!("/usr/lib/x")],
    );
    assert!(
        !matches(&json!({ "a": [{ "anything-but": "x" }] }), &json!({})),
        "a missing field"
    );
}

#[test]
fn numbers() {
    field(
        &json!([{ "numeric": [">", 0, "<=", 5] }]),
        &[json!(1), json!(5.0)],
        &[json!(0), json!(5.1), json!("3")],
    );
    field(
        &json!([{ "numeric": ["=", 3.018e2] }]),
        &[json!(301.8)],
        &[json!(301)],
    );
    field(
        &json!([{ "numeric": ["<", -1] }]),
        &[json!(-2)],
        &[json!(-1)],
    );
}

#[test]
fn existence_is_that_of_a_leaf() {
    let there = json!({ "detail": { "state": [{ "exists": true }] } });
    let absent = json!({ "detail": { "state": [{ "exists": false }] } });
    for (event, is_there) in [
        (json!({ "detail": { "state": "x" } }), true),
        (json!({ "detail": { "state": null } }), true),
        (json!({ "detail": { "state": [] } }), false),
        (json!({ "detail": { "state": { "x": 1 } } }), false),
        (json!({ "detail": {} }), false),
        (json!({}), false),
    ] {
        assert_eq!(matches(&there, &event), is_there, "{event}");
        assert_eq!(matches(&absent, &event), !is_there, "{event}");
    }
    // An alternative to a value.
    let pattern = json!({ "a": ["x", { "exists": false }] });
    assert!(matches(&pattern, &json!({})));
    assert!(matches(&pattern, &json!({ "a": "x" })));
    assert!(!matches(&pattern, &json!({ "a": "y" })));
}

#[test]
fn wildcards() {
    field(
        &json!([{ "wildcard": "dir/*.png" }]),
        &[json!("dir/a.png"), json!("dir/.png"), json!("dir/b/a.png")],
        &[json!("dir/a.jpg"), json!("a.png")],
    );
    field(
        &json!([{ "wildcard": "*" }]),
        &[json!(""), json!("x")],
        &[json!(1)],
    );
    field(
        &json!([{ "wildcard": "a*b*a" }]),
        &[json!("aba"), json!("axbxbya")],
        &[json!("ab"), json!("aa")],
    );
    field(
        &json!([{ "wildcard": r"a\*b" }]),
        &[json!("a*b")],
        &[json!("axb")],
    );
    field(
        &json!([{ "wildcard": "plain" }]),
        &[json!("plain")],
        &[json!("plainer")],
    );
    // The two ends must not share characters.
    field(
        &json!([{ "wildcard": "ab*ba" }]),
        &[json!("abba")],
        &[json!("aba")],
    );
}

#[test]
fn address_blocks() {
    field(
        &json!([{ "cidr": "10.0.0.0/24" }]),
        &[json!("10.0.0.255")],
        &[json!("10.0.1.0"), json!("::1"), json!("x")],
    );
    field(
        &json!([{ "cidr": "0.0.0.0/0" }]),
        &[json!("8.8.8.8")],
        &[json!("::1")],
    );
    field(
        &json!([{ "cidr": "2001:db8::/32" }]),
        &[json!("2001:db8::1")],
        &[json!("2001:db9::1")],
    );
}

#[test]
fn alternatives_stand_beside_other_conditions() {
    let pattern = json!({ "source": ["s"], "$or": [{ "a": [1] }, { "b": { "c": ["x"] } }] });
    assert!(matches(&pattern, &json!({ "source": "s", "a": 1 })));
    assert!(matches(
        &pattern,
        &json!({ "source": "s", "b": { "c": "x" } })
    ));
    assert!(!matches(&pattern, &json!({ "source": "s" })));
    assert!(!matches(&pattern, &json!({ "a": 1 })));
}

#[test]
fn the_filters_of_the_streams() {
    let inserted = Pattern::parse_text(
        r#"{"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "EVENT#"}]}}}}"#,
    )
    .unwrap();
    let record = |name: &str, sk: &str| json!({ "eventName": name, "dynamodb": { "Keys": { "pk": { "S": "USER#1" }, "sk": { "S": sk } } } });
    assert!(inserted.matches(&record("INSERT", "EVENT#000000000001")));
    assert!(!inserted.matches(&record("INSERT", "USER")));
    assert!(!inserted.matches(&record("REMOVE", "EVENT#000000000001")));

    let has_event = json!({ "dynamodb": { "NewImage": { "event": { "M": { "id": { "S": [{ "exists": true }] } } } } } });
    assert!(matches(
        &has_event,
        &json!({ "dynamodb": { "NewImage": { "event": { "M": { "id": { "S": "1" } } } } } })
    ));
    assert!(!matches(
        &has_event,
        &json!({ "dynamodb": { "NewImage": { "other": { "S": "1" } } } })
    ));
    // Numbers are strings in a stream record.
    assert!(matches(
        &json!({ "dynamodb": { "NewImage": { "version": { "N": ["1"] } } } }),
        &json!({ "dynamodb": { "NewImage": { "version": { "N": "1" } } } })
    ));
}

#[test]
fn errors_name_the_path() {
    assert_eq!(error(&json!([])), "$ must be an object");
    assert_eq!(error(&json!({})), "$ must not be empty");
    assert_eq!(
        error(&json!({ "a": { "b": "x" } })),
        "$.a.b must be an object or a list"
    );
    assert_eq!(error(&json!({ "a": [] })), "$.a must not be empty");
    assert_eq!(
        error(&json!({ "a": ["x", { "begins": "y" }] })),
        "$.a[1].begins is not an operator"
    );
    assert_eq!(
        error(&json!({ "a": [{ "prefix": "x", "suffix": "y" }] })),
        "$.a[0] must have exactly one operator"
    );
    assert_eq!(
        error(&json!({ "a": [{ "exists": "yes" }] })),
        "$.a[0].exists has an operand of another type"
    );
    assert_eq!(
        error(&json!({ "a": [{ "numeric": ["~", 1] }] })),
        "$.a[0].numeric has an unknown comparison \"~\""
    );
    assert_eq!(
        error(&json!({ "a": [{ "wildcard": "a**" }] })),
        "$.a[0].wildcard must not have two asterisks in a row"
    );
    assert_eq!(
        error(&json!({ "$or": [{ "a": [1] }] })),
        "$.$or needs at least two alternatives"
    );
    assert!(Pattern::parse_text("{").is_err());
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// `*` and literals only, so that a naive matcher is obviously right.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|taken| naive(rest, &text[taken..])),
            Some((literal, rest)) => text.first() == Some(literal) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn wildcards_agree_with_a_naive_matcher(pattern in "[ab*]{0,6}", text in "[ab]{0,8}") {
            prop_assume!(!pattern.contains("**"));
            let expected = naive(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>());
            let found = matches(&json!({ "a": [{ "wildcard": pattern }] }), &json!({ "a": text }));
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn anything_but_is_the_opposite_of_exact(excluded in "[a-c]{0,2}", text in "[a-c]{0,2}") {
            let event = json!({ "a": text });
            let exact = matches(&json!({ "a": [excluded] }), &event);
            let but = matches(&json!({ "a": [{ "anything-but": excluded }] }), &event);
            prop_assert_ne!(exact, but);
        }
    }
}
