//! What a function is told by its environment: every missing or wrong variable is named at once.

use std::{fmt, str::FromStr};

/// Everything wrong with the environment.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment is wrong: {}", .0.join("; "))]
pub struct ConfigError(pub Vec<String>);

/// Declares what a function reads from its environment.
///
/// ```
/// shared::config! {
///     /// What the function is told.
///     pub struct Config {
///         /// The table of users.
///         users: String = "USERS_TABLE",
///         /// Characters of a password.
///         minimum: usize = "MINIMUM_PASSWORD_LENGTH",
///     }
/// }
/// let config = Config::read(|name| (name == "USERS_TABLE").then(|| "users".to_owned()));
/// assert_eq!(config.unwrap_err().0, ["MINIMUM_PASSWORD_LENGTH is missing"]);
/// ```
#[macro_export]
macro_rules! config {
    ($(#[$doc:meta])* pub struct $config:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $name:literal),+ $(,)? }) => {
        $(#[$doc])*
        pub struct $config { $($(#[$field_doc])* pub $field: $type),+ }

        impl $config {
            /// Reads the environment through `variable`.
            ///
            /// # Errors
            /// Every missing or wrong variable, at once.
            pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, $crate::config::ConfigError> {
                let mut problems = Vec::new();
                $(let $field = $crate::config::read::<$type>($name, variable($name), &mut problems);)+
                match ($($field,)+) {
                    ($(Some($field),)+) => Ok(Self { $($field),+ }),
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
            /// A text.
            table: String = "TABLE",
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
            _ => None,
        });
        assert_eq!(
            problems.err().map(|error| error.0),
            Some(vec![
                "TABLE is missing".to_owned(),
                "POLICY is not one of open, concealed, admin".to_owned(),
                "MINIMUM invalid digit found in string".to_owned(),
            ])
        );
    }

    #[test]
    fn a_right_environment_is_read() {
        let config = Config::read(|name| {
            let value = match name {
                "TABLE" => "users",
                "POLICY" => "concealed",
                _ => "12",
            };
            Some(value.to_owned())
        });
        let config = config.ok().unwrap();
        assert_eq!(
            (config.table.as_str(), config.policy, config.minimum),
            ("users", SignUpPolicy::Concealed, 12)
        );
    }
}
