//! The Parameter Store of Systems Manager, as far as functions read secrets from it: `GetParameters`.
//!
//! # Where it differs from SSM
//! - The values are those with which the stack was started. Each is a `SecureString` of version 1.
//! - Whoever asks gets them.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::template::arn;

/// Most parameters of one `GetParameters`, by its reference.
const AT_ONCE: usize = 10;

/// Values by the names of their parameters.
pub type Secrets = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetParameters {
    names: Vec<String>,
    #[serde(default)]
    with_decryption: bool,
}

/// The endpoint, which knows `secrets`.
pub(crate) fn router(secrets: Secrets) -> Router {
    Router::new()
        .route("/", post(handle))
        .with_state(Arc::new(secrets))
}

async fn handle(State(secrets): State<Arc<Secrets>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok());
    let answer = match target {
        Some("AmazonSSM.GetParameters") => get_parameters(&secrets, &body),
        _ => Err((
            "UnknownOperationException",
            "only GetParameters is known locally".to_owned(),
        )),
    };
    match answer {
        Ok(answer) => Json(answer).into_response(),
        Err((code, message)) => {
            let body = Json(json!({"__type": code, "message": message}));
            (StatusCode::BAD_REQUEST, body).into_response()
        }
    }
}

fn get_parameters(secrets: &Secrets, body: &[u8]) -> Result<Value, (&'static str, String)> {
    let invalid = |message: String| ("ValidationException", message);
    let request: GetParameters =
        serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
    if request.names.is_empty() || request.names.len() > AT_ONCE {
        return Err(invalid(format!("1 to {AT_ONCE} names, please")));
    }
    if !request.with_decryption {
        return Err(invalid(
            "what is not decrypted is of no use here".to_owned(),
        ));
    }
    let (known, unknown): (Vec<_>, Vec<_>) = request
        .names
        .into_iter()
        .partition(|name| secrets.contains_key(name));
    let parameters = known.iter().map(|name| {
        json!({
            "ARN": arn("ssm", &format!("parameter{name}")),
            "DataType": "text",
            "Name": name,
            "Type": "SecureString",
            "Value": secrets[name],
            "Version": 1,
        })
    });
    Ok(json!({"Parameters": parameters.collect::<Vec<_>>(), "InvalidParameters": unknown}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(names: &[&str], with_decryption: bool) -> Result<Value, &'static str> {
        let secrets = Secrets::from([("/a/b".to_owned(), "hunter2".to_owned())]);
        let body = json!({"Names": names, "WithDecryption": with_decryption});
        get_parameters(&secrets, body.to_string().as_bytes()).map_err(|(code, _)| code)
    }

    #[test]
    fn known_parameters_have_values_and_others_are_named() {
        let answer = ask(&["/a/b", "/a/c"], true).unwrap();
        assert_eq!(answer["Parameters"][0]["Name"], "/a/b");
        assert_eq!(answer["Parameters"][0]["Value"], "hunter2");
        assert_eq!(answer["Parameters"].as_array().unwrap().len(), 1);
        assert_eq!(answer["InvalidParameters"], json!(["/a/c"]));
    }

    #[test]
    fn what_the_service_refuses_is_refused() {
        assert_eq!(ask(&[], true), Err("ValidationException"));
        assert_eq!(ask(&["/a/b"; 11], true), Err("ValidationException"));
        assert_eq!(ask(&["/a/b"], false), Err("ValidationException"));
    }
}
