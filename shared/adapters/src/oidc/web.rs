//! Requests to providers: bounded in time and size, over TLS, without redirections.

use std::{net::IpAddr, sync::OnceLock, time::Duration};

use domain::{Error, Result, error::Causes};
use reqwest::{Client, RequestBuilder, StatusCode, header};
use serde::de::DeserializeOwned;
use url::{Host, Url};

use super::unavailable;
use crate::https;

/// Time to open a connection.
const CONNECT: Duration = Duration::from_secs(2);

/// Time for one request. A sign-in makes four at most, and its function has 20 s.
const REQUEST: Duration = Duration::from_secs(4);

/// Bytes of an answer. Metadata and keys of the large providers have some thousand; what is cached
/// must fit into an item of DynamoDB (400 KB).
const MAX_ANSWER: usize = 256 * 1024;

/// The HTTP client for providers.
pub(super) struct Web {
    /// Made when first needed, for many processes never need it.
    client: OnceLock<Client>,
    loopback: bool,
}

impl Web {
    pub(super) fn new(loopback: bool) -> Self {
        Self {
            client: OnceLock::new(),
            loopback,
        }
    }

    fn client(&self) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = https::builder()
            .connect_timeout(CONNECT)
            .timeout(REQUEST)
            .user_agent("roster")
            .build()
            .map_err(Error::caused_by)?;
        Ok(self.client.get_or_init(|| client))
    }

    /// `raw` as a URL that is allowed: HTTPS, without credentials and fragment; or HTTP to this
    /// machine, where that is allowed.
    pub(super) fn check(&self, raw: &str) -> Result<Url> {
        let no_address = || Error::internal(format!("`{raw}` is no address of a provider"));
        let url = Url::parse(raw).map_err(|_| no_address())?;
        let is_secure = match url.scheme() {
            "https" => true,
            "http" => self.loopback && is_loopback(&url),
            _ => false,
        };
        let is_plain =
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        (is_secure && is_plain)
            .then_some(url)
            .ok_or_else(no_address)
    }

    /// Gets the JSON at `url`.
    ///
    /// # Errors
    /// `ProviderUnavailable` unless the answer is 200 with JSON that is a `T`.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        url: &str,
        bearer: Option<&str>,
    ) -> Result<T> {
        let mut request = self.client()?.get(self.check(url)?);
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        let (status, body) = send(request).await?;
        if status != StatusCode::OK {
            return Err(unavailable(format!("{url}: {status}")));
        }
        // Without the parser's message: user info is personal data.
        serde_json::from_slice(&body).map_err(|_| unavailable(format!("{url}: no such JSON")))
    }

    /// Posts a form. `basic` is name and password of the client.
    ///
    /// # Errors
    /// `ProviderUnavailable` if there is no answer.
    pub(super) async fn post(
        &self,
        url: &str,
        form: String,
        basic: Option<(String, String)>,
    ) -> Result<(StatusCode, Vec<u8>)> {
        let form_type = "application/x-www-form-urlencoded";
        let request = self.client()?.post(self.check(url)?);
        let mut request = request.header(header::CONTENT_TYPE, form_type).body(form);
        if let Some((name, password)) = basic {
            request = request.basic_auth(name, Some(password));
        }
        send(request).await
    }
}

async fn send(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>)> {
    let request = request.header(header::ACCEPT, "application/json");
    let failed = |error: reqwest::Error| unavailable(Causes(&error));
    let mut response = request.send().await.map_err(failed)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER {
            return Err(unavailable(format!("{}: too long", response.url())));
        }
    }
    Ok((response.status(), body))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_asked_and_this_machine_where_that_is_allowed() {
        let (remote, local) = (Web::new(false), Web::new(true));
        for url in [
            "https://id.example.com",
            "https://id.example.com:8443/a?b=c",
        ] {
            assert!(remote.check(url).is_ok() && local.check(url).is_ok());
        }
        for url in [
            "http://127.0.0.1:1/",
            "http://[::1]:1/",
            "http://localhost/realms/a",
        ] {
            assert!(remote.check(url).is_err(), "{url}");
            assert!(local.check(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "id.example.com",
            "http://id.example.com",
            "http://localhost.example.com",
            "http://10.0.0.1",
            "file:///etc/passwd",
            "https://ann:secret@id.example.com",
            "https://id.example.com/#a",
        ] {
            assert!(remote.check(url).is_err(), "{url}");
            assert!(local.check(url).is_err(), "{url}");
        }
    }
}
