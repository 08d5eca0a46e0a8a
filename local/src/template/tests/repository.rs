use serde_json::json;

use super::*;

/// The template that deploys.
fn roster(overrides: &Overrides) -> Result<Model, TemplateError> {
    Template::parse(include_str!("../../../../template.yaml"))?.resolve(overrides)
}

#[test]
fn the_template_of_this_repository_is_understood() {
    let model = roster(&Overrides::new()).unwrap();
    let create = &model.functions["CreateUser"];
    assert_eq!(create.binary(), "create-user");
    assert_eq!(create.memory_size, 1769);
    assert_eq!(create.environment.variables["USERS_TABLE"], "UsersTable");
    assert_eq!(create.environment.variables["BUS"], "local");
    assert_eq!(create.environment.variables["MINIMUM_PASSWORD_LENGTH"], "8");
    assert_eq!(create.logging_config.log_format.as_deref(), Some("JSON"));
    let level = create.logging_config.application_log_level.as_deref();
    assert_eq!(level, Some("INFO"));
    assert!(
        create
            .statements
            .iter()
            .any(|s| s["Resource"] == model.tables["UsersTable"].arn)
    );

    let welcome = model
        .rules
        .iter()
        .find(|r| r.function == "OnUserCreated")
        .unwrap();
    assert_eq!(welcome.bus, "local");
    let dead_letters = welcome.dead_letter_config.as_ref().unwrap();
    assert_eq!(dead_letters.queue, "OnUserCreatedFailures");
    let sent = model
        .rules
        .iter()
        .find(|r| r.function == "RecordMail")
        .unwrap();
    assert_eq!(sent.bus, "default");
    assert_eq!(
        model.configuration_sets["MailConfiguration"].event_kinds,
        ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT"]
    );

    let users = model
        .streams
        .iter()
        .find(|s| s.table == "UsersTable")
        .unwrap();
    // By age, not by tries.
    assert_eq!(
        (users.batch_size, users.maximum_retry_attempts),
        (100, None)
    );
    assert_eq!(users.maximum_record_age_in_seconds, Some(21_600));
    let event = json!({"eventName": "INSERT", "dynamodb": {"Keys": {"sk": {"S": "EVENT#1"}}}});
    assert!(users.filter_criteria.filters[0].pattern.matches(&event));
    assert!(
        !users.filter_criteria.filters[0]
            .pattern
            .matches(&json!({"eventName": "INSERT"}))
    );
    let failures = &users.destination_config.as_ref().unwrap().on_failure;
    assert_eq!(failures.destination, "PublishEventsFailures");

    assert!(
        model
            .routes
            .iter()
            .any(|r| r.path.is_none() && r.function == "DescribeApi")
    );
}

/// What a domain of one's own adds runs on AWS alone, and changes nothing here.
#[test]
fn a_domain_of_ones_own_is_passed_over() {
    let parameters = [
        ("DomainName", "users.example.com"),
        (
            "CertificateArn",
            "arn:aws:acm:us-east-1:000000000000:certificate/1",
        ),
        ("HostedZoneId", "Z1"),
    ];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let with_domain = roster(&Overrides::from(parameters)).unwrap();
    let without = roster(&Overrides::new()).unwrap();
    assert_eq!(format!("{with_domain:#?}"), format!("{without:#?}"));
}

#[test]
fn the_rules_of_its_parameters_hold() {
    let given = |name: &str, value: &str| Overrides::from([(name.to_owned(), value.to_owned())]);
    let model = roster(&given("AppUrl", "http://127.0.0.1:3001")).unwrap();
    assert_eq!(
        model.functions["OnUserCreated"].environment.variables["APP_URL"],
        "http://127.0.0.1:3001"
    );

    assert!(roster(&given("AppUrl", "http://127.0.0.1/#x")).is_err());
    assert!(roster(&given("SignUpPolicy", "closed")).is_err());
    assert!(roster(&given("MinimumPasswordLength", "7")).is_err());
    assert!(roster(&given("Nonsense", "x")).is_err());
}
