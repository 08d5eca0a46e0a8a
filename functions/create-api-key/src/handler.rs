//! HTTP to the use case and back.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use serde::Serialize;
use shared::{
    domain::{
        self, Name, ServiceName,
        api_key::{DAYS, DEFAULT_DAYS, KeyRole, ListedApiKey, NewApiKey},
        error::Violation,
    },
    lambda::{
        body,
        http::{Access, Request, Response, StatusCode, body::JsonObject, response},
    },
};

use crate::create_api_key::{Command, CreateApiKey};

/// Administrators.
pub const ACCESS: Access = Access::ADMIN.recent();

body! {
    struct Body {
        name: Name = text("name"),
        role: KeyRole = text("role"),
        service: Option<ServiceName> = optional("service", JsonObject::text),
        days: Option<u16> = optional("expiresInDays", |object: &mut JsonObject, name| object.integer(name, &DAYS)),
    }
}

/// `POST /api-keys`.
pub async fn handle(create: Arc<CreateApiKey>, request: Request) -> Response {
    let Body {
        name,
        role,
        service,
        days,
    } = request.body()?;
    if service.is_some() && !role.is_service() {
        let violation = Violation::new("not-for-role", "is only for keys with the role service");
        return Err(domain::Error::from(violation.at("/service")).into());
    }
    let days = days.unwrap_or(DEFAULT_DAYS);
    let command = Command {
        new: NewApiKey {
            name,
            role,
            service,
            days,
        },
        origin: request.origin(),
    };
    let (key, token) = create.execute(command).await?;
    let listed = ListedApiKey {
        key,
        last_used_on: None,
    };
    let token = token.encode();
    let body = Created {
        key: response::ApiKeyBody::new(&listed),
        token: token.expose_secret(),
    };
    response::json(StatusCode::CREATED, &body)
}

/// The key and, this once, the token that opens it.
#[derive(Serialize)]
struct Created<'a> {
    #[serde(flatten)]
    key: response::ApiKeyBody<'a>,
    token: &'a str,
}
