//! What a function is told by its environment: every missing or wrong variable is named at once.

use std::{fmt, str::FromStr};

/// Everything wrong with the environment.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment is wrong: {}", .0.join("; "))]
pub struct ConfigError(pub Vec<String>);

/// What every function is told: the `Globals` of the template. A name is no permission.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Table of users, their logins and their histories.
    pub users_table: String,
    /// Table of sessions, requests, tokens and claims.
    pub sessions_table: String,
    /// Table of keys and shared secrets.
    pub keys_table: String,
    /// Table of the audit trail.
    pub audit_table: String,
    /// Table of the directory's snapshots.
    pub directory_table: String,
    /// Name of the event bus.
    pub bus: String,
    /// The `iss` of access tokens; empty for the domain name of each request.
    pub issuer: String,
    /// The `aud` of access tokens.
    pub audience: String,
    /// Seconds for which a caller is remembered.
    pub access_lag: u64,
}

impl Deployment {
    /// Reads it, or notes what is missing.
    pub fn read(
        variable: &impl Fn(&str) -> Option<String>,
        problems: &mut Vec<String>,
    ) -> Option<Self> {
        let mut text = |name| read::<String>(name, variable(name), problems);
        let (users, sessions) = (text("USERS_TABLE"), text("SESSIONS_TABLE"));
        let (keys, audit) = (text("KEYS_TABLE"), text("AUDIT_TABLE"));
        let directory = text("DIRECTORY_TABLE");
        let (bus, issuer, audience) = (text("BUS"), text("ISSUER"), text("AUDIENCE"));
        let access_lag = read(
            "ACCESS_LAG_SECONDS",
            variable("ACCESS_LAG_SECONDS"),
            problems,
        );
        Some(Self {
            users_table: users?,
            sessions_table: sessions?,
            keys_table: keys?,
            audit_table: audit?,
            directory_table: directory?,
            bus: bus?,
            issuer: issuer?,
            audience: audience?,
            access_lag: access_lag?,
        })
    }
}

/// Declares what a function reads from its environment, beside the [`Deployment`] which each reads.
///
/// ```
/// shared::config! {
///     /// What the function is told.
///     pub struct Config {
///         /// Characters of a password.
///         minimum: usize = "MINIMUM_PASSWORD_LENGTH",
///     }
/// }
/// let wrong = Config::read(|_| Some("eight".to_owned()));
/// let wrong = wrong.err().unwrap().0;
/// assert!(wrong.contains(&"MINIMUM_PASSWORD_LENGTH invalid digit found in string".to_owned()));
/// ```
#[macro_export]
macro_rules! config {
    ($(#[$doc:meta])* pub struct $config:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $name:literal),* $(,)? }) => {
        $(#[$doc])*
        pub struct $config {
            /// What every function is told.
            pub deployment: $crate::config::Deployment,
            $($(#[$field_doc])* pub $field: $type),*
        }

        impl $config {
            /// Reads the environment through `variable`.
            ///
            /// # Errors
            /// Every missing or wrong variable, at once.
            pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, $crate::config::ConfigError> {
                let mut problems = Vec::new();
                let deployment = $crate::config::Deployment::read(&variable, &mut problems);
                $(let $field = $crate::config::read::<$type>($name, variable($name), &mut problems);)*
                match (deployment, $($field,)*) {
                    (Some(deployment), $(Some($field),)*) => Ok(Self { deployment, $($field),* }),
                    _ => Err($crate::config::ConfigError(problems)),
                }
            }

            /// Reads the environment of this process.
            ///
            /// # Errors
            /// Every missing or wrong variable, at once.
            pub fn from_environment() -> Result<Self, $crate::config::ConfigError> {
                Self::read(|name| std::env::var(name).ok())
            }
        }
    };
}

/// Reads one variable, or notes what is wrong with it.
pub fn read<T>(name: &str, value: Option<String>, problems: &mut Vec<String>) -> Option<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    let Some(value) = value else {
        problems.push(format!("{name} is missing"));
        return None;
    };
    match value.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            problems.push(format!("{name} {error}"));
            None
        }
    }
}

#[cfg(test)]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "the macro is made for a function's main file"
)]
mod tests {
    use crate::domain::sign_up::SignUpPolicy;

    config! {
        /// A sample.
        pub struct Config {
            /// One of a few words.
            policy: SignUpPolicy = "POLICY",
            /// A number.
            minimum: usize = "MINIMUM",
        }
    }

    #[test]
    fn every_wrong_variable_is_named_at_once() {
        let problems = Config::read(|name| match name {
            "POLICY" => Some("everyone".to_owned()),
            "MINIMUM" => Some("eight".to_owned()),
            "ACCESS_LAG_SECONDS" => Some("0".to_owned()),
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
    fn a_right_environment_is_read() {
        let config = Config::read(|name| {
            let value = match name {
                "POLICY" => "concealed",
                "MINIMUM" => "12",
                "ACCESS_LAG_SECONDS" => "5",
                other => other,
            };
            Some(value.to_owned())
        });
        let config = config.ok().unwrap();
        assert_eq!(config.deployment.users_table, "USERS_TABLE");
        assert_eq!(
            (config.policy, config.minimum),
            (SignUpPolicy::Concealed, 12)
        );
    }
}
