use domain::{Email, Name, Role, Roles};
use serde_json::json;

use super::*;

crate::body! {
    struct Person {
        email: Email = text("email"),
        name: Name = text("name"),
        active: Option<bool> = optional("active", JsonObject::flag),
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Cat,
    Dog,
}

impl FromStr for Kind {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        match raw {
            "cat" => Ok(Self::Cat),
            "dog" => Ok(Self::Dog),
            _ => Err(Violation::new("unknown-kind", "is not one of cat, dog")),
        }
    }
}

fn read<T>(
    body: Value,
    read: impl FnOnce(&mut JsonObject) -> Option<T>,
) -> Result<T, Vec<(String, &'static str)>> {
    let Value::Object(fields) = body else {
        unreachable!("tests pass objects")
    };
    JsonObject::read(fields, read).map_err(|errors| {
        let errors = errors.into_iter();
        errors.map(|error| (error.pointer, error.code)).collect()
    })
}

#[test]
fn every_wrong_field_is_reported_at_once() {
    let right = json!({"email": "ann@example.com", "name": "Ann", "active": true});
    let person = read(right, Person::read).unwrap();
    assert_eq!(
        (person.email.as_str(), person.name.as_str(), person.active),
        ("ann@example.com", "Ann", Some(true))
    );
    let wrong = json!({"email": 7, "active": null, "a/b": 1, "roles": ["admin"]});
    assert_eq!(
        read(wrong, Person::read).err().unwrap(),
        [
            ("/email".to_owned(), "wrong-type"),
            ("/name".to_owned(), "required"),
            ("/active".to_owned(), "wrong-type"),
            ("/a~1b".to_owned(), "unknown-field"),
            ("/roles".to_owned(), "unknown-field"),
        ]
    );
}

#[test]
fn every_wrong_element_is_reported_at_its_place() {
    let parse = |roles: Value| -> Result<Roles, _> {
        read(json!({"roles": roles}), |object| {
            object.set::<Role>("roles", 2)
        })
    };
    let roles = parse(json!(["a", "b", "a"])).unwrap();
    assert_eq!(roles.len(), 2, "repetitions count once");
    assert_eq!(parse(json!([])), Ok(Roles::new()));
    assert_eq!(
        parse(json!("a")).unwrap_err(),
        [("/roles".to_owned(), "wrong-type")]
    );
    assert_eq!(
        parse(json!(["a", "B", 7])).unwrap_err(),
        [
            ("/roles/1".to_owned(), "invalid-role"),
            ("/roles/2".to_owned(), "wrong-type")
        ]
    );
    assert_eq!(
        parse(json!(["a", "b", "c"])).unwrap_err(),
        [("/roles".to_owned(), "too-many")]
    );
}

#[test]
fn a_wrong_tag_is_all_that_is_reported() {
    let parse = |body| {
        read(body, |object| {
            let kind = object.tag::<Kind>("kind")?;
            Some((kind, object.text::<String>("name")?))
        })
    };
    assert_eq!(
        parse(json!({"name": "Tom"})),
        Ok((Kind::Cat, "Tom".to_owned()))
    );
    assert_eq!(
        parse(json!({"kind": "dog", "name": "Rex"})),
        Ok((Kind::Dog, "Rex".to_owned()))
    );
    assert_eq!(
        parse(json!({"kind": "cow", "horns": 2})),
        Err(vec![("/kind".to_owned(), "unknown-kind")])
    );
}

fn content(body: &[u8]) -> Result<(), Error> {
    let content = Content {
        body,
        kind: "application/json",
        coding: "",
    };
    let read = |_: &mut JsonObject| Some(());
    read_json(&content, &["application/json"], read)
}

#[test]
fn a_body_has_64_kilobytes_at_most() {
    let body = |length| format!("{{{}}}", " ".repeat(length - 2));
    assert_eq!(MAX_BODY, 65_536);
    assert!(content(body(MAX_BODY).as_bytes()).is_ok());
    assert!(matches!(
        content(body(MAX_BODY + 1).as_bytes()),
        Err(Error::Transport(TransportError::TooLarge))
    ));
}

#[test]
fn what_is_no_object_is_told_with_its_place() {
    for (body, expected) in [
        ("[]", "the body is not a JSON object"),
        ("{", "the body is not JSON: line 1, column 1"),
        (
            "{\n\"a\": 1, \"a\": 2}",
            "the body has a name twice in one object: line 2, column 11",
        ),
    ] {
        let Err(Error::Transport(TransportError::Malformed(told))) = content(body.as_bytes())
        else {
            panic!("{body} is taken");
        };
        assert_eq!(told, expected);
    }
}
