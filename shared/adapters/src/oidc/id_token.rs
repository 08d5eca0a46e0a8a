//! ID tokens (OpenID Connect Core 1.0, 2 and 3.1.3.7).

use std::time::Duration;

use domain::{
    Timestamp,
    identity::{IdentityProfile, Nonce},
};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, jwk::Jwk};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{lenient, metadata::Metadata};

/// How far a provider's clock may differ from ours.
const LEEWAY: Duration = Duration::from_secs(30);

/// Bytes of a subject (2: 255 ASCII characters).
const MAX_SUBJECT: usize = 255;

/// The algorithms of ID tokens. None is symmetric: the client secret would sign, and a public key could
/// be taken for one.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// The claims of a good ID token. Those that [`Claims::check`] looks at are strict; the others are left
/// out if they are of an unexpected type.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) sub: String,
    aud: Audience,
    #[serde(default)]
    azp: Option<String>,
    exp: NumericDate,
    iat: NumericDate,
    #[serde(default)]
    nbf: Option<NumericDate>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default, deserialize_with = "lenient::optional")]
    pub(super) auth_time: Option<NumericDate>,
    #[serde(flatten)]
    pub(super) profile: ProfileClaims,
}

/// Seconds since 1970, which may have a fraction (RFC 7519, 2). Held within the years 1970 to 9999.
#[derive(Debug, Clone, Copy)]
pub(super) struct NumericDate(pub(super) Timestamp);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?.max(0.0);
        let since = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        Ok(Self(Timestamp::EPOCH.plus(since)))
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// The answer of the user info endpoint (5.3.2).
#[derive(Deserialize)]
pub(super) struct UserInfo {
    pub(super) sub: String,
    #[serde(flatten)]
    pub(super) profile: ProfileClaims,
}

/// Claims about the person (5.1).
#[derive(Debug, Default, Deserialize)]
pub(super) struct ProfileClaims {
    #[serde(default, deserialize_with = "lenient::optional")]
    email: Option<String>,
    #[serde(default)]
    email_verified: Value,
    #[serde(default, deserialize_with = "lenient::optional")]
    name: Option<String>,
}

impl ProfileClaims {
    /// The profile; none without an address. An address or a name that is not valid here is left out.
    /// What the provider says of the address counts only if it `proves_email`.
    pub(super) fn into_profile(self, proves_email: bool) -> Option<IdentityProfile> {
        let email = self.email?.parse().ok();
        Some(IdentityProfile {
            email_verified: proves_email && is_yes(&self.email_verified) && email.is_some(),
            email,
            name: self.name.and_then(|name| name.parse().ok()),
        })
    }
}

/// Providers write a boolean, as the specification says; or a text (Apple, Cognito); or a number (bridges
/// from SAML).
fn is_yes(flag: &Value) -> bool {
    match flag {
        Value::Bool(flag) => *flag,
        Value::String(flag) => flag == "true",
        Value::Number(flag) => flag.as_f64() == Some(1.0),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// What the claims must equal.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a Nonce,
    pub(super) now: Timestamp,
}

/// The header of a token, if its algorithm is one by which this provider may sign.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn header(token: &str, metadata: &Metadata) -> Result<Header, &'static str> {
    // `none` does not parse.
    let header = jsonwebtoken::decode_header(token).map_err(|_| "it is no JWT")?;
    let mut declared = metadata.signing_algorithms();
    let is_declared = declared.any(|name| name.parse() == Ok(header.alg));
    if !ALGORITHMS.contains(&header.alg) || !is_declared {
        return Err("its algorithm is not one for ID tokens");
    }
    // RFC 7515, 4.1.11: we understand no extension.
    if header.crit.is_some() {
        return Err("it has critical extensions");
    }
    Ok(header)
}

/// The claims of the token, if it was signed by `key` and they are as expected.
///
/// # Errors
/// Says what is wrong with it, for the log alone.
pub(super) fn verify(
    token: &str,
    key: &Jwk,
    alg: Algorithm,
    expected: &Expected<'_>,
) -> Result<Claims, &'static str> {
    let key = DecodingKey::from_jwk(key).map_err(|_| "its key is no key")?;
    // The signature alone; the claims are checked below, in the order of 3.1.3.7.
    let mut signature = Validation::new(alg);
    signature.required_spec_claims.clear();
    signature.validate_exp = false;
    signature.validate_aud = false;
    let signed = jsonwebtoken::decode::<Value>(token, &key, &signature)
        .map_err(|_| "its signature is wrong")?
        .claims;
    // Without the parser's message: claims are personal data.
    let claims: Claims = serde_json::from_value(signed)
        .map_err(|_| "a claim that counts is missing or of a wrong type")?;
    claims.check(expected).map(|()| claims)
}

impl Claims {
    fn check(&self, expected: &Expected<'_>) -> Result<(), &'static str> {
        if self.iss != expected.issuer {
            return Err("it is another issuer's");
        }
        let (is_for_us, is_for_others) = match &self.aud {
            Audience::One(one) => (one == expected.client_id, false),
            Audience::Many(all) => (
                all.iter().any(|one| one == expected.client_id),
                all.iter().any(|one| one != expected.client_id),
            ),
        };
        if !is_for_us {
            return Err("it is for another client");
        }
        match &self.azp {
            Some(azp) if azp != expected.client_id => return Err("it was given to another client"),
            // Other audiences are unknown to us; then `azp` must say that it was issued to us.
            None if is_for_others => return Err("it is for others too, and not given to us"),
            _ => {}
        }
        let now = expected.now;
        if self.exp.0.plus(LEEWAY) <= now {
            return Err("it has expired");
        }
        let from = self.nbf.map_or(self.iat.0, |nbf| nbf.0.max(self.iat.0));
        if from > now.plus(LEEWAY) {
            return Err("it is from the future");
        }
        if self.nonce.as_ref() != Some(&expected.nonce.0) {
            return Err("it was made for another sign-in");
        }
        if self.sub.is_empty() || self.sub.len() > MAX_SUBJECT {
            return Err("its subject is none");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
