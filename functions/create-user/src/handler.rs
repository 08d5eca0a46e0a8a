//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    domain::{
        Authority, Email, Error, Name, Password, PasswordPolicy, error::Violation,
        sign_up::SignUpMode,
    },
    lambda::http::{Access, Request, Response, body::JsonObject, response},
};

use crate::create_user::{Command, CreateUser, Kind, Outcome};

/// The policy says who may; the token of an administrator counts if there is one.
pub const ACCESS: Access = Access::ANYONE_OR_CALLER.recent_by_role();

struct Body {
    email: Email,
    name: Name,
    kind: Kind,
}

/// `POST /users`.
pub async fn handle(create: Arc<CreateUser>, request: Request) -> Response {
    let caller = request.caller.as_ref();
    let mode = create
        .policy
        .mode_for(caller.map(|caller| caller.authority == Authority::Admin))?;
    let idempotency_key = request.idempotency_key()?;
    let body = request.body_with(|object| Body::read(object, mode, create.passwords))?;
    let command = Command {
        kind: body.kind,
        email: body.email,
        name: body.name,
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
    fn read(object: &mut JsonObject, mode: SignUpMode, passwords: PasswordPolicy) -> Option<Self> {
        let (email, name) = (object.text("email"), object.text("name"));
        let mut password = || object.text_with("password", |text| passwords.measure(text));
        let kind = match mode {
            SignUpMode::Open => password().map(Kind::SignUp),
            SignUpMode::Concealed => password().map(Kind::Concealed),
            SignUpMode::ByAdmin => no_password(object).map(|()| Kind::Invitation),
        };
        Some(Self {
            email: email?,
            name: name?,
            kind: kind?,
        })
    }
}

/// Refuses a password: nobody else may know it.
fn no_password(object: &mut JsonObject) -> Option<()> {
    let refuse = |object: &mut JsonObject, name: &str| {
        object.text_with(name, |_| {
            let message = "is chosen by the user alone, by the link in the mail";
            Err::<Password, _>(Violation::new("not-allowed", message))
        })
    };
    object.optional("password", refuse).map(|_| ())
}
