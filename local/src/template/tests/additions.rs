//! What production templates usually add, each over the template of this repository.

use serde_json::{Value, json};
use yaml_serde::Value as Yaml;

use super::*;

/// What the emulator does with an addition.
enum Handling {
    /// The model is what it was.
    PassedOver,
    /// The model has this.
    Emulated(fn(&Model) -> Value, Value),
}
use Handling::{Emulated, PassedOver};

/// `own` with `added`: mappings are merged, of anything else the added wins.
fn add(own: &mut Yaml, added: Yaml) {
    match (own, added) {
        (Yaml::Mapping(own), Yaml::Mapping(added)) => {
            for (key, value) in added {
                match own.get_mut(&key) {
                    Some(inherited) => add(inherited, value),
                    None => drop(own.insert(key, value)),
                }
            }
        }
        (own, added) => *own = added,
    }
}

fn with(added: &str) -> Result<Model, TemplateError> {
    let template = include_str!("../../../../template.yaml");
    let mut template: Yaml = yaml_serde::from_str(template).unwrap();
    let added = yaml_serde::from_str(added).unwrap_or_else(|e| panic!("{added}: {e}"));
    add(&mut template, added);
    Template::from_yaml(&template)?.resolve(&super::repository::required())
}

fn shown(model: &Model) -> String {
    format!("{model:#?}")
}

/// A property of the function `CreateUser`.
fn function(property: &str) -> String {
    format!("Resources: {{CreateUser: {{Properties: {{{property}}}}}}}")
}

/// A property of the event source `Users` of `PublishEvents`.
fn stream(property: &str) -> String {
    format!(
        "Resources: {{PublishEvents: {{Properties: {{Events: {{Users: {{Properties: {{{property}}}}}}}}}}}}}"
    )
}

fn api(property: &str) -> String {
    format!("Resources: {{Api: {{Properties: {{{property}}}}}}}")
}

fn resource(kind: &str, properties: &str) -> String {
    format!("Resources: {{Added: {{Type: {kind}, Properties: {{{properties}}}}}}}")
}

fn variable(value: &str) -> String {
    function(&format!("Environment: {{Variables: {{ADDED: {value}}}}}"))
}

fn added(model: &Model) -> Value {
    json!(
        model.functions["CreateUser"]
            .environment
            .variables
            .get("ADDED")
    )
}

fn queue(model: &Model) -> Value {
    json!(model.queues.get("Added").map(|queue| &queue.name))
}

fn origins(model: &Model) -> Value {
    json!(model.cors.as_ref().map(|cors| &cors.allow_origins))
}

fn record_age(model: &Model) -> Value {
    let users = model.streams.iter().find(|s| s.table == "UsersTable");
    json!(users.and_then(|users| users.maximum_record_age_in_seconds))
}

fn mail_events(model: &Model) -> Value {
    json!(model.configuration_sets["MailConfiguration"].event_kinds)
}

/// The additions of a review of this template for production.
#[expect(clippy::too_many_lines, reason = "a table")]
fn additions() -> Vec<(&'static str, String, Handling)> {
    let section = str::to_owned;
    vec![
        (
            "Metadata",
            section("Metadata: {AWS::CloudFormation::Interface: {ParameterGroups: []}}"),
            PassedOver,
        ),
        (
            "Conditions",
            format!(
                "Conditions: {{HasNoIssuer: !Equals [!Ref Issuer, '']}}\n{}",
                variable("!If [HasNoIssuer, none, one]")
            ),
            Emulated(added, json!("none")),
        ),
        (
            "Mappings",
            format!(
                "Mappings: {{Sizes: {{roster: {{width: 7}}}}}}\n{}",
                variable("!FindInMap [Sizes, !Ref Audience, width]")
            ),
            Emulated(added, json!("7")),
        ),
        (
            "Rules",
            section("Rules: {R: {Assertions: [{Assert: !Equals [!Ref Issuer, '']}]}}"),
            PassedOver,
        ),
        (
            "Globals.HttpApi",
            section("Globals: {HttpApi: {CorsConfiguration: {AllowOrigins: [https://a]}}}"),
            Emulated(origins, json!(["https://a"])),
        ),
        (
            "!If with AWS::NoValue",
            format!(
                "Conditions: {{Never: !Equals [a, b]}}\n{}",
                variable("!If [Never, x, !Ref AWS::NoValue]")
            ),
            PassedOver,
        ),
        (
            "!Join",
            variable("!Join [':', [a, !Ref Audience]]"),
            Emulated(added, json!("a:roster")),
        ),
        (
            "AutoPublishAlias",
            function("AutoPublishAlias: live"),
            PassedOver,
        ),
        (
            "AutoPublishAliasAllProperties",
            function("AutoPublishAliasAllProperties: true"),
            PassedOver,
        ),
        (
            "DeploymentPreference",
            function("DeploymentPreference: {Type: Canary10Percent5Minutes}"),
            PassedOver,
        ),
        (
            "ProvisionedConcurrencyConfig",
            function("ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 1}"),
            PassedOver,
        ),
        (
            "ReservedConcurrentExecutions",
            function("ReservedConcurrentExecutions: 5"),
            PassedOver,
        ),
        (
            "KmsKeyArn",
            section(
                "Resources: {Key: {Type: AWS::KMS::Key}, CreateUser: {Properties: {KmsKeyArn: !GetAtt Key.Arn}}}",
            ),
            PassedOver,
        ),
        (
            "Layers",
            function("Layers: [arn:aws:lambda:us-east-1:1:layer:insights:1]"),
            PassedOver,
        ),
        (
            "VpcConfig",
            function("VpcConfig: {SubnetIds: [a], SecurityGroupIds: [b]}"),
            PassedOver,
        ),
        (
            "PermissionsBoundary",
            function("PermissionsBoundary: arn:aws:iam::1:policy/b"),
            PassedOver,
        ),
        (
            "RecursiveLoop",
            function("RecursiveLoop: Allow"),
            PassedOver,
        ),
        (
            "CorsConfiguration",
            api("CorsConfiguration: {AllowOrigins: [https://a], AllowMethods: [GET], MaxAge: 5}"),
            Emulated(origins, json!(["https://a"])),
        ),
        (
            "Domain",
            api(
                "Domain: {DomainName: id.example.com, CertificateArn: 'arn:aws:acm:us-east-1:1:certificate/a'}",
            ),
            PassedOver,
        ),
        (
            "DisableExecuteApiEndpoint",
            api("DisableExecuteApiEndpoint: true"),
            PassedOver,
        ),
        ("StageName", api("StageName: live"), PassedOver),
        (
            "MaximumRecordAgeInSeconds",
            stream("MaximumRecordAgeInSeconds: 21600"),
            Emulated(record_age, json!(21600)),
        ),
        (
            "ParallelizationFactor",
            stream("ParallelizationFactor: 2"),
            PassedOver,
        ),
        (
            "MaximumBatchingWindowInSeconds",
            stream("MaximumBatchingWindowInSeconds: 1"),
            PassedOver,
        ),
        (
            "MetricsConfig",
            stream("MetricsConfig: {Metrics: [EventCount]}"),
            PassedOver,
        ),
        (
            "MaximumEventAgeInSeconds",
            function("EventInvokeConfig: {MaximumEventAgeInSeconds: 3600}"),
            PassedOver,
        ),
        (
            "RetryPolicy",
            section(
                "Resources: {OnUserCreated: {Properties: {Events: {UserCreated: {Properties: {RetryPolicy: {MaximumRetryAttempts: 5}}}}}}}",
            ),
            PassedOver,
        ),
        (
            "SNS topic",
            resource("AWS::SNS::Topic", "TopicName: alarms"),
            PassedOver,
        ),
        (
            "KMS key",
            resource("AWS::KMS::Key", "KeyPolicy: {}"),
            PassedOver,
        ),
        (
            "ApiGatewayV2 DomainName",
            resource(
                "AWS::ApiGatewayV2::DomainName",
                "DomainName: id.example.com",
            ),
            PassedOver,
        ),
        (
            "WAF",
            resource("AWS::WAFv2::WebACL", "Scope: CLOUDFRONT"),
            PassedOver,
        ),
        (
            "SSM parameter",
            resource("AWS::SSM::Parameter", "Type: String, Value: !Ref Bus"),
            PassedOver,
        ),
        (
            "Archive",
            resource("AWS::Events::Archive", "SourceArn: !GetAtt Bus.Arn"),
            PassedOver,
        ),
        (
            "SuppressionOptions",
            section(
                "Resources: {MailConfiguration: {Properties: {SuppressionOptions: {SuppressedReasons: [BOUNCE]}}}}",
            ),
            PassedOver,
        ),
        (
            "DeliveryOptions",
            section(
                "Resources: {MailConfiguration: {Properties: {DeliveryOptions: {TlsPolicy: REQUIRE}}}}",
            ),
            PassedOver,
        ),
        (
            "OnDemandThroughput",
            section(
                "Resources: {UsersTable: {Properties: {OnDemandThroughput: {MaxReadRequestUnits: 100}}}}",
            ),
            PassedOver,
        ),
        (
            "Condition of a resource, which holds",
            section(
                "{Conditions: {Yes: !Equals [a, a]}, Resources: {Added: {Type: AWS::SQS::Queue, Condition: Yes}}}",
            ),
            Emulated(queue, json!("Added")),
        ),
        (
            "Condition of a resource, which does not hold",
            section(
                "{Conditions: {No: !Equals [a, b]}, Resources: {Added: {Type: AWS::SQS::Queue, Condition: No}}}",
            ),
            PassedOver,
        ),
        // What was taken before this list was made.
        (
            "Architectures by parameter",
            format!(
                "Parameters: {{Architecture: {{Type: String, Default: arm64}}}}\n{}",
                function("Architectures: [!Ref Architecture]")
            ),
            PassedOver,
        ),
        ("Tracing", function("Tracing: Active"), PassedOver),
        ("Tags", function("Tags: {team: identity}"), PassedOver),
        (
            "RouteSettings",
            api("RouteSettings: {POST /sessions: {ThrottlingRateLimit: 10}}"),
            PassedOver,
        ),
        (
            "Dashboard",
            resource("AWS::CloudWatch::Dashboard", "DashboardBody: '{}'"),
            PassedOver,
        ),
        (
            "bounces and complaints",
            section(
                "Resources: {MailEvents: {Properties: {EventDestination: {MatchingEventTypes: [SEND, BOUNCE, COMPLAINT]}}}}",
            ),
            Emulated(mail_events, json!(["SEND", "BOUNCE", "COMPLAINT"])),
        ),
        (
            "key of a table",
            section(
                "Resources: {UsersTable: {Properties: {SSESpecification: {SSEType: KMS, KMSMasterKeyId: alias/a}}}}",
            ),
            PassedOver,
        ),
        (
            "another variable",
            variable("x"),
            Emulated(added, json!("x")),
        ),
    ]
}

#[test]
fn each_usual_addition_is_emulated_or_passed_over() {
    let before = shown(&with("{}").unwrap());
    for (name, addition, handling) in additions() {
        let model = with(&addition).unwrap_or_else(|error| panic!("{name}: {error}"));
        match handling {
            PassedOver => assert!(shown(&model) == before, "{name} changes the model"),
            Emulated(of, expected) => assert_eq!(of(&model), expected, "{name}"),
        }
    }
}

#[test]
fn a_managed_policy_gives_its_statements_to_the_functions_that_name_it() {
    let statement =
        "{Effect: Allow, Action: ['dynamodb:GetItem'], Resource: !GetAtt KeysTable.Arn}";
    let model = with(&format!(
        "
Resources:
  ReadKeys:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Description: The keys
      PolicyDocument: {{Version: '2012-10-17', Statement: [{statement}]}}
  CreateUser:
    Properties:
      Policies:
        - !Ref ReadKeys
        - {{Statement: {{Effect: Allow, Action: ['ses:SendEmail'], Resource: '*'}}}}
"
    ))
    .unwrap();
    let actions: Vec<_> = model.functions["CreateUser"]
        .statements
        .iter()
        .map(|statement| (&statement["Action"], &statement["Resource"]))
        .collect();
    assert_eq!(
        actions,
        [
            (
                &json!(["dynamodb:GetItem"]),
                &json!(model.tables["KeysTable"].arn)
            ),
            (&json!(["ses:SendEmail"]), &json!("*")),
        ]
    );
}

#[test]
fn what_is_neither_emulated_nor_passed_over_ends_the_start() {
    for (addition, expected) in [
        (
            function("SnapStart: {ApplyOn: PublishedVersions}"),
            "CreateUser.Properties.SnapStart: unknown field",
        ),
        (
            resource("AWS::S3::Bucket", ""),
            "Added: the emulator does not know the resource type AWS::S3::Bucket",
        ),
        (
            api("CorsConfiguration: {AllowOrigin: ['*']}"),
            "Api.Properties.CorsConfiguration.AllowOrigin: unknown field",
        ),
        (
            stream("TumblingWindowInSeconds: 5"),
            "PublishEvents.Properties.Events.Users.Properties.TumblingWindowInSeconds: unknown field",
        ),
    ] {
        let problem = with(&addition).unwrap_err().to_string();
        assert!(problem.starts_with(expected), "{problem}");
    }
}

#[test]
fn a_role_gives_its_statements_to_the_function_that_has_it() {
    let statement =
        "{Effect: Allow, Action: ['dynamodb:GetItem'], Resource: !GetAtt KeysTable.Arn}";
    let role = |rest: &str| {
        with(&format!(
            "
Resources:
  Reader:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {{Statement: []}}
      Policies:
        - {{PolicyName: Read, PolicyDocument: {{Statement: [{statement}]}}}}
  Another:
    Type: AWS::Serverless::Function
    Metadata: {{BuildMethod: rust-cargolambda, BuildProperties: {{Binary: another}}}}
    Properties: {{Runtime: provided.al2023, Role: !GetAtt Reader.Arn{rest}}}
"
        ))
    };
    let model = role("").unwrap();
    let statements = &model.functions["Another"].statements;
    assert_eq!(statements.len(), 1);
    assert_eq!(statements[0]["Resource"], model.tables["KeysTable"].arn);
    let both = role(", Policies: [{Statement: []}]");
    assert!(both.unwrap_err().to_string().contains("has a Role"));
}
