//! The client secrets of identity providers, from the Parameter Store of Systems Manager.
//!
//! A process reads them once, when it starts. So they stand in no environment, which everybody sees who may
//! describe a function.
//!
//! The SDK of Systems Manager is one of the largest. For one request it would be minutes of every build, so
//! this one is made here; the signature is made by the crate with which the SDKs sign.

use std::{
    str::FromStr,
    time::{Duration, SystemTime},
};

use application::{backoff::Backoff, ports::Env};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_types::SdkConfig;
use domain::{Error, Result, Timestamp, error::Causes, identity::ProviderName};
use serde::Deserialize;
use serde_json::json;

use crate::{
    https::{CONNECT, Https},
    oidc::ClientSecrets,
    sdk_config::variable,
};

/// Parameters in one `GetParameters`, by its reference.
const AT_ONCE: usize = 10;

/// Time for one try. Lambda gives a function ten seconds to start.
const TRY: Duration = Duration::from_secs(2);

/// Many processes may start at once, and the store answers 40 requests a second.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the secrets are: that of the provider `google` is the parameter `<path>/google`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretsPath(String);

impl FromStr for SecretsPath {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        if raw.starts_with('/') && !raw.ends_with('/') {
            Ok(Self(raw.to_owned()))
        } else {
            Err("is no path such as /roster/identity-providers".to_owned())
        }
    }
}

/// What `GetParameters` answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    name: String,
    value: String,
}

/// The Parameter Store of one region.
pub(crate) struct Ssm<'a> {
    pub(crate) config: &'a SdkConfig,
    pub(crate) env: &'a Env,
}

impl Ssm<'_> {
    /// The secrets of those among `providers` that have one: in one request for up to ten of them, and
    /// none where there are no providers.
    ///
    /// # Errors
    /// If they cannot be read.
    pub(crate) async fn client_secrets(
        &self,
        providers: impl Iterator<Item = &ProviderName>,
        path: &SecretsPath,
    ) -> Result<ClientSecrets> {
        let name = |provider: &ProviderName| (format!("{}/{provider}", path.0), provider.clone());
        let names: Vec<_> = providers.map(name).collect();
        let mut secrets = ClientSecrets::default();
        for names in names.chunks(AT_ONCE) {
            let asked: Vec<_> = names.iter().map(|(name, _)| name.as_str()).collect();
            for parameter in self.patiently(&asked).await?.parameters {
                let mut names = names.iter();
                if let Some((_, provider)) = names.find(|(name, _)| *name == parameter.name) {
                    secrets.insert(provider.clone(), parameter.value.into());
                }
            }
        }
        for (name, provider) in &names {
            if !secrets.has(provider) {
                tracing::info!(%provider, parameter = name, "a provider has no secret: it knows us as a public client");
            }
        }
        Ok(secrets)
    }

    /// Asks until there is an answer.
    async fn patiently(&self, names: &[&str]) -> Result<Answer> {
        let mut backoff = Backoff::new(self.env, TRIES, FIRST_PAUSE).within(PATIENCE);
        loop {
            match self.get_parameters(names).await {
                Ok(answer) => return Ok(answer),
                Err(error) if !backoff.pause().await? => return Err(error),
                Err(error) => tracing::warn!(error = %Causes(&error), "asked again for secrets"),
            }
        }
    }

    async fn get_parameters(&self, names: &[&str]) -> Result<Answer> {
        let request = self.signed(names).await?;
        let response = Https::new(CONNECT).send(request, TRY).await;
        let response = response.map_err(Error::caused_by)?;
        let (status, body) = (response.status(), response.into_body());
        if !status.is_success() {
            // An error of the service names parameters, and never holds a value.
            let body = String::from_utf8_lossy(&body);
            return Err(Error::internal(format!("GetParameters: {status} {body}")));
        }
        // Without the parser's message, which can hold a piece of a secret.
        serde_json::from_slice(&body)
            .map_err(|_| Error::internal("GetParameters answered something else"))
    }

    /// `GetParameters` in the AWS JSON protocol, with its signature.
    async fn signed(&self, names: &[&str]) -> Result<http::Request<String>> {
        let region = self.config.region().map(AsRef::as_ref);
        let region = region.ok_or_else(|| Error::internal("there is no region"))?;
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| Error::internal("there are no credentials"))?;
        let credentials = provider.provide_credentials().await;
        let identity = credentials.map_err(Error::caused_by)?.into();
        let body = json!({"Names": names, "WithDecryption": true}).to_string();
        let url = self.endpoint(region);
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "AmazonSSM.GetParameters"),
        ];
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("ssm")
            .time(system_time(self.env.clock.now()))
            .settings(SigningSettings::default())
            .build()
            .map_err(Error::caused_by)?
            .into();
        let signable = SignableRequest::new(
            "POST",
            url.as_str(),
            headers.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        );
        let signed = sign(signable.map_err(Error::caused_by)?, &parameters);
        let (instructions, _) = signed.map_err(Error::caused_by)?.into_parts();
        let mut request = http::Request::post(&url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(body).map_err(Error::caused_by)?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    /// Where the store answers: an emulator's address, if there is one. As in the SDKs, that of the service
    /// goes before that of all services.
    fn endpoint(&self, region: &str) -> String {
        let own = variable("AWS_ENDPOINT_URL_SSM");
        let emulator = own.or_else(|| self.config.endpoint_url().map(str::to_owned));
        let domain = if region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        let url = emulator.unwrap_or_else(|| format!("https://ssm.{region}.{domain}"));
        format!("{}/", url.trim_end_matches('/'))
    }
}

fn system_time(now: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(now.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_with_a_slash_and_does_not_end_with_one() {
        assert!("/roster/identity-providers".parse::<SecretsPath>().is_ok());
        for wrong in ["", "/", "roster", "/roster/", r#"{"google": "hunter2"}"#] {
            let error = wrong.parse::<SecretsPath>().unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
