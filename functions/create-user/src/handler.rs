//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::{Email, Name},
    lambda::http::{Access, Request, Response, response},
};

use crate::create_user::{Command, CreateUser, Outcome};

/// The policy decides who may; an administrator's token is looked at if there is one.
pub const ACCESS: Access = Access::AnyoneOrCaller;

/// `POST /users`.
pub async fn handle(create: Arc<CreateUser>, request: Request) -> Response {
    let mode = create.admit(request.caller.as_ref().map(|caller| caller.is_admin))?;
    let command = read(&create, &request)?;
    match create.execute(command, mode).await? {
        Outcome::Created(user) => response::created(&user),
        Outcome::Accepted => response::accepted(),
    }
}

fn read(create: &CreateUser, request: &Request) -> shared::domain::Result<Command> {
    let idempotency_key = request.idempotency_key()?;
    let mut fields = request.fields()?;
    let email = fields.parse::<Email>("email");
    let name = fields.parse::<Name>("name");
    // What is known of the person makes a weak password; what is wrong of it cannot.
    let context: Vec<&str> = [
        email.as_ref().map(Email::as_str),
        name.as_ref().map(Name::as_str),
    ]
    .into_iter()
    .flatten()
    .collect();
    let password = fields.parse_with("password", |raw| create.passwords.choose(raw, &context));
    let ((email, name), password) = fields.finish(email.zip(name).zip(password))?;
    Ok(Command {
        email,
        name,
        password,
        origin: request.origin(),
        idempotency_key,
    })
}
