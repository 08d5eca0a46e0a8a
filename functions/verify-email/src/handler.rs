//! HTTP to the use case and back.

use std::sync::Arc;

use shared::{
    application::link_password::{Chosen, PasswordChoice},
    domain::{FieldError, Name, Password},
    lambda::{
        body,
        http::{Access, Request, Response, body::JsonObject, response},
    },
};

use crate::verify_email::{Command, Control, VerifyEmail};

/// Anyone who has the token; beside it counts who is signed in.
pub const ACCESS: Access = Access::ANYONE_OR_CALLER;

body! {
    struct Body {
        token: String = text("token"),
        password: Option<Password> = optional("password", JsonObject::text),
        new_password: Option<Password> = optional("newPassword", JsonObject::text),
        name: Option<Name> = optional("name", JsonObject::text),
    }
}

/// `PUT /email-verifications`.
pub async fn handle(verify: Arc<VerifyEmail>, request: Request) -> Response {
    let body: Body = request.body()?;
    body.check()?;
    let token = body.token.parse()?;
    let caller = request.caller.as_ref().map(|caller| caller.user_id);
    let origin = request.origin();
    let Some(password) = body.new_password else {
        let control = match (body.password, caller) {
            (Some(password), _) => Control::Password(password),
            (None, Some(caller)) => Control::Session(caller),
            (None, None) => Control::Nothing,
        };
        let command = Command {
            token,
            control,
            origin,
        };
        verify.confirm(command).await?;
        return response::no_content();
    };
    let choice = PasswordChoice {
        token,
        password,
        name: body.name,
        caller,
        issuer: request.issuer.clone(),
        origin,
    };
    match verify.choose_password(choice).await? {
        Chosen::SignedIn(token_pair) => response::began(&token_pair),
        Chosen::Repeated => response::no_content(),
    }
}

impl Body {
    /// # Errors
    /// If two fields contradict each other.
    fn check(&self) -> Result<(), FieldError> {
        let wrong = |pointer, message| Err(FieldError::new(pointer, "not-allowed", message));
        match (&self.password, &self.new_password, &self.name) {
            (Some(_), Some(_), _) => wrong("/newPassword", "comes in the place of `password`"),
            (_, None, Some(_)) => wrong("/name", "comes with `newPassword` only"),
            _ => Ok(()),
        }
    }
}
