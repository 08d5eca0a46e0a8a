//! The use case: the reader of a mail proves its address.

use shared::{
    application::{
        link_password::{Chosen, LinkPassword, PasswordChoice},
        reauthentication::Reauthentication,
        token_redemption::{Subject, TokenRedemption, WaitingSignUp},
    },
    domain::{
        Error, FieldError, OneTimeToken, Origin, Password, Refusal, Result, TokenPurpose, User,
        UserId, device::Device, sign_up::SignUpPolicy,
    },
};

/// Proves addresses.
pub struct VerifyEmail {
    /// Decides whether a taken address is answered by 409.
    pub policy: SignUpPolicy,
    /// Compares passwords.
    pub reauthentication: Reauthentication,
    /// Gives accounts the passwords that were chosen by link.
    pub link_password: LinkPassword,
}

/// What shows, beside the link, who controls the account.
#[derive(Debug)]
pub enum Control {
    /// The user who is signed in.
    Session(UserId),
    /// The present password.
    Password(Password),
    Nothing,
}

/// A proof.
#[derive(Debug)]
pub struct Command {
    /// What was in the mail.
    pub token: OneTimeToken,
    pub control: Control,
    /// Where the command came from.
    pub origin: Origin,
}

impl VerifyEmail {
    /// Notes the present address as proven, or moves the user to the one asked for, as the token says.
    /// Nothing more happens if the token did that before.
    ///
    /// # Errors
    /// `TokenExpired` if the token is not good, or nothing is left to redeem; `ProofRequired` if nothing
    /// shows who controls the account; `InvalidCredentials` if the password is wrong, `TooManyRequests` if
    /// it was guessed, or the request repeated, too often: after these three the token stays good.
    /// `EmailTaken` if another user proved the address first, but only where anybody learns who has one.
    pub async fn confirm(&self, command: Command) -> Result<()> {
        if command.token.purpose == TokenPurpose::PasswordReset {
            return Err(Refusal::TokenExpired.into());
        }
        match self.confirm_once(&command).await {
            Err(Error::Refused(Refusal::TokenExpired)) => self.repeat(&command).await,
            outcome => outcome,
        }
    }

    async fn confirm_once(&self, command: &Command) -> Result<()> {
        let Command {
            token,
            control,
            origin,
        } = command;
        match (self.redemption().check(token).await?, control) {
            (Subject::User(user), control) => self.require(control, &user, origin).await?,
            (Subject::SignUp(waiting), Control::Password(password)) => {
                return self.begin(token, &waiting, password, origin).await;
            }
            _ => return Err(Refusal::ProofRequired.into()),
        }
        let confirm =
            self.redemption()
                .redeem(token, origin.clone(), |user, password, metadata| {
                    if token.purpose == TokenPurpose::EmailChange {
                        return user.confirm_email(password, metadata);
                    }
                    let change = user.verify_email(metadata);
                    change.ok_or_else(|| Refusal::TokenExpired.into())
                });
        let confirmed = confirm.await.map_err(|error| self.conceal(error));
        confirmed.map(drop)
    }

    /// The same proof again of what is done.
    async fn repeat(&self, command: &Command) -> Result<()> {
        let Command {
            token,
            control,
            origin,
        } = command;
        if matches!(control, Control::Nothing) {
            return Err(Refusal::TokenExpired.into());
        }
        let user = self.redemption().redeemed(token).await?;
        self.require(control, &user, origin).await
    }

    /// # Errors
    /// `ProofRequired` unless `control` shows that the sender controls the account, and those of a wrong
    /// password.
    async fn require(&self, control: &Control, user: &User, origin: &Origin) -> Result<()> {
        match control {
            Control::Session(caller) if *caller == user.id => Ok(()),
            Control::Password(password) => {
                let device = Device::of_links(user.id);
                self.reauthentication
                    .verify(user, Some(device), password, origin)
                    .await
            }
            Control::Session(_) | Control::Nothing => Err(Refusal::ProofRequired.into()),
        }
    }

    /// Proves the address by a password which the reader of the mail chooses: see
    /// [`LinkPassword::choose`].
    ///
    /// # Errors
    /// As there; `Invalid` if the link is for another address: it only confirms.
    pub async fn choose_password(&self, choice: PasswordChoice) -> Result<Chosen> {
        match choice.token.purpose {
            TokenPurpose::PasswordReset => Err(Refusal::TokenExpired.into()),
            TokenPurpose::EmailChange => {
                let message = "a link to another address only confirms it";
                Err(FieldError::new("/newPassword", "not-allowed", message).into())
            }
            TokenPurpose::EmailVerification | TokenPurpose::SignUp | TokenPurpose::Invitation => {
                self.link_password.choose(choice).await
            }
        }
    }

    /// Makes the account of a sign-up that waited, if this is the password which was chosen then.
    async fn begin(
        &self,
        token: &OneTimeToken,
        waiting: &WaitingSignUp,
        password: &Password,
        origin: &Origin,
    ) -> Result<()> {
        self.reauthentication
            .verify_sign_up(waiting, password, origin)
            .await?;
        self.redemption().begin(token, origin).await?;
        self.redemption().forget(waiting).await;
        Ok(())
    }

    fn redemption(&self) -> &TokenRedemption {
        &self.link_password.redemption
    }

    fn conceal(&self, error: Error) -> Error {
        match error {
            Error::Refused(Refusal::EmailTaken) if self.policy != SignUpPolicy::Open => {
                Refusal::TokenExpired.into()
            }
            error => error,
        }
    }
}

#[cfg(test)]
mod invitation_tests;
#[cfg(test)]
mod tests;
