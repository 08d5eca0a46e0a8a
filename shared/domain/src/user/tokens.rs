//! What the one-time tokens of a user are bound to.

use super::User;
use crate::token::{TokenBinding, TokenPurpose};

impl TokenBinding {
    /// What a token of `user` for `purpose` is bound to now; none if there is nothing that such a token
    /// could do.
    pub fn of(user: &User, purpose: TokenPurpose) -> Option<Self> {
        let (address, epoch) = match purpose {
            TokenPurpose::PasswordReset => (&user.email, user.recovery_epoch),
            TokenPurpose::EmailVerification | TokenPurpose::Invitation => {
                (&user.email, user.auth_epoch)
            }
            TokenPurpose::EmailChange => (user.pending_email.as_ref()?, user.auth_epoch),
            TokenPurpose::SignUp => return None,
        };
        Some(Self {
            address: address.clone(),
            epoch,
        })
    }
}
