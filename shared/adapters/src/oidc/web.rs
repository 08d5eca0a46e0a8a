//! Requests to providers: bounded in time and size, over TLS, without redirections.

use std::{error::Error as StdError, net::IpAddr, sync::OnceLock, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{Error, Result, error::Causes};
use http::{HeaderValue, Request, StatusCode, header, request};
use serde::de::DeserializeOwned;
use url::{Host, Url};

use super::unavailable;
use crate::https::Https;

/// Time for TCP to connect, which the addresses of a host share.
const CONNECT: Duration = Duration::from_secs(2);

/// Time for one request. A sign-in makes four at most, and its function has 20 s.
const REQUEST: Duration = Duration::from_secs(4);

/// The HTTP client for providers.
pub(super) struct Web {
    /// Made when first needed, for many processes never need it.
    client: OnceLock<Https>,
    loopback: bool,
}

impl Web {
    pub(super) fn new(loopback: bool) -> Self {
        Self {
            client: OnceLock::new(),
            loopback,
        }
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
        let request = Request::get(self.check(url)?.as_str());
        let credentials = bearer.map(|token| format!("Bearer {token}"));
        let (status, body) = self.send(request, credentials, String::new()).await?;
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
        let request =
            Request::post(self.check(url)?.as_str()).header(header::CONTENT_TYPE, form_type);
        let credentials = basic.map(|(name, password)| {
            let both = BASE64_STANDARD.encode(format!("{name}:{password}"));
            format!("Basic {both}")
        });
        self.send(request, credentials, form).await
    }

    async fn send(
        &self,
        request: request::Builder,
        credentials: Option<String>,
        body: String,
    ) -> Result<(StatusCode, Vec<u8>)> {
        let url = request
            .uri_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let failed = |error: &dyn StdError| unavailable(format!("{url}: {}", Causes(error)));
        let mut request = request
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, "roster")
            .body(body)
            .map_err(|error| failed(&error))?;
        if let Some(credentials) = credentials {
            // A provider chooses its tokens, and so whether they can be sent.
            let mut value = HeaderValue::try_from(credentials).map_err(|error| failed(&error))?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let client = self.client.get_or_init(|| Https::new(CONNECT));
        let answer = client.send(request, REQUEST).await;
        let answer = answer.map_err(|error| failed(&*error))?;
        Ok((answer.status(), answer.into_body()))
    }
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
    use domain::Refusal;
    use serde_json::Value;

    use super::*;
    use crate::log::Log;

    #[tokio::test]
    async fn the_log_says_where_there_was_no_answer_and_no_credentials() {
        let log = Log::start();
        let web = Web::new(true);
        for token in ["for-user-info", "cannot-be-\nsent"] {
            let answer = web.get::<Value>("http://127.0.0.1:1/userinfo", Some(token));
            let refused = answer.await.unwrap_err();
            assert!(
                matches!(refused, Error::Refused(Refusal::ProviderUnavailable(_))),
                "{refused:?}"
            );
        }
        let lines = log.lines();
        assert_eq!(
            lines.matches("http://127.0.0.1:1/userinfo: ").count(),
            2,
            "{lines}"
        );
        for secret in ["for-user-info", "sent"] {
            assert!(!lines.contains(secret), "{lines}");
        }
    }

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
