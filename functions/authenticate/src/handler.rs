//! HTTP to the use case and back.

use std::sync::Arc;

use lambda_http::http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use shared::{
    domain::{Email, Password, error::Violation, user::Profile},
    http::{Access, Call, Reply, reply},
};

use crate::authenticate::{Authenticate, Command, SignedIn};

/// Who signs in has no token yet.
pub const ACCESS: Access = Access::Anyone;

/// `POST /sessions`.
pub async fn handle(authenticate: Arc<Authenticate>, call: Call) -> Reply {
    let mut fields = call.fields()?;
    let strategy = fields.parse_optional::<Strategy>("strategy");
    let email = fields.parse::<Email>("email");
    let password = fields.text("password").map(|raw| Password::presented(&raw));
    let ((_, email), password) = fields.finish(strategy.zip(email).zip(password))?;
    let command = Command {
        email,
        password,
        issuer: call.issuer.clone(),
        origin: call.origin(),
    };
    let signed_in = authenticate.execute(command).await?;
    // `Cache-Control: no-store` is on every answer that does not say otherwise.
    reply::json(StatusCode::CREATED, &Body::from(&signed_in))
}

/// How to prove who one is; `password` if nothing is said.
struct Strategy;

impl std::str::FromStr for Strategy {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        if raw == "password" {
            Ok(Self)
        } else {
            Err(Violation::new("unknown-strategy", "is not password"))
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    refresh_token: String,
    user: Profile,
}

impl<'a> From<&'a SignedIn> for Body<'a> {
    fn from(signed_in: &'a SignedIn) -> Self {
        Self {
            access_token: signed_in.access.token.expose_secret(),
            token_type: "Bearer",
            expires_in: signed_in.access.expires_in,
            refresh_token: signed_in.refresh.encode().expose_secret().to_owned(),
            user: signed_in.user.profile(),
        }
    }
}
