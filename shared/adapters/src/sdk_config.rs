//! The configuration of the SDKs, from the variables which Lambda sets.
//!
//! `aws-config` would also look for profiles, the instance's metadata and roles to assume, none of which a
//! function has: it is for the command line.

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_types::{
    SdkConfig,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};

use crate::https;

/// The configuration of a function. Where a variable is missing, the first call fails and says what.
pub(crate) fn from_environment() -> SdkConfig {
    let region = variable("AWS_REGION").map(Region::new);
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(https::client())
        .region(region)
        .service_config(Endpoints(variable));
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    config.set_credentials_provider(credentials(variable).map(SharedCredentialsProvider::new));
    config.build()
}

/// An emulator at `endpoint`, which takes any credentials; they name the caller.
pub(crate) fn of_emulator(endpoint: &str, caller: &str) -> SdkConfig {
    let credentials = Credentials::new(caller, "local", None, None, "local");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(https::client())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// A variable of the environment. A blank one counts as missing.
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    value.filter(|value| !value.trim().is_empty())
}

/// The credentials of the function's role: those of an environment are valid as long as it lives.
fn credentials(variable: impl Fn(&str) -> Option<String>) -> Option<Credentials> {
    Some(Credentials::new(
        variable("AWS_ACCESS_KEY_ID")?,
        variable("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    ))
}

/// Addresses of emulators: `AWS_ENDPOINT_URL_DYNAMODB` and the like.
struct Endpoints(fn(&str) -> Option<String>);

impl std::fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Endpoints")
    }
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace(' ', "_");
        self.0(&format!("{}_{service}", key.env()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_temporary_credentials_with_their_token() {
        let role = credentials(|name| Some(name.to_lowercase())).unwrap();
        assert_eq!(role.access_key_id(), "aws_access_key_id");
        assert_eq!(role.secret_access_key(), "aws_secret_access_key");
        assert_eq!(role.session_token(), Some("aws_session_token"));
    }

    #[test]
    fn each_service_has_a_variable_for_its_address() {
        let address_of = |name: &str| Some(format!("http://{}", name.to_lowercase()));
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .service_config(Endpoints(address_of))
            .build();
        for (service_id, variable) in [
            ("DynamoDB", "aws_endpoint_url_dynamodb"),
            ("SESv2", "aws_endpoint_url_sesv2"),
            ("Some Service", "aws_endpoint_url_some_service"),
        ] {
            let key = ServiceConfigKey::builder()
                .service_id(service_id)
                .env("AWS_ENDPOINT_URL")
                .profile("endpoint_url")
                .build()
                .unwrap();
            let address = config.service_config().unwrap().load_config(key);
            assert_eq!(address, Some(format!("http://{variable}")));
        }
    }
}
