//! External identities: accounts at OpenID providers by which users sign in.

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{Email, LoginKey, Name, Timestamp, error::Violation};

/// The name of a provider in this deployment: 1 to 32 of `a-z`, `0-9` and `-`, such as `google`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ProviderName(String);

impl FromStr for ProviderName {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        let is_allowed =
            |byte: u8| byte == b'-' || byte.is_ascii_digit() || byte.is_ascii_lowercase();
        if (1..=32).contains(&raw.len()) && raw.bytes().all(is_allowed) {
            Ok(Self(raw.to_owned()))
        } else {
            Err(Violation::new("unknown-provider", "is no provider's name"))
        }
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a client needs to begin a sign-in at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// As in paths and settings of this deployment.
    pub name: ProviderName,
    /// Its issuer identifier. A client holds the `iss` of the answer against it (RFC 9207).
    pub issuer: String,
    /// The client id of this deployment at the provider.
    pub client_id: String,
    /// Where the client sends the user.
    pub authorization_endpoint: String,
    /// The scopes to ask for.
    pub scopes: Vec<String>,
}

/// The result of a sign-in at a provider, as the client hands it over: an authorization code and what
/// binds it to that client.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// The code is shown to no other provider.
    pub provider: ProviderName,
    /// Good once.
    pub code: AuthorizationCode,
    /// Proves that it was this client who asked for the code.
    pub code_verifier: CodeVerifier,
    /// Proves that the ID token was made for this sign-in.
    pub nonce: Nonce,
    /// Where the provider sent the code.
    pub redirect_uri: RedirectUri,
}

/// An authorization code: 1 to 2,048 visible characters (RFC 6749, A.11).
#[derive(Debug, Clone)]
pub struct AuthorizationCode(pub SecretString);

impl FromStr for AuthorizationCode {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        visible(raw, 1, 2048, "invalid-code").map(|code| Self(code.into()))
    }
}

/// A code verifier: 43 to 128 unreserved characters (RFC 7636, 4.1).
#[derive(Debug, Clone)]
pub struct CodeVerifier(pub SecretString);

impl FromStr for CodeVerifier {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if (43..=128).contains(&raw.len()) && raw.bytes().all(is_unreserved) {
            Ok(Self(raw.into()))
        } else {
            let message = "is not 43 to 128 of A-Z, a-z, 0-9 and -._~";
            Err(Violation::new("invalid-code-verifier", message))
        }
    }
}

/// A nonce: 16 to 255 visible characters. Shorter ones can be guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(pub String);

impl FromStr for Nonce {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        visible(raw, 16, 255, "invalid-nonce").map(Self)
    }
}

/// A redirection URI: absolute, without fragment (RFC 6749, 3.1.2), at most 2,048 bytes. Which ones
/// are good, the provider knows, where the client is registered with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri(pub String);

impl FromStr for RedirectUri {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        match Url::parse(raw) {
            // As it came: the provider compares it letter by letter.
            Ok(url) if url.fragment().is_none() && raw.len() <= 2048 => Ok(Self(raw.to_owned())),
            _ => {
                let message = "is not an absolute URI without fragment";
                Err(Violation::new("invalid-uri", message))
            }
        }
    }
}

/// `raw`, if it is `least` to `most` visible ASCII characters.
fn visible(raw: &str, least: usize, most: usize, code: &'static str) -> Result<String, Violation> {
    if (least..=most).contains(&raw.len()) && raw.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(raw.to_owned())
    } else {
        let message = format!("is not {least} to {most} visible ASCII characters");
        Err(Violation::new(code, message))
    }
}

/// An account at a provider, just proven by a sign-in.
#[derive(Debug, Clone)]
pub struct ExternalIdentity {
    /// The provider of the sign-in.
    pub provider: ProviderName,
    /// Issuer and `sub`.
    pub identity: LoginKey,
    /// When the person signed in there. A provider says so if the client asks by `max_age` (OpenID
    /// Connect Core 1.0, 3.1.2.1).
    pub auth_time: Option<Timestamp>,
    /// The profile in the ID token; none if it has no address.
    pub profile: Option<IdentityProfile>,
    /// For the provider's user info endpoint.
    pub access_token: Option<SecretString>,
}

/// What a provider says of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityProfile {
    /// None if it is missing or not valid here.
    pub email: Option<Email>,
    /// True if the provider knows that the person reads mail there.
    pub email_verified: bool,
    /// None if it is missing or not valid here.
    pub name: Option<Name>,
}

/// Names one of a user's identities in a path: 43 characters of base64url. Issuer and subject would
/// need escaping, and a subject may be an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct IdentityId(String);

impl IdentityId {
    /// The name of this login.
    pub fn of(login: &LoginKey) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(login.to_string())))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One of a user's identities, as the user sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkedIdentity {
    /// Its name in paths.
    pub id: IdentityId,
    /// The provider's issuer identifier.
    pub issuer: String,
    /// The provider's `sub`.
    pub subject: String,
}

impl LinkedIdentity {
    /// The identity that this login is; nothing if it is an address.
    pub fn of(login: &LoginKey) -> Option<Self> {
        match login {
            LoginKey::Email(_) => None,
            LoginKey::Oidc { issuer, subject } => Some(Self {
                id: IdentityId::of(login),
                issuer: issuer.clone(),
                subject: subject.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T: FromStr<Err = Violation>>(raw: &str) -> Result<(), &'static str> {
        raw.parse::<T>()
            .map(|_| ())
            .map_err(|violation| violation.code)
    }

    #[test]
    fn what_a_client_hands_over_is_held_to_its_grammar() {
        for good in ["google", "my-idp-2", &"a".repeat(32)] {
            let name: ProviderName = good.parse().unwrap();
            assert_eq!(name.to_string(), good);
        }
        for bad in ["", "Google", "a/b", "a b", &"a".repeat(33)] {
            assert_eq!(code::<ProviderName>(bad), Err("unknown-provider"), "{bad}");
        }
        for (raw, expected) in [
            (43, Ok(())),
            (128, Ok(())),
            (42, Err("invalid-code-verifier")),
            (129, Err("invalid-code-verifier")),
        ] {
            assert_eq!(code::<CodeVerifier>(&"~".repeat(raw)), expected);
        }
        assert!(code::<CodeVerifier>(&"+".repeat(43)).is_err());
        assert_eq!(code::<AuthorizationCode>("4/0Ab_x-y.z%2B"), Ok(()));
        assert_eq!(code::<AuthorizationCode>("a b"), Err("invalid-code"));
        assert_eq!(code::<Nonce>(&"n".repeat(16)), Ok(()));
        assert_eq!(code::<Nonce>("short"), Err("invalid-nonce"));
        for good in ["https://app.example.com/cb?x=1", "com.example.app:/cb"] {
            assert_eq!(code::<RedirectUri>(good), Ok(()));
        }
        for bad in ["/cb", "https://app.example.com/cb#x", ""] {
            assert_eq!(code::<RedirectUri>(bad), Err("invalid-uri"), "{bad}");
        }
    }

    #[test]
    fn no_code_gets_into_logs() {
        let code: AuthorizationCode = "c0ffee".parse().unwrap();
        let verifier: CodeVerifier = "v".repeat(43).parse().unwrap();
        assert!(!format!("{code:?} {verifier:?}").contains("ffee"));
        assert!(!format!("{verifier:?}").contains("vvvv"));
    }

    #[test]
    fn identities_of_two_issuers_have_two_names() {
        let of = |issuer: &str| {
            IdentityId::of(&LoginKey::Oidc {
                issuer: issuer.to_owned(),
                subject: "1".to_owned(),
            })
        };
        assert_eq!(of("https://a.example"), of("https://a.example"));
        assert_ne!(of("https://a.example"), of("https://b.example"));
        assert_eq!(of("https://a.example").as_str().len(), 43);
    }
}
