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
    Pattern::parse(pattern).unwrap_err()
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
fn prefixes() {
    field(
        &json!([{ "prefix": "us-" }]),
        &[json!("us-east-1")],
        &[json!("eu-us-"), json!("US-"), json!(5)],
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
fn the_filters_of_the_streams() {
    let inserted = Pattern::parse(&json!({
        "eventName": ["INSERT"], "dynamodb": { "Keys": { "sk": { "S": [{ "prefix": "EVENT#" }] } } },
    }))
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
        "$.a[1].begins is not an operator known here"
    );
    assert_eq!(
        error(&json!({ "a": [{ "prefix": "x", "suffix": "y" }] })),
        "$.a[0] must have exactly one operator"
    );
    assert_eq!(
        error(&json!({ "a": [{ "exists": "yes" }] })),
        "$.a[0].exists has an operand not known here"
    );
}

#[test]
fn what_eventbridge_knows_and_this_does_not_is_an_error() {
    for (pattern, expected) in [
        (
            json!({ "$or": [{ "a": [1] }, { "b": [1] }] }),
            "$.$or is not an operator known here",
        ),
        (
            json!({ "a": [{ "prefix": { "equals-ignore-case": "x" } }] }),
            "$.a[0].prefix has an operand not known here",
        ),
        (
            json!({ "a": [{ "suffix": "x" }] }),
            "$.a[0].suffix is not an operator known here",
        ),
        (
            json!({ "a": [{ "numeric": [">", 0] }] }),
            "$.a[0].numeric is not an operator known here",
        ),
    ] {
        assert_eq!(error(&pattern), expected);
    }
}
