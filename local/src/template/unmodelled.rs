//! The one list of what a template may say although it changes nothing on this machine.
//!
//! A line here is a decision: the construct would do nothing locally. What is neither here nor in
//! the model is an error at start, so that a template never means less on this machine than its
//! author thinks.

use serde_json::Value;

/// Whole resource types: they watch, keep, name or permit, and run nothing.
pub(super) const TYPES: &[&str] = &[
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Events::Archive",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::Route53::RecordSet",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SSM::Parameter",
    "AWS::WAFv2::WebACL",
    "AWS::WAFv2::WebACLAssociation",
];

/// Properties of the types in the model, `Outer.Inner` for what is within others, `*` for each.
/// Event sources are listed as `<function type>/<event type>`.
const PROPERTIES: &[(&str, &[&str])] = &[
    (
        "the template",
        &[
            "AWSTemplateFormatVersion",
            "Description",
            "Metadata", // how consoles show the parameters
            "Resources.*.DeletionPolicy",
            "Resources.*.DependsOn",
            "Resources.*.UpdateReplacePolicy",
            "Rules", // what a deployment asserts of its parameters
        ],
    ),
    (
        "AWS::Serverless::HttpApi",
        &[
            "AccessLogSettings",
            "DefaultRouteSettings", // throttling
            "Description",
            "DisableExecuteApiEndpoint", // there is no such endpoint
            "Domain",                    // the API answers at this machine's address
            "FailOnWarnings",
            "Name",
            "RouteSettings",
            "StageName", // paths are those behind a domain, without the stage
            "Tags",
        ],
    ),
    (
        "AWS::Serverless::Function",
        &[
            "Architectures",    // cargo builds for this machine
            "AutoPublishAlias", // there is one version
            "AutoPublishAliasAllProperties",
            "CodeUri",              // Metadata names the binary
            "DeploymentPreference", // and it is there at once
            "Description",
            "EventInvokeConfig.DestinationConfig.OnFailure.Type", // its ARN must be a queue's
            "EventInvokeConfig.MaximumEventAgeInSeconds",         // retries take seconds
            "Handler", // always `bootstrap` for this runtime
            "KmsKeyArn",
            "Layers",                       // extensions, which watch
            "LoggingConfig.SystemLogLevel", // of lines that the Lambda service writes
            "PermissionsBoundary",
            "ProvisionedConcurrencyConfig",
            "RecursiveLoop",
            "ReservedConcurrentExecutions", // the stack has a limit of its own
            "Tags",
            "Tracing",
            "VpcConfig",
        ],
    ),
    (
        "AWS::Serverless::Function/DynamoDB",
        &[
            "DestinationConfig.OnFailure.Type", // its ARN must be a queue's
            "MaximumBatchingWindowInSeconds",   // a batch is delivered at once
            "MetricsConfig",
            "ParallelizationFactor", // the order is kept, one batch at a time
        ],
    ),
    ("AWS::Serverless::Function/HttpApi", &["RouteSettings"]),
    (
        "AWS::Serverless::Function/EventBridgeRule",
        // A delivery reaches the function's queue at once, or never.
        &["RetryPolicy", "RuleName", "Target"],
    ),
    (
        "AWS::Serverless::Function/Schedule",
        // An event reaches the function's queue at once, or never.
        &["DeadLetterConfig", "Description", "Name", "RetryPolicy"],
    ),
    ("AWS::IAM::ManagedPolicy", &["Description", "Path"]),
    (
        "AWS::IAM::Role",
        &[
            "AssumeRolePolicyDocument", // the stack runs the function
            "Description",
            "ManagedPolicyArns", // for what the Lambda service does, such as writing logs
            "MaxSessionDuration",
            "Path",
            "PermissionsBoundary",
            "Tags",
        ],
    ),
    (
        "AWS::Events::EventBus",
        &["Description", "KmsKeyIdentifier", "LogConfig", "Tags"],
    ),
    (
        "AWS::SQS::Queue",
        &["KmsMasterKeyId", "SqsManagedSseEnabled", "Tags"],
    ),
    (
        "AWS::DynamoDB::Table",
        &[
            "ContributorInsightsSpecification",
            "DeletionProtectionEnabled",
            "GlobalSecondaryIndexes.OnDemandThroughput",
            "OnDemandThroughput",
            "PointInTimeRecoverySpecification",
            "SSESpecification",
            "Tags",
        ],
    ),
    (
        "AWS::SES::ConfigurationSet",
        &[
            "DeliveryOptions",
            "ReputationOptions",
            "SuppressionOptions", // there is no list of suppressed addresses
            "Tags",
        ],
    ),
];

/// Takes out of `properties` what has no local meaning for `kind`.
pub(super) fn strip(kind: &str, properties: &mut Value) {
    let without_meaning = PROPERTIES
        .iter()
        .filter(|(listed, _)| *listed == kind)
        .flat_map(|(_, names)| *names);
    for path in without_meaning {
        remove(path, properties);
    }
}

/// Takes out what is at `path`, in each element of a list.
fn remove(path: &str, value: &mut Value) {
    match (value, path.split_once('.')) {
        (Value::Array(elements), _) => {
            for element in elements {
                remove(path, element);
            }
        }
        (Value::Object(members), Some(("*", rest))) => {
            for member in members.values_mut() {
                remove(rest, member);
            }
        }
        (Value::Object(members), None) => drop(members.remove(path)),
        (Value::Object(members), Some((first, rest))) => {
            if let Some(value) = members.get_mut(first) {
                remove(rest, value);
            }
        }
        _ => {}
    }
}
