use serde_json::json;

use super::*;

/// Values for the parameters that have no default.
pub(super) fn required() -> Overrides {
    let values = [
        ("MailFrom", "roster@example.com"),
        ("AppUrl", "https://example.com"),
    ];
    values
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// The template that deploys.
fn roster(overrides: &Overrides) -> Result<Model, TemplateError> {
    let mut parameters = required();
    parameters.extend(overrides.clone());
    Template::parse(include_str!("../../../../template.yaml"))?.resolve(&parameters)
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

/// Who only answers the questions of a deployment gets no stack whose mails nobody gets.
#[test]
fn a_sender_and_an_application_have_no_default() {
    for missing in ["MailFrom", "AppUrl"] {
        let mut parameters = required();
        parameters.remove(missing);
        let template = Template::parse(include_str!("../../../../template.yaml"));
        let problem = template.unwrap().resolve(&parameters).unwrap_err();
        let expected = format!("Parameters.{missing}: has no default");
        assert!(problem.to_string().starts_with(&expected), "{problem}");
    }
}

/// A text that SAM's command line cut off, a list of origins and a name of a domain that are none.
#[test]
fn values_that_would_fail_later_are_refused_at_once() {
    for (name, value) in [
        ("IdentityProviders", "[{"),
        ("AllowedOrigins", "https://app.example.com/"),
        ("AllowedOrigins", "*"),
        (
            "AllowedOrigins",
            "https://a.example.com, https://b.example.com",
        ),
        ("MailFrom", "Roster <roster@example.com>"),
        ("LogRetentionDays", "45"),
        ("TrustedProxies", "a-secret-and-no-digest"),
        ("Deployment", "Canary"),
    ] {
        let given = Overrides::from([(name.to_owned(), value.to_owned())]);
        let problem = roster(&given).unwrap_err().to_string();
        assert!(
            problem.starts_with(&format!("Parameters.{name}: ")),
            "{problem}"
        );
    }
}

#[test]
fn pages_of_no_origin_may_call_unless_the_deployment_names_one() {
    let origins = |overrides: &Overrides| roster(overrides).unwrap().cors.unwrap().allow_origins;
    assert_eq!(origins(&Overrides::new()), ["https://origin.invalid"]);
    let value = "https://app.example.com,http://localhost:5173";
    let given = Overrides::from([("AllowedOrigins".to_owned(), value.to_owned())]);
    assert_eq!(
        origins(&given),
        ["https://app.example.com", "http://localhost:5173"]
    );
}

/// What only a deployment has changes nothing here.
#[test]
fn parameters_of_operation_are_passed_over() {
    let parameters = [
        ("AlarmEmail", "ann@example.com"),
        ("AlarmTopic", "arn:aws:sns:us-east-1:000000000000:alarms"),
        ("Deployment", "Canary10Percent5Minutes"),
        ("HashingConcurrency", "5"),
        (
            "PermissionsBoundary",
            "arn:aws:iam::000000000000:policy/bound",
        ),
        ("PlatformLogLevel", "WARN"),
        ("Tracing", "Active"),
    ];
    let without = roster(&Overrides::new()).unwrap();
    for (name, value) in parameters {
        let with = roster(&Overrides::from([(name.to_owned(), value.to_owned())])).unwrap();
        assert_eq!(format!("{with:#?}"), format!("{without:#?}"), "{name}");
    }
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
