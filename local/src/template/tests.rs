mod additions;
mod repository;

use super::*;

const HEAD: &str = "Transform: AWS::Serverless-2016-10-31\n";

fn resolve(text: &str) -> Result<Model, TemplateError> {
    Template::parse(&format!("{HEAD}{text}"))?.resolve(&Overrides::new())
}

fn problem(text: &str) -> String {
    resolve(text).unwrap_err().to_string()
}

/// A template with one function that has these properties.
fn function(properties: &str) -> String {
    format!(
        "
Resources:
  Api: {{Type: AWS::Serverless::HttpApi}}
  Queue: {{Type: AWS::SQS::Queue}}
  Table:
    Type: AWS::DynamoDB::Table
    Properties: {{AttributeDefinitions: [], KeySchema: []}}
  F:
    Type: AWS::Serverless::Function
    Metadata: {{BuildMethod: rust-cargolambda, BuildProperties: {{Binary: f}}}}
    Properties: {{Runtime: provided.al2023, {properties}}}
"
    )
}

/// The variable `X` of a function, set to `value`.
fn variable(value: &str) -> Result<String, TemplateError> {
    let text = format!(
        "
Parameters:
  Colour: {{Type: String, Default: red}}
  Number: {{Type: Number, Default: 8}}
  Many: {{Type: CommaDelimitedList, Default: 'x, y'}}
Conditions:
  IsRed: !Equals [!Ref Colour, red]
  IsBlue: {{'Fn::Equals': [!Ref Colour, blue]}}
  IsNotBlue: !Not [{{Condition: IsBlue}}]
  IsSmall: !Equals [!Ref Number, 7]
  IsRedAndSmall: !And [!Condition IsRed, !Condition IsSmall]
  IsRedOrSmall: !Or [!Condition IsRed, !Condition IsSmall]
Mappings:
  Sizes: {{red: {{width: 7}}}}
{}
  Absent: {{Type: AWS::SQS::Queue, Condition: IsBlue}}
  Topic: {{Type: AWS::SNS::Topic}}
  Key: {{Type: AWS::KMS::Key}}
  Shared: {{Type: AWS::IAM::ManagedPolicy, Properties: {{PolicyDocument: {{Statement: []}}}}}}
",
        function(&format!("Environment: {{Variables: {{X: {value}}}}}"))
    );
    Ok(resolve(&text)?.functions["F"].environment.variables["X"].clone())
}

#[test]
fn every_known_intrinsic_is_resolved() {
    for (written, meant) in [
        ("plain", "plain"),
        ("12", "12"),
        ("true", "true"),
        ("!Ref Colour", "red"),
        ("!Ref Number", "8"),
        ("!Ref Table", "Table"),
        (
            "!Ref Queue",
            "https://sqs.us-east-1.amazonaws.com/000000000000/Queue",
        ),
        ("!Ref AWS::Region", "us-east-1"),
        ("!Ref AWS::Partition", "aws"),
        ("!Ref AWS::AccountId", "000000000000"),
        ("!Ref AWS::StackName", "local"),
        ("!Ref AWS::URLSuffix", "amazonaws.com"),
        (
            "!GetAtt Queue.Arn",
            "arn:aws:sqs:us-east-1:000000000000:Queue",
        ),
        (
            "!GetAtt [Table, Arn]",
            "arn:aws:dynamodb:us-east-1:000000000000:table/Table",
        ),
        (
            "!GetAtt F.Arn",
            "arn:aws:lambda:us-east-1:000000000000:function:F",
        ),
        (
            "!Sub '${Colour}-${Table.Arn}-${!Raw}'",
            "red-arn:aws:dynamodb:us-east-1:000000000000:table/Table-${Raw}",
        ),
        ("{Ref: Colour}", "red"),
        ("{'Fn::GetAtt': [Queue, QueueName]}", "Queue"),
        ("{'Fn::Sub': '${Number}'}", "8"),
        ("!If [IsRed, !Ref Colour, !Ref Absent]", "red"),
        ("!If [IsBlue, !Ref Absent, other]", "other"),
        ("!If [IsRedAndSmall, yes, no]", "no"),
        ("!If [IsRedOrSmall, yes, no]", "yes"),
        ("{'Fn::If': [IsNotBlue, yes, no]}", "yes"),
        (
            "!Join ['-', [a, !Ref Number, !Ref AWS::NoValue, !Ref Colour]]",
            "a-8-red",
        ),
        ("!Join ['+', !Ref Many]", "x+y"),
        ("!Join ['+', !Split [', ', 'a, b']]", "a+b"),
        ("!FindInMap [Sizes, !Ref Colour, width]", "7"),
        ("!Ref Topic", "arn:aws:sns:us-east-1:000000000000:Topic"),
        ("!Ref Shared", "arn:aws:iam::000000000000:policy/Shared"),
        ("!GetAtt Key.Arn", "Key.Arn"),
    ] {
        assert_eq!(variable(written).as_deref(), Ok(meant), "{written}");
    }
}

#[test]
fn what_an_intrinsic_cannot_resolve_is_named() {
    let place = "F.Properties.Environment.Variables.X";
    for (written, what) in [
        (
            "!Ref Nobody",
            "the template has no parameter and no resource Nobody",
        ),
        (
            "!GetAtt Nobody.Arn",
            "the template has no parameter and no resource Nobody",
        ),
        (
            "!GetAtt Queue.Colour",
            "the emulator does not know the attribute Colour of Queue (AWS::SQS::Queue)",
        ),
        ("!Sub '${Colour'", "`${Colour`: a } is missing"),
        (
            "!ImportValue x",
            "the emulator does not know the intrinsic function ImportValue",
        ),
        (
            "!If [Nowhere, b, c]",
            "the template has no condition Nowhere",
        ),
        ("!Join [a]", "cannot read the argument of Join"),
        (
            "!Ref Absent",
            "Absent is not there: the condition IsBlue does not hold",
        ),
        (
            "!FindInMap [Sizes, red, deep]",
            "Mappings has no deep there",
        ),
        ("[a]", "must be a text"),
    ] {
        assert_eq!(
            variable(written).unwrap_err().to_string(),
            format!("{place}: {what}"),
            "{written}"
        );
    }
}

#[test]
fn a_name_that_depends_on_itself_is_an_error() {
    let text = "
Resources:
  A: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt B.QueueName}}
  B: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt A.QueueName}}
";
    assert_eq!(
        problem(text),
        "B.Properties.QueueName: the name of A depends on itself"
    );
}

#[test]
fn a_condition_that_depends_on_itself_is_an_error() {
    let text = "
Conditions:
  A: !Not [!Condition B]
  B: !Not [!Condition A]
";
    assert_eq!(
        problem(text),
        "Conditions.B: the condition A depends on itself"
    );
}

#[test]
fn unknown_constructs_are_named() {
    for (text, expected) in [
        (
            "Hooks: {}".to_owned(),
            "Hooks: unknown field `Hooks`, expected one of",
        ),
        (
            "Resources: {B: {Type: AWS::S3::Bucket}}".to_owned(),
            "B: the emulator does not know the resource type AWS::S3::Bucket",
        ),
        (
            "Resources: {Q: {Type: AWS::SQS::Queue, CreationPolicy: {}}}".to_owned(),
            "Resources.Q.CreationPolicy: unknown field `CreationPolicy`, expected one of",
        ),
        (
            "Globals: {Api: {}}".to_owned(),
            "Globals.Api: unknown field `Api`, expected `Function` or `HttpApi`",
        ),
        (
            function("Events: {E: {Type: S3, Properties: {}}}"),
            "F.Properties.Events.E: the emulator does not know the event type S3",
        ),
        (
            function("Runtime2: x"),
            "F.Properties.Runtime2: unknown field `Runtime2`, expected one of",
        ),
        (
            function("Events: {E: {Type: HttpApi, Properties: {ApiId: !Ref Api, Auth: {}}}}"),
            "F.Properties.Events.E.Properties.Auth: unknown field `Auth`, expected one of",
        ),
        (
            function("Policies: [AdministratorAccess]"),
            "F.Properties.Policies[0]: `AdministratorAccess` is no AWS::IAM::ManagedPolicy of this template",
        ),
        (
            function(
                "Events: {E: {Type: DynamoDB, Properties: {Stream: !Ref Queue, StartingPosition: TRIM_HORIZON}}}",
            ),
            "F.Properties.Events.E.Properties.Stream: `https://sqs.us-east-1.amazonaws.com/000000000000/Queue` is no AWS::DynamoDB::Table of this template",
        ),
        (
            function("Events: {E: {Type: Schedule, Properties: {Schedule: daily}}}"),
            "F.Properties.Events.E.Properties.Schedule: `daily` is not rate(1 minute), rate(5 hours) or the like",
        ),
    ] {
        let problem = problem(&text);
        assert!(
            problem.starts_with(expected),
            "{problem}\nis not\n{expected}"
        );
    }
}

#[test]
fn every_error_is_one_line() {
    for text in [
        "Resources: [",
        "Resources: {Q: 1}",
        "Parameters: {P: {Type: List}}",
    ] {
        let problem = problem(text);
        assert_eq!(problem.lines().count(), 1, "{problem}");
    }
}

#[test]
fn globals_are_merged_and_the_functions_own_wins() {
    let text = format!(
        "
Globals:
  Function:
    Timeout: 10
    MemorySize: 256
    Environment: {{Variables: {{A: global, B: global}}}}
{}",
        function("MemorySize: 512, Environment: {Variables: {B: own, C: own}}")
    );
    let model = resolve(&text).unwrap();
    let f = &model.functions["F"];
    assert_eq!((f.timeout, f.memory_size), (10, 512));
    let variables: Vec<_> = f
        .environment
        .variables
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    assert_eq!(variables, ["A=global", "B=own", "C=own"]);
}
