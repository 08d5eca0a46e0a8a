//! What the service asks of Roster.

use anyhow::{Context as _, bail};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

/// The name of this service at Roster.
pub const NAME: &str = "notifications";

/// Roster, and what opens it: an API key, or an administrator's access token.
#[derive(Clone)]
pub struct Roster {
    client: Client,
    url: String,
    token: String,
}

/// What an operator gives to this service.
#[derive(Clone)]
pub struct Credentials {
    /// By which the service registers itself.
    pub api_key: String,
    /// By which it knows that Roster sent something.
    pub secret: String,
}

impl Roster {
    pub fn new(url: &str, token: &str) -> Self {
        Self {
            client: Client::new(),
            url: url.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
        }
    }

    /// Says that the instance `id` of this service is at `url`.
    ///
    /// # Errors
    /// If Roster does not take it.
    pub async fn register(&self, id: &str, url: &str) -> anyhow::Result<()> {
        let path = format!("/services/{NAME}/instances/{id}");
        let request = self.request(Method::PUT, &path);
        send(request.json(&json!({ "url": url }))).await?;
        Ok(())
    }

    /// Says that the instance `id` is gone.
    ///
    /// # Errors
    /// If Roster does not take it.
    pub async fn deregister(&self, id: &str) -> anyhow::Result<()> {
        let path = format!("/services/{NAME}/instances/{id}");
        send(self.request(Method::DELETE, &path)).await?;
        Ok(())
    }

    /// What an operator does once, with an administrator's token: registers the service, which is told of
    /// what happens to users, and makes a key for it. A service that is there gets another secret.
    ///
    /// # Errors
    /// If Roster does not take it.
    pub async fn set_up(&self) -> anyhow::Result<Credentials> {
        let path = format!("/services/{NAME}");
        let filter = json!({ "filter": { "detail-type": [{ "prefix": "User" }] } });
        let mut service = send(self.request(Method::PUT, &path).json(&filter)).await?;
        if service["secret"].is_null() {
            let path = format!("{path}/secret");
            service = send(self.request(Method::POST, &path)).await?;
        }
        let key = json!({ "name": NAME, "role": "service", "service": NAME });
        let key = send(self.request(Method::POST, "/api-keys").json(&key)).await?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Ok(Credentials {
            api_key: text(&key["token"]).context("no key")?,
            secret: text(&service["secret"]).context("no secret")?,
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.url);
        self.client.request(method, url).bearer_auth(&self.token)
    }
}

/// Sends a request, and reads the answer: null if it is empty.
async fn send(request: RequestBuilder) -> anyhow::Result<Value> {
    let answer = request.send().await.context("Roster does not answer")?;
    let (status, url) = (answer.status(), answer.url().clone());
    let text = answer.text().await?;
    if !status.is_success() {
        bail!("{url}: {status}: {text}");
    }
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}
