//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::{Email, Name, NewPassword, PasswordPolicy},
    lambda::http::{Access, Request, Response, body::JsonObject, response},
};

use crate::create_user::{Command, CreateUser, Outcome};

/// The policy says who may; the token of an administrator counts if there is one.
pub const ACCESS: Access = Access::ANYONE_OR_CALLER.recent_by_role();

struct Body {
    email: Email,
    name: Name,
    password: NewPassword,
}

/// `POST /users`.
pub async fn handle(create: Arc<CreateUser>, request: Request) -> Response {
    let caller = request.caller.as_ref();
    let mode = create
        .policy
        .mode_for(caller.map(|caller| caller.is_admin))?;
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
    match create.execute(command).await? {
        Outcome::Created(user) => response::created(&user),
        Outcome::Accepted => response::accepted(),
    }
}

impl Body {
    /// A password is weak if it is made of the user's address or name.
    fn read(object: &mut JsonObject, passwords: PasswordPolicy) -> Option<Self> {
        let (email, name) = (object.text("email"), object.text("name"));
        let about = [
            email.as_ref().map(Email::as_str),
            name.as_ref().map(Name::as_str),
        ];
        let about: Vec<&str> = about.into_iter().flatten().collect();
        let password = object.text_with("password", |text| passwords.choose(text, &about));
        Some(Self {
            email: email?,
            name: name?,
            password: password?,
        })
    }
}
