//! What things are called: the names and ARNs that `CloudFormation` would give, made up for one
//! account and region.

use serde_json::Value;

use super::unmodelled;

/// Name of the stack, which the template sees as `AWS::StackName`.
pub const STACK: &str = "local";
/// The made-up account.
pub const ACCOUNT: &str = "000000000000";
/// The one region.
pub const REGION: &str = "us-east-1";
pub(super) const PARTITION: &str = "aws";
pub(super) const URL_SUFFIX: &str = "amazonaws.com";

/// Value of a pseudo parameter.
pub(super) fn pseudo_parameter(name: &str) -> Option<String> {
    Some(match name {
        "AWS::AccountId" => ACCOUNT.to_owned(),
        "AWS::Partition" => PARTITION.to_owned(),
        "AWS::Region" => REGION.to_owned(),
        "AWS::StackId" => arn("cloudformation", &format!("stack/{STACK}/local")),
        "AWS::StackName" => STACK.to_owned(),
        "AWS::URLSuffix" => URL_SUFFIX.to_owned(),
        _ => return None,
    })
}

/// The property with which a resource of type `kind` may choose its physical name.
pub(super) fn name_property(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "AWS::DynamoDB::Table" => "TableName",
        "AWS::Events::EventBus" | "AWS::SES::ConfigurationSet" => "Name",
        "AWS::IAM::ManagedPolicy" => "ManagedPolicyName",
        "AWS::IAM::Role" => "RoleName",
        "AWS::Logs::LogGroup" => "LogGroupName",
        "AWS::SNS::Topic" => "TopicName",
        "AWS::SQS::Queue" => "QueueName",
        "AWS::Serverless::Function" => "FunctionName",
        _ => return None,
    })
}

/// What `Ref` gives for a resource.
pub(super) fn reference(kind: &str, name: &str) -> String {
    match kind {
        // IAM has no regions.
        "AWS::IAM::ManagedPolicy" => format!("arn:{PARTITION}:iam::{ACCOUNT}:policy/{name}"),
        "AWS::SNS::Topic" => arn("sns", name),
        "AWS::SQS::Queue" => format!("https://sqs.{REGION}.{URL_SUFFIX}/{ACCOUNT}/{name}"),
        _ => name.to_owned(),
    }
}

/// What `Fn::GetAtt` gives for a resource.
pub(super) fn attribute(kind: &str, name: &str, attribute: &str) -> Option<String> {
    Some(match (kind, attribute) {
        ("AWS::DynamoDB::Table", "Arn") => arn("dynamodb", &format!("table/{name}")),
        ("AWS::DynamoDB::Table", "StreamArn") => arn(
            "dynamodb",
            // AWS labels a stream with the time at which it was switched on.
            &format!("table/{name}/stream/2000-01-01T00:00:00.000"),
        ),
        ("AWS::Events::EventBus", "Arn") => bus_arn(name),
        ("AWS::Events::EventBus", "Name") | ("AWS::SQS::Queue", "QueueName") => name.to_owned(),
        ("AWS::IAM::ManagedPolicy", "PolicyArn") | ("AWS::SNS::Topic", "TopicArn") => {
            reference(kind, name)
        }
        ("AWS::IAM::Role", "Arn") => format!("arn:{PARTITION}:iam::{ACCOUNT}:role/{name}"),
        ("AWS::Logs::LogGroup", "Arn") => arn("logs", &format!("log-group:{name}:*")),
        ("AWS::SQS::Queue", "Arn") => arn("sqs", name),
        ("AWS::SQS::Queue", "QueueUrl") => reference(kind, name),
        ("AWS::Serverless::Function", "Arn") => arn("lambda", &format!("function:{name}")),
        // What runs nothing here is named by what runs nothing either, or for people.
        _ if unmodelled::TYPES.contains(&kind) => format!("{name}.{attribute}"),
        _ => return None,
    })
}

/// A scalar as a text.
pub(super) fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// ARN of the bus `name`.
pub(super) fn bus_arn(name: &str) -> String {
    arn("events", &format!("event-bus/{name}"))
}

/// The ARN of `resource` of `service` in the made-up account.
pub fn arn(service: &str, resource: &str) -> String {
    format!("arn:{PARTITION}:{service}:{REGION}:{ACCOUNT}:{resource}")
}

/// Everything by which a resource of type `kind` with this name is referred to.
pub(super) fn all(kind: &str, name: String) -> impl Iterator<Item = String> {
    let others = [
        Some(reference(kind, &name)),
        attribute(kind, &name, "Arn"),
        attribute(kind, &name, "StreamArn"),
    ];
    others.into_iter().flatten().chain([name])
}
