//! HTTP to the use case and back.

use std::{str::FromStr, sync::Arc};

use shared::{
    domain::{error::Violation, identity::Authorization},
    lambda::http::{
        Access, Request, Response, StatusCode,
        body::{JsonObject, RequestBody},
        response,
    },
};

use crate::{
    authenticate::{Authenticate, Command, Credentials},
    password::PasswordCredentials,
};

/// Before the sign-in there is no token.
pub const ACCESS: Access = Access::ANYONE;

/// `POST /sessions`.
pub async fn handle(authenticate: Arc<Authenticate>, request: Request) -> Response {
    let command = Command {
        credentials: request.body()?,
        issuer: request.issuer.clone(),
        origin: request.origin(),
    };
    let token_pair = authenticate.execute(command).await?;
    response::token_pair(StatusCode::CREATED, &token_pair)
}

/// The value of `strategy`.
#[derive(Default)]
enum Strategy {
    #[default]
    Password,
    Oidc,
}

impl FromStr for Strategy {
    type Err = Violation;

    fn from_str(name: &str) -> Result<Self, Violation> {
        match name {
            "password" => Ok(Self::Password),
            "oidc" => Ok(Self::Oidc),
            _ => Err(Violation::new(
                "unknown-strategy",
                "is not one of password, oidc",
            )),
        }
    }
}

impl RequestBody for Credentials {
    fn read(object: &mut JsonObject) -> Option<Self> {
        Some(match object.tag("strategy")? {
            Strategy::Password => Self::Password(PasswordCredentials::read(object)?),
            Strategy::Oidc => Self::Oidc(Authorization::read(object)?),
        })
    }
}

impl RequestBody for PasswordCredentials {
    fn read(object: &mut JsonObject) -> Option<Self> {
        let (email, password) = (object.text("email"), object.text("password"));
        Some(Self {
            email: email?,
            password: password?,
        })
    }
}
