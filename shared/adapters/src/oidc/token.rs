//! The token endpoint (RFC 6749, 4.1.3; RFC 7636, 4.5).

use domain::{Refusal, Result, identity::Authorization};
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::form_urlencoded;

use super::{Client, lenient, metadata::Metadata, unavailable, web::Web};

/// The tokens for a code.
pub(super) struct Tokens {
    pub(super) id_token: String,
    pub(super) access_token: Option<SecretString>,
}

#[derive(Deserialize)]
struct Answer {
    id_token: String,
    #[serde(default, deserialize_with = "lenient::optional")]
    access_token: Option<String>,
}

/// RFC 6749, 5.2.
#[derive(Deserialize)]
struct Problem {
    error: String,
}

/// Errors which no other code would avoid: the provider refuses the deployment.
const OURS: [&str; 3] = [
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
];

/// Exchanges a code.
///
/// # Errors
/// `InvalidCredentials` if the provider refuses the code or what binds it; `ProviderUnavailable`.
pub(super) async fn exchange(
    web: &Web,
    client: &Client,
    metadata: &Metadata,
    authorization: &Authorization,
) -> Result<Tokens> {
    let endpoint = &metadata.token_endpoint;
    let (form, basic) = request(client, metadata, authorization)?;
    let (status, body) = web.post(endpoint, form, basic).await?;
    match status {
        StatusCode::OK => {
            let answer: Answer = serde_json::from_slice(&body)
                .map_err(|_| unavailable(format!("{endpoint}: no ID token")))?;
            Ok(Tokens {
                id_token: answer.id_token,
                access_token: answer.access_token.map(Into::into),
            })
        }
        StatusCode::BAD_REQUEST => {
            let problem = serde_json::from_slice(&body).ok();
            match problem.map(|Problem { error }| error) {
                Some(error) if OURS.contains(&error.as_str()) => {
                    Err(unavailable(format!("{endpoint}: {error}")))
                }
                _ => Err(Refusal::InvalidCredentials.into()),
            }
        }
        _ => Err(unavailable(format!("{endpoint}: {status}"))),
    }
}

/// The form that exchanges a code, and the client's name and password where they go into a header.
fn request(
    client: &Client,
    metadata: &Metadata,
    authorization: &Authorization,
) -> Result<(String, Option<(String, String)>)> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", authorization.code.0.expose_secret())
        .append_pair("redirect_uri", &authorization.redirect_uri.0)
        .append_pair(
            "code_verifier",
            authorization.code_verifier.0.expose_secret(),
        );
    let id = &client.settings.client_id;
    let supports = |method: &str| {
        let mut supported = metadata.authentication_methods();
        supported.any(|known| known == method)
    };
    let basic = match &client.secret {
        None => {
            form.append_pair("client_id", id);
            None
        }
        Some(secret) if supports("client_secret_basic") => {
            Some((encode(id), encode(secret.expose_secret())))
        }
        Some(secret) if supports("client_secret_post") => {
            form.append_pair("client_id", id)
                .append_pair("client_secret", secret.expose_secret());
            None
        }
        Some(_) => return Err(unavailable("no way to authenticate with a client secret")),
    };
    Ok((form.finish(), basic))
}

/// RFC 6749, 2.3.1: name and password of a client are form-encoded before they are joined.
fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
