//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::{Authority, Email, Error, Name, Password, PasswordPolicy},
    lambda::http::{Access, Request, Response, body::JsonObject, response},
};

use crate::create_user::{Command, CreateUser, Outcome};

/// The policy says who may; the token of an administrator counts if there is one.
pub const ACCESS: Access = Access::ANYONE_OR_CALLER.recent_by_role();

struct Body {
    email: Email,
    name: Name,
    password: Password,
}

/// `POST /users`.
pub async fn handle(create: Arc<CreateUser>, request: Request) -> Response {
    let caller = request.caller.as_ref();
    let mode = create
        .policy
        .mode_for(caller.map(|caller| caller.authority == Authority::Admin))?;
    let idempotency_key = request.idempotency_key()?;
    let body = request.body_with(|object| Body::read(object, create.passwords))?;
    let command = Command {
        mode,
        email: body.email,
        name: body.name,
        password: body.password,
        origin: request.origin(),
        idempotency_key,
    };
    match create.execute(command).await.map_err(at_password)? {
        Outcome::Created(user) => response::created(&user),
        Outcome::Accepted => response::accepted(),
    }
}

/// A weak password is a wrong field.
fn at_password(error: Error) -> Error {
    match error {
        Error::PasswordRejected(violation) => violation.at("/password").into(),
        other => other,
    }
}

impl Body {
    /// Whether the password is weak is judged later: that costs too much for a caller who is in no
    /// limit yet.
    fn read(object: &mut JsonObject, passwords: PasswordPolicy) -> Option<Self> {
        let (email, name) = (object.text("email"), object.text("name"));
        let password = object.text_with("password", |text| passwords.measure(text));
        Some(Self {
            email: email?,
            name: name?,
            password: password?,
        })
    }
}
