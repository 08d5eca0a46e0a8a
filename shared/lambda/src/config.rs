//! Configuration from environment variables: every missing or wrong one is named at once.

use std::{fmt, str::FromStr, time::Duration};

use adapters::{composition::Deployment, jwt::AccessTokenSettings};
use application::{
    mail::{MailLimits, MailSettings},
    rate_limit::SignInLimits,
};
use domain::attempt::Limit;

pub use adapters::{
    oidc::{ClientSecrets, Providers},
    ssm::SecretsPath,
};

/// Everything wrong with the environment.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment is wrong: {}", .0.join("; "))]
pub struct ConfigError(pub Vec<String>);

/// Environment variables, and what was found wrong with them so far.
pub struct Environment<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl Environment<'_> {
    /// The value of the variable `name`. If it is missing or wrong, that is noted.
    pub fn get<T>(&mut self, name: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let Some(value) = (self.variable)(name) else {
            self.problems.push(format!("{name} is missing"));
            return None;
        };
        let note = |error| self.problems.push(format!("{name} {error}"));
        value.parse().map_err(note).ok()
    }
}

/// What a function reads from its environment. [`config!`](crate::config!) implements it.
pub trait Settings: Sized {
    /// Reads all of it; none if a part is missing or wrong.
    fn read(environment: &mut Environment<'_>) -> Option<Self>;
}

/// Reads settings by way of `variable`.
///
/// # Errors
/// Every missing or wrong variable, at once.
pub fn read<S: Settings>(variable: &dyn Fn(&str) -> Option<String>) -> Result<S, ConfigError> {
    let problems = Vec::new();
    let mut environment = Environment { variable, problems };
    S::read(&mut environment).ok_or(ConfigError(environment.problems))
}

/// Reads settings from the environment of this process.
///
/// # Errors
/// Every missing or wrong variable, at once.
pub fn from_environment<S: Settings>() -> Result<S, ConfigError> {
    let variable = |name: &str| std::env::var(name).ok();
    stay_off_aws(&variable)?;
    read(&variable)
}

/// `sam local` hands a function the developer's own credentials, with which it would write to AWS.
fn stay_off_aws(variable: &dyn Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
    if variable("AWS_SAM_LOCAL").is_some() && variable("AWS_ENDPOINT_URL").is_none() {
        let problem =
            "AWS_ENDPOINT_URL is missing, without which `sam local` reaches AWS: docs/sam-local.md";
        return Err(ConfigError(vec![problem.to_owned()]));
    }
    Ok(())
}

/// No settings.
impl Settings for () {
    fn read(_: &mut Environment<'_>) -> Option<Self> {
        Some(())
    }
}

/// Both.
impl<A: Settings, B: Settings> Settings for (A, B) {
    fn read(environment: &mut Environment<'_>) -> Option<Self> {
        let both = (A::read(environment), B::read(environment));
        Option::zip(both.0, both.1)
    }
}

/// Declares a struct of settings, each with its variable.
///
/// ```
/// lambda::config! {
///     struct Config {
///         minimum: usize = "MINIMUM_PASSWORD_LENGTH",
///     }
/// }
/// ```
#[macro_export]
macro_rules! config {
    (struct $config:ident { $($(#[$doc:meta])* $field:ident: $type:ty = $name:literal),* $(,)? }) => {
        struct $config { $($(#[$doc])* $field: $type),* }

        impl $crate::config::Settings for $config {
            fn read(environment: &mut $crate::config::Environment<'_>) -> Option<Self> {
                $(let $field = environment.get($name);)*
                Some(Self { $($field: $field?),* })
            }
        }
    };
}

impl Settings for Deployment {
    fn read(environment: &mut Environment<'_>) -> Option<Self> {
        let users_table = environment.get("USERS_TABLE");
        let sessions_table = environment.get("SESSIONS_TABLE");
        let keys_table = environment.get("KEYS_TABLE");
        let audit_table = environment.get("AUDIT_TABLE");
        let directory_table = environment.get("DIRECTORY_TABLE");
        let services_table = environment.get("SERVICES_TABLE");
        let bus = environment.get("BUS");
        let issuer = environment.get("ISSUER");
        let audience = environment.get("AUDIENCE");
        let access_tokens = AccessTokenSettings::read(environment);
        let access_lag = environment.get("ACCESS_LAG_SECONDS");
        let api_key_calls = environment.get("API_KEY_CALLS_PER_MINUTE");
        let changes_per_user = environment.get("CHANGES_PER_USER");
        Some(Self {
            users_table: users_table?,
            sessions_table: sessions_table?,
            keys_table: keys_table?,
            audit_table: audit_table?,
            directory_table: directory_table?,
            services_table: services_table?,
            bus: bus?,
            issuer: issuer?,
            audience: audience?,
            access_tokens: access_tokens?,
            access_lag: access_lag?,
            api_key_calls: api_key_calls?,
            changes_per_user: changes_per_user?,
        })
    }
}

impl Settings for SignInLimits {
    fn read(environment: &mut Environment<'_>) -> Option<Self> {
        let per_account = environment.get("SIGN_IN_ATTEMPTS_PER_ACCOUNT");
        let per_client_ip = environment.get("SIGN_IN_ATTEMPTS_PER_SOURCE");
        let per_user = environment.get("SIGN_INS_PER_USER");
        Some(Self {
            per_account: Limit::of_account(per_account?),
            per_client_ip: Limit::of_client_ip(per_client_ip?),
            per_user: Limit::hourly(per_user?),
        })
    }
}

impl Settings for AccessTokenSettings {
    fn read(environment: &mut Environment<'_>) -> Option<Self> {
        let minutes = environment.get("ACCESS_TOKEN_MINUTES");
        let email_verified = environment.get("EMAIL_VERIFIED_CLAIM");
        Some(Self {
            lifetime: Duration::from_mins(minutes?),
            email_verified: email_verified?,
        })
    }
}

impl Settings for MailSettings {
    fn read(environment: &mut Environment<'_>) -> Option<Self> {
        let from = environment.get("MAIL_FROM");
        let guarantee = environment.get("MAIL_GUARANTEE");
        let configuration_set = environment.get("MAIL_CONFIGURATION_SET");
        let app_url = environment.get("APP_URL");
        let product = environment.get("PRODUCT_NAME");
        let interval = environment.get("MAIL_INTERVAL_SECONDS");
        let per_address = environment.get("MAILS_PER_ADDRESS");
        let per_asker = environment.get("MAILS_PER_ASKER");
        let per_hour = environment.get("MAILS_PER_HOUR");
        let limits = MailLimits {
            per_address: per_address?,
            interval: Duration::from_secs(interval?),
            per_asker: Limit::hourly(per_asker?),
            per_hour: per_hour?,
        };
        Some(Self {
            from: from?,
            guarantee: guarantee?,
            configuration_set: configuration_set?,
            app_url: app_url?,
            product: product?,
            limits,
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::sign_up::SignUpPolicy;

    use super::*;

    config! {
        struct Config {
            policy: SignUpPolicy = "POLICY",
            minimum: usize = "MINIMUM",
        }
    }

    #[test]
    fn every_wrong_variable_is_named_at_once() {
        let problems = read::<(Deployment, Config)>(&|name| match name {
            "POLICY" => Some("everyone".to_owned()),
            "MINIMUM" => Some("eight".to_owned()),
            "ACCESS_LAG_SECONDS" | "API_KEY_CALLS_PER_MINUTE" | "CHANGES_PER_USER" => {
                Some("0".to_owned())
            }
            "ACCESS_TOKEN_MINUTES" => Some("10".to_owned()),
            "EMAIL_VERIFIED_CLAIM" => Some("false".to_owned()),
            "BUS" => None,
            other => Some(other.to_owned()),
        });
        assert_eq!(
            problems.err().map(|error| error.0),
            Some(vec![
                "BUS is missing".to_owned(),
                "POLICY is not one of open, concealed, admin".to_owned(),
                "MINIMUM invalid digit found in string".to_owned(),
            ])
        );
    }

    #[test]
    fn a_function_under_sam_local_does_not_start_without_an_emulator() {
        let sam = [("AWS_SAM_LOCAL", "true")];
        let emulated = [sam[0], ("AWS_ENDPOINT_URL", "http://127.0.0.1:9")];
        let starts = |variables: &[(&str, &str)]| {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            stay_off_aws(&variable).is_ok()
        };
        assert!(!starts(&sam));
        assert!(starts(&emulated));
        assert!(starts(&[]));
    }

    #[test]
    fn a_right_environment_is_read() {
        let config = read::<(Deployment, Config)>(&|name| {
            let value = match name {
                "POLICY" => "concealed",
                "MINIMUM" => "12",
                "ACCESS_LAG_SECONDS" => "5",
                "ACCESS_TOKEN_MINUTES" => "60",
                "EMAIL_VERIFIED_CLAIM" => "true",
                "API_KEY_CALLS_PER_MINUTE" => "600",
                "CHANGES_PER_USER" => "100",
                other => other,
            };
            Some(value.to_owned())
        });
        let (deployment, config) = config.ok().unwrap();
        assert_eq!(deployment.users_table, "USERS_TABLE");
        let tokens = deployment.access_tokens;
        assert_eq!(tokens.lifetime, Duration::from_hours(1));
        assert!(tokens.email_verified);
        assert_eq!(
            (config.policy, config.minimum),
            (SignUpPolicy::Concealed, 12)
        );
    }
}
