//! The one list of what a template may say although it changes nothing on this machine.
//!
//! A line here is a decision: somebody asked what the construct would do locally and answered
//! "nothing". Whatever is neither here nor in the model is an error at start, so that a template
//! never means less on this machine than its author thinks.

use serde_json::Value;

/// Sections of the template.
pub(super) const SECTIONS: &[&str] = &["AWSTemplateFormatVersion", "Description", "Outputs"];

/// Attributes of any resource.
pub(super) const ATTRIBUTES: &[&str] = &["DeletionPolicy", "UpdateReplacePolicy", "DependsOn"];

/// Whole resource types: they watch, keep or permit, and run nothing.
pub(super) const TYPES: &[&str] = &[
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::SQS::QueuePolicy",
];

/// Properties of the types in the model. Event sources are listed as `<function type>/<event type>`.
const PROPERTIES: &[(&str, &[&str])] = &[
    (
        "AWS::Serverless::HttpApi",
        &[
            "AccessLogSettings",
            "DefaultRouteSettings", // throttling
            "Description",
            "FailOnWarnings",
            "Name",
            "RouteSettings",
            "Tags",
        ],
    ),
    (
        "AWS::Serverless::Function",
        &[
            "Architectures", // cargo builds for this machine
            "CodeUri",       // Metadata names the binary
            "Description",
            "Handler", // always `bootstrap` for this runtime
            "Tags",
            "Tracing",
        ],
    ),
    ("AWS::Serverless::Function/HttpApi", &["RouteSettings"]),
    (
        "AWS::Serverless::Function/EventBridgeRule",
        &["RuleName", "Target"],
    ),
    (
        "AWS::Serverless::Function/Schedule",
        &["Description", "Name"],
    ),
    (
        "AWS::Events::EventBus",
        &["Description", "KmsKeyIdentifier", "LogConfig", "Tags"],
    ),
    (
        "AWS::SQS::Queue",
        &[
            "KmsMasterKeyId",
            "MessageRetentionPeriod", // the journal lives as long as the stack
            "SqsManagedSseEnabled",
            "Tags",
            "VisibilityTimeout", // nobody receives: the queues are read in the journal
        ],
    ),
    (
        "AWS::DynamoDB::Table",
        &[
            "ContributorInsightsSpecification",
            "DeletionProtectionEnabled",
            "PointInTimeRecoverySpecification",
            "SSESpecification",
            "Tags",
        ],
    ),
    ("AWS::SES::ConfigurationSet", &["ReputationOptions", "Tags"]),
];

/// Takes out of `properties` what has no local meaning for `kind`.
pub(super) fn strip(kind: &str, properties: &mut Value) {
    let Value::Object(properties) = properties else {
        return;
    };
    let without_meaning = PROPERTIES
        .iter()
        .filter(|(listed, _)| *listed == kind)
        .flat_map(|(_, names)| *names);
    for name in without_meaning {
        properties.remove(*name);
    }
}
