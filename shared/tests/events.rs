//! Holds `events/` against the code: what stands there is what functions get and observers are told.
//! `.ci/check_contracts.py` holds the examples in the JSON Schemas against them. `cargo roster generate`
//! writes the payloads of functions with routes and of observers; its test holds that they are current.

use std::{
    collections::BTreeSet,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use adapters::dynamodb::outbox::{self, Published};
use application::mail::CLAIM_TAG;
use aws_lambda_events::event::dynamodb;
use lambda_http::{RequestExt as _, request::RequestContext};
use serde_json::Value;
use shared::domain::{DomainEvent, EventId, EventKind, Session};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> Outcome<String> {
    let path = root().join("events").join(path);
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn read_json(path: impl AsRef<Path>) -> Outcome<Value> {
    Ok(serde_json::from_str(&read(path)?)?)
}

/// The names of the JSON files in a folder below `events/`, without the extension.
fn names(folder: &str) -> Outcome<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(root().join("events").join(folder))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            names.extend(
                path.file_stem()
                    .map(|stem| stem.to_string_lossy().into_owned()),
            );
        }
    }
    Ok(names)
}

fn kinds() -> BTreeSet<String> {
    let kinds = EventKind::ALL.iter();
    kinds.map(|kind| kind.as_str().to_owned()).collect()
}

/// The binaries which the template deploys.
fn functions() -> Outcome<BTreeSet<String>> {
    let template = fs::read_to_string(root().join("template.yaml"))?;
    let binaries = template.lines().filter_map(|line| {
        let (_, rest) = line.split_once("Binary: ")?;
        rest.split([' ', '}', ',']).next().map(str::to_owned)
    });
    Ok(binaries.collect())
}

/// The schema of an event, and the example in it.
fn schema_and_example(kind: EventKind) -> Outcome<(Value, Value)> {
    let schema = read_json(format!("schemas/{kind}.json"))?;
    let example = schema["examples"][0].clone();
    Ok((schema, example))
}

#[test]
fn every_event_has_a_schema() -> Outcome {
    let mut schemas = names("schemas")?;
    assert!(
        schemas.remove("CloudEvent"),
        "the schema of what all have in common"
    );
    assert_eq!(schemas, kinds());
    Ok(())
}

#[test]
fn the_audit_trail_may_be_asked_for_every_event() -> Outcome {
    let document: Value = yaml_serde::from_str(&fs::read_to_string(root().join("openapi.yaml"))?)?;
    let documented = document["components"]["schemas"]["EventType"]["enum"].as_array();
    let documented = documented.into_iter().flatten().filter_map(Value::as_str);
    assert_eq!(
        documented.map(str::to_owned).collect::<BTreeSet<_>>(),
        kinds()
    );
    Ok(())
}

#[test]
fn examples_are_what_the_code_writes() -> Outcome {
    for kind in EventKind::ALL {
        let (_, example) = schema_and_example(*kind)?;
        let event = DomainEvent::from_cloud_event(example.clone())
            .map_err(|error| format!("{kind}: {error}"))?;
        assert_eq!(event.kind, *kind);
        assert_eq!(event.to_cloud_event(), example, "{kind}");
    }
    Ok(())
}

#[test]
fn schemas_name_the_fields_which_the_code_writes() -> Outcome {
    let common = read_json("schemas/CloudEvent.json")?;
    let fields = &common["$defs"]["event"]["properties"];
    for kind in EventKind::ALL {
        let (schema, example) = schema_and_example(*kind)?;
        assert_eq!(schema["properties"]["type"]["const"], kind.as_str());
        assert_eq!(schema["unevaluatedProperties"], false, "{kind} is open");
        for (name, _) in example.as_object().into_iter().flatten() {
            assert!(!fields[name].is_null(), "{name} of {kind} is in no schema");
        }
        let required = &common["$defs"]["event"]["required"];
        for name in required.as_array().into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            assert!(!example[name].is_null(), "{name} is missing in {kind}");
        }
    }
    Ok(())
}

#[test]
fn every_function_has_a_payload() -> Outcome {
    let mut payloads = names("")?;
    assert!(
        payloads.remove("publish-events-sessions"),
        "the second stream"
    );
    assert_eq!(payloads, functions()?);
    Ok(())
}

#[test]
fn lambda_http_reads_the_payloads_of_http_functions() -> Outcome {
    for name in names("")? {
        let text = read(format!("{name}.json"))?;
        let payload: Value = serde_json::from_str(&text)?;
        if payload["requestContext"].is_null() {
            continue;
        }
        let request = lambda_http::request::from_str(&text)?;
        let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
            return Err(format!("{name}: not of payload format 2.0").into());
        };
        let route = format!("{} {}", context.http.method, request.raw_http_path());
        let path = payload["rawPath"].as_str().unwrap_or_default();
        assert_eq!(route, format!("{} {path}", request.method()), "{name}");
    }
    Ok(())
}

#[test]
fn the_stream_of_users_holds_keys_alone() -> Outcome {
    let batch: dynamodb::Event = serde_json::from_str(&read("publish-events.json")?)?;
    assert!(!batch.records.is_empty());
    for record in batch.records {
        assert_eq!(record.event_name, "INSERT");
        assert!(record.change.new_image.is_empty() && record.change.old_image.is_empty());
        let published = outbox::published_by(record)?;
        assert!(
            matches!(published, Some(Published::Version(..))),
            "{published:?}"
        );
    }
    Ok(())
}

#[test]
fn the_stream_of_sessions_holds_events_within_their_items() -> Outcome {
    let batch: dynamodb::Event = serde_json::from_str(&read("publish-events-sessions.json")?)?;
    assert!(!batch.records.is_empty());
    for record in batch.records {
        let keys: Value = serde_dynamo::from_item(record.change.keys.clone())?;
        let session: Session = serde_dynamo::from_item(record.change.new_image.clone())?;
        let Some(Published::Event(event)) = outbox::published_by(record)? else {
            return Err("no event".into());
        };
        assert_eq!(keys["pk"], format!("USER#{}", session.user_id));
        assert_eq!(keys["sk"], format!("SESSION#{}", session.id));
        assert_eq!(event.user_id, Some(session.user_id));
        assert_eq!(event.data.session_id, Some(session.id));
    }
    Ok(())
}

#[test]
fn payloads_of_observers_hold_domain_events() -> Outcome {
    let mut observers = 0;
    for name in names("")? {
        let mut envelope = read_json(format!("{name}.json"))?;
        if envelope["source"] == "roster" {
            let event = DomainEvent::from_cloud_event(envelope["detail"].take())?;
            assert_eq!(envelope["detail-type"], event.kind.as_str(), "{name}");
            observers += 1;
        }
    }
    assert!(observers > 0);
    Ok(())
}

#[test]
fn the_mail_service_names_the_claim() -> Outcome {
    let envelope = read_json("record-mail.json")?;
    assert_eq!(envelope["source"], "aws.ses");
    assert_eq!(envelope["detail-type"], "Email Sent");
    let lease = envelope["detail"]["mail"]["tags"][CLAIM_TAG][0].as_str();
    let (event, letter) = lease
        .and_then(|lease| lease.split_once('_'))
        .ok_or("no claim")?;
    assert!(event.parse::<EventId>().is_ok());
    assert_eq!(letter, "welcome");
    Ok(())
}
