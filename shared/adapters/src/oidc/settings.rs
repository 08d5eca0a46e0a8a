//! The providers which a deployment trusts, from environment variables.

use std::{collections::BTreeMap, str::FromStr};

use domain::identity::ProviderName;
use secrecy::SecretString;
use serde::Deserialize;

use super::issuer;

/// The providers, as JSON: `[{"name": "google", "issuer": "https://accounts.google.com", "clientId":
/// "…", "scopes": ["openid", "email", "profile"], "provesEmail": true}]`. Those scopes are the default.
#[derive(Debug, Clone, Default)]
pub struct Providers(Vec<ProviderSettings>);

#[derive(Debug, Clone)]
pub(super) struct ProviderSettings {
    pub(super) name: ProviderName,
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) scopes: Vec<String>,
    /// Whether the provider's `email_verified` counts.
    pub(super) proves_email: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Raw {
    name: String,
    issuer: String,
    client_id: String,
    #[serde(default)]
    scopes: Option<Vec<String>>,
    #[serde(default)]
    proves_email: bool,
}

impl Providers {
    pub(crate) fn names(&self) -> impl Iterator<Item = &ProviderName> {
        self.0.iter().map(|settings| &settings.name)
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = ProviderSettings> {
        self.0.into_iter()
    }
}

impl FromStr for Providers {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        let raw: Vec<Raw> = serde_json::from_str(raw)
            .map_err(|error| format!("is not a list of identity providers: {error}"))?;
        let mut providers: Vec<ProviderSettings> = Vec::new();
        for Raw {
            name,
            issuer,
            client_id,
            scopes,
            proves_email,
        } in raw
        {
            let parsed = name
                .parse()
                .map_err(|_| format!("`{name}` is no provider's name"))?;
            if providers.iter().any(|known| known.name == parsed) {
                return Err(format!("`{name}` is there twice"));
            }
            issuer::check(&issuer, proves_email).map_err(|error| format!("`{name}`: {error}"))?;
            let mut scopes = scopes.unwrap_or_else(|| vec!["email".into(), "profile".into()]);
            // Without it there is no ID token (OpenID Connect Core 1.0, 3.1.2.1).
            if scopes.iter().all(|scope| scope != "openid") {
                scopes.insert(0, "openid".to_owned());
            }
            providers.push(ProviderSettings {
                name: parsed,
                issuer,
                client_id,
                scopes,
                proves_email,
            });
        }
        Ok(Self(providers))
    }
}

/// The client secrets of providers. A provider without one knows the deployment as a public client.
#[derive(Debug, Clone, Default)]
pub struct ClientSecrets(BTreeMap<ProviderName, SecretString>);

impl ClientSecrets {
    pub fn insert(&mut self, name: ProviderName, secret: SecretString) {
        self.0.insert(name, secret);
    }

    pub fn has(&self, name: &ProviderName) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn take(&mut self, name: &ProviderName) -> Option<SecretString> {
        self.0.remove(name)
    }

    pub(super) fn first(&self) -> Option<&ProviderName> {
        self.0.keys().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_needs_a_name_an_issuer_and_a_client_id() {
        let one = r#"[{"name": "a", "issuer": "https://a.example", "clientId": "x"}]"#;
        let Providers(providers) = one.parse().unwrap();
        assert_eq!(providers[0].scopes, ["openid", "email", "profile"]);
        assert!("[]".parse::<Providers>().unwrap().0.is_empty());
        let scoped = r#"[{"name": "a", "issuer": "i", "clientId": "x", "scopes": ["email"]}]"#;
        assert_eq!(
            scoped.parse::<Providers>().unwrap().0[0].scopes,
            ["openid", "email"]
        );
        for wrong in [
            "",
            "{}",
            r#"[{"name": "A", "issuer": "i", "clientId": "x"}]"#,
            r#"[{"name": "a", "issuer": "i"}]"#,
            r#"[{"name": "a", "issuer": "i", "clientId": "x", "provesEmail": "yes"}]"#,
            r#"[{"name": "a", "issuer": "i", "clientId": "x", "clientSecret": "y"}]"#,
            r#"[{"name": "a", "issuer": "i", "clientId": "x"}, {"name": "a", "issuer": "j", "clientId": "x"}]"#,
        ] {
            assert!(wrong.parse::<Providers>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_provider_proves_addresses_only_where_it_is_said() {
        let proves = |more: &str| {
            let one = r#""name": "a", "issuer": "https://a.example", "clientId": "x""#;
            let Providers(providers) = format!("[{{{one}{more}}}]").parse().unwrap();
            providers[0].proves_email
        };
        assert!(proves(r#", "provesEmail": true"#));
        assert!(!proves(r#", "provesEmail": false"#) && !proves(""));
    }

    #[test]
    fn an_issuer_that_cannot_be_one_is_refused_at_the_start() {
        let common = "https://login.microsoftonline.com/common/v2.0";
        for issuer in [common, "https://github.com"] {
            let one = format!(r#"[{{"name": "a", "issuer": "{issuer}", "clientId": "x"}}]"#);
            let error = one.parse::<Providers>().unwrap_err();
            assert!(error.starts_with("`a`: "), "{error}");
        }
    }

    #[test]
    fn no_secret_gets_into_a_log() {
        let mut secrets = ClientSecrets::default();
        secrets.insert("a".parse().unwrap(), "hunter2".into());
        assert!(!format!("{secrets:?}").contains("hunter2"));
    }
}
