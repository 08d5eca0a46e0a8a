//! `local invoke`: a function gets an event out of a file.

use std::{io::Read as _, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use local::variables::Variables;
use serde_json::{Value, json};

use super::running::{self, Running};
use crate::{Admin, token};

/// Invokes a function of a running stack with an event out of a file, and prints its answer
#[derive(Debug, Args)]
pub struct Invoke {
    /// Function, by logical id or binary
    pub function: String,
    /// File with the event, `-` for standard input; `events/<binary>.json` if nothing is said
    #[arg(long, value_name = "FILE")]
    pub event: Option<PathBuf>,
    /// A header in place of the event's; may be given several times
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub headers: Vec<(String, String)>,
    /// Who asks: the address of a user, or `admin`; the event gets a fresh access token
    #[arg(long = "as", value_name = "ADDRESS")]
    pub caller: Option<String>,
    /// Print the event and invoke nothing: for `sam local invoke --event -` and others
    #[arg(long)]
    pub print: bool,
    /// Where else the function runs: the address of `sam local start-lambda`, `cargo lambda watch` or of
    /// the runtime interface emulator
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub running: Running,
}

fn header(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once(':') {
        // Names are in lower case in the events of an HTTP API.
        Some((name, value)) if !name.is_empty() => {
            Ok((name.to_lowercase(), value.trim().to_owned()))
        }
        _ => Err("must be 'name: value'"),
    }
}

impl Invoke {
    /// The answer of the function, or the event.
    ///
    /// # Errors
    /// If the function fails, or the stack does not answer.
    pub async fn run(self) -> anyhow::Result<String> {
        let variables = self.running.variables().await?;
        let event = self.event(&variables).await?;
        if self.print {
            return Ok(format!("{event:#}"));
        }
        let endpoint = self.endpoint.as_ref().unwrap_or(&self.running.console);
        let url = format!(
            "{endpoint}/2015-03-31/functions/{}/invocations",
            self.function
        );
        let request = reqwest::Client::new().post(&url).json(&event);
        let answer = request.send().await?;
        let has_failed = answer.headers().contains_key("x-amz-function-error");
        let status = answer.status();
        let body = answer.text().await?;
        if has_failed || !status.is_success() {
            bail!("{}: {status} {body}", self.function);
        }
        // Laid out for people, if it can be.
        let answer = serde_json::from_str(&body).map(|answer: Value| format!("{answer:#}"));
        Ok(answer.unwrap_or(body))
    }

    async fn event(&self, variables: &Variables) -> anyhow::Result<Value> {
        let mut headers = self.headers.clone();
        if let Some(caller) = &self.caller {
            let is_admin = caller == "admin";
            let address = if is_admin { Admin::EMAIL } else { caller };
            let token = token::access_token(variables, address).await?;
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        with_headers(self.read(variables)?, headers)
    }

    fn read(&self, variables: &Variables) -> anyhow::Result<Value> {
        let path = if let Some(path) = &self.event {
            path.clone()
        } else {
            let (_, function) = running::function(variables, &self.function)?;
            PathBuf::from(format!("events/{}.json", function.binary))
        };
        let text = if path.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(&path)
        };
        let shown = path.display();
        let text = text.with_context(|| format!("cannot read {shown}"))?;
        serde_json::from_str(&text).with_context(|| format!("{shown} is no JSON"))
    }
}

/// The event with these headers in place of its own.
fn with_headers(mut event: Value, headers: Vec<(String, String)>) -> anyhow::Result<Value> {
    if headers.is_empty() {
        return Ok(event);
    }
    let own = event.get_mut("headers").and_then(Value::as_object_mut);
    let own = own.context("the event is no request: it has no headers")?;
    for (name, value) in headers {
        own.insert(name, json!(value));
    }
    Ok(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_replace_those_of_the_event() {
        let event = json!({ "headers": { "if-match": "\"1\"", "host": "h" } });
        let headers = ["If-Match: \"2\"", "x:y"].map(|text| header(text).unwrap());
        let expected = json!({ "headers": { "if-match": "\"2\"", "host": "h", "x": "y" } });
        assert_eq!(with_headers(event, headers.into()).unwrap(), expected);
        assert!(header("nothing").is_err());
    }

    #[test]
    fn an_event_that_is_no_request_takes_no_headers() {
        let event = json!({ "detail-type": "UserCreated" });
        assert_eq!(with_headers(event.clone(), Vec::new()).unwrap(), event);
        let headers = vec![header("a: b").unwrap()];
        assert!(with_headers(event, headers).is_err());
    }
}
