use proptest::prelude::*;

use super::*;

fn comparisons() -> impl Strategy<Value = Comparison> {
    prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
    ])
}

fn predicates(
    texts: impl Strategy<Value = String> + 'static,
    micros: std::ops::Range<i64>,
) -> impl Strategy<Value = Predicate> {
    let text_attribute = prop::sample::select(vec![
        TextAttribute::Email,
        TextAttribute::Name,
        TextAttribute::Roles,
    ]);
    let flag = prop::sample::select(vec![FlagAttribute::Active, FlagAttribute::EmailVerified]);
    let time = prop::sample::select(vec![TimeAttribute::CreatedAt, TimeAttribute::UpdatedAt]);
    let test = prop_oneof![
        Just(TextTest::Contains),
        Just(TextTest::StartsWith),
        Just(TextTest::EndsWith),
        comparisons().prop_map(TextTest::Compares),
    ];
    let present = prop_oneof![
        text_attribute.clone().prop_map(Attribute::Text),
        flag.clone().prop_map(Attribute::Flag),
        time.clone().prop_map(Attribute::Time),
    ];
    prop_oneof![
        4 => (text_attribute, test, texts)
            .prop_map(|(attribute, test, text)| Predicate::text(attribute, test, &text)),
        2 => (flag, any::<bool>()).prop_map(|(flag, value)| Predicate::Flag(flag, value)),
        2 => (time, comparisons(), micros).prop_map(|(time, comparison, micros)| {
            Predicate::Time(time, comparison, Timestamp::from_micros(micros))
        }),
        1 => present.prop_map(Predicate::Present),
    ]
}

/// Specifications over these texts and times.
pub(crate) fn specifications(
    texts: impl Strategy<Value = String> + 'static,
    micros: std::ops::Range<i64>,
) -> impl Strategy<Value = Specification> {
    let leaf = predicates(texts, micros).prop_map(Specification::Is);
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Specification::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Specification::Any),
            inner.prop_map(Specification::not),
        ]
    })
}

fn parse(raw: &str) -> Result<Specification, String> {
    raw.parse::<Specification>()
        .map_err(|violation| violation.message)
}

fn text(attribute: TextAttribute, test: TextTest, value: &str) -> Specification {
    Specification::Is(Predicate::Text(attribute, test, Folded::new(value)))
}

#[test]
fn and_binds_tighter_than_or_and_not_tightest() {
    let active = Specification::Is(Predicate::Flag(FlagAttribute::Active, true));
    let admin = text(
        TextAttribute::Roles,
        TextTest::Compares(Comparison::Equal),
        "admin",
    );
    let ann = text(TextAttribute::Name, TextTest::StartsWith, "ann");
    assert_eq!(
        parse(r#"active eq true or roles eq "admin" and name sw "Ann""#),
        Ok(active.clone().or(admin.clone().and(ann.clone())))
    );
    assert_eq!(
        parse(r#"(active eq true or roles eq "admin") and not (name sw "ANN")"#),
        Ok(active.or(admin).and(ann.not()))
    );
}

#[test]
fn names_and_operators_have_no_letter_case_and_several_names() {
    for (one, other) in [
        (r#"userName Eq "a@b.example""#, r#"email eq "A@B.example""#),
        (r#"DISPLAYNAME co "x""#, r#"name co "X""#),
        ("active NE false", "active eq true"),
        ("meta.created pr", "createdAt pr"),
        (
            r#"meta.lastModified gt "2026-01-01T01:00:00+01:00""#,
            r#"updatedAt gt "2026-01-01T00:00:00Z""#,
        ),
        (r#"name eq "\u0061\"""#, r#"name eq"a\"""#),
    ] {
        assert_eq!(parse(one), parse(other), "{one}");
        assert!(parse(one).is_ok(), "{one}");
    }
}

#[test]
fn the_value_for_an_address_is_brought_to_the_form_stored() {
    for (typed, stored) in [
        (
            r#"email eq "Ann@BÜCHER.example""#,
            r#"email eq "ann@xn--bcher-kva.example""#,
        ),
        (r#"email co "bücher""#, r#"email co "xn--bcher-kva""#),
        (
            r#"email ew "bücher.example""#,
            r#"email ew "xn--bcher-kva.example""#,
        ),
        (
            r#"email sw "ann@bücher""#,
            r#"email sw "ann@xn--bcher-kva""#,
        ),
        (
            r#"userName gt "a@bücher.example""#,
            r#"email gt "a@xn--bcher-kva.example""#,
        ),
    ] {
        assert_eq!(parse(typed), parse(stored), "{typed}");
    }
    // What stands before the `@`, and names, are stored as they are typed.
    for typed in [r#"email sw "josé""#, r#"name co "bücher""#] {
        let specification = parse(typed).unwrap();
        assert_eq!(specification.to_string(), typed);
    }
}

#[test]
fn errors_say_where_and_what() {
    for (filter, message) in [
        ("", "at character 1: expected an attribute, not, or ("),
        ("active", "at character 7: expected one of eq, ne, pr"),
        (
            "active gt true",
            "at character 8: expected one of eq, ne, pr",
        ),
        ("active eq True", "at character 11: expected true or false"),
        (
            "active eq \"true\"",
            "at character 11: expected true or false",
        ),
        (
            "näme eq \"x\"",
            "at character 1: expected one of email, name, roles, active, emailVerified, createdAt, updatedAt",
        ),
        ("name eq x", "at character 9: expected a text in quotes"),
        (
            "name eq \"é\" x",
            "at character 13: expected and, or, or the end",
        ),
        ("name eq \"x", "at character 9: expected a JSON string"),
        (
            "createdAt co \"2026\"",
            "at character 11: expected one of eq, ne, gt, ge, lt, le, pr",
        ),
        (
            "createdAt gt \"monday\"",
            "at character 14: expected an RFC 3339 time in quotes",
        ),
        ("not active pr", "at character 5: expected ( after not"),
        ("(active pr", "at character 11: expected and, or, or )"),
        (
            "active pr)",
            "at character 10: expected and, or, or the end",
        ),
        (
            "active pr and",
            "at character 14: expected an attribute, not, or (",
        ),
    ] {
        assert_eq!(parse(filter), Err(message.to_owned()), "{filter}");
    }
}

#[test]
fn depth_length_and_predicates_are_bounded() {
    let nested = |depth| format!("{}active pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(
        parse(&nested(MAX_DEPTH + 1)),
        Err("at character 17: expected at most 16 parentheses".to_owned())
    );
    // Siblings are not nested.
    assert!(parse(&vec!["(active pr)"; MAX_DEPTH + 1].join(" and ")).is_ok());
    assert!(parse(&vec!["active pr"; MAX_PREDICATES].join(" and ")).is_ok());
    assert!(parse(&vec!["active pr"; MAX_PREDICATES + 1].join(" and ")).is_err());
    let long = |length: usize| format!("name eq \"{}\"", "é".repeat(length - 10));
    assert!(parse(&long(MAX_CHARS)).is_ok());
    assert!(parse(&long(MAX_CHARS + 1)).is_err());
}

#[test]
fn roles_are_tested_one_by_one() {
    let roles: domain::Roles = ["admin", "support"]
        .iter()
        .map(|role| role.parse().unwrap())
        .collect();
    let holds = |test: TextTest, value| test.holds_for_roles(roles.iter(), value);
    assert!(holds(TextTest::Compares(Comparison::Equal), "support"));
    assert!(holds(TextTest::StartsWith, "adm"));
    assert!(!holds(TextTest::Compares(Comparison::NotEqual), "admin"));
    assert!(holds(TextTest::Compares(Comparison::NotEqual), "other"));
}

proptest! {
    #[test]
    fn a_specification_is_read_back_from_its_text(
        specification in specifications("\\PC{0,4}", 0..253_402_207_200_000_000)
    ) {
        let text = specification.to_string();
        prop_assume!(text.chars().count() <= MAX_CHARS);
        prop_assert_eq!(parse(&text), Ok(specification));
    }

    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = parse(&text);
    }

    #[test]
    fn no_likely_text_panics(
        words in prop::collection::vec(prop::sample::select(vec![
            "(", ")", "not", "and", "or", "name", "active", "createdAt", "eq", "co", "pr", "true",
            "\"é\"", "\"", "\\", "\"2026-01-01T00:00:00Z\"", "é", "null", "7",
        ]), 0..20),
        spaced in any::<bool>(),
    ) {
        let _ = parse(&words.join(if spaced { " " } else { "" }));
    }
}
