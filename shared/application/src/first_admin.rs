//! How the first administrator gets in where nobody may sign up.

use std::sync::Arc;

use domain::{Email, Error, LoginKey, Name, Origin, Refusal, Result, User, UserId, user::Invitee};

use crate::ports::{Env, UserRepository};

/// Invites the first administrator.
pub struct FirstAdminInvitations {
    pub users: Arc<dyn UserRepository>,
    pub env: Env,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstAdminInvitation {
    /// The invitation is made; its observer mails it.
    Made,
    /// There is an administrator, who may invite.
    NotNeeded,
    /// This user has the address.
    Taken(UserId),
}

impl FirstAdminInvitations {
    /// Invites the owner of the address, as the user `id`, while there never was an administrator. The
    /// invitation gives no role: who accepts it proves the address and chooses the password in one act,
    /// and that appoints.
    ///
    /// # Errors
    /// If the tables do not answer.
    pub async fn invite(
        &self,
        id: UserId,
        email: &Email,
        origin: Origin,
    ) -> Result<FirstAdminInvitation> {
        if self.users.has_administrator().await? {
            return Ok(FirstAdminInvitation::NotNeeded);
        }
        let key = LoginKey::Email(email.clone());
        if let Some(login) = self.users.find_login(&key).await? {
            return Ok(FirstAdminInvitation::Taken(login.user_id));
        }
        let new = Invitee {
            id,
            email: email.clone(),
            name: Name::of(email),
        };
        let invite = User::invite(new, &self.env.metadata(origin)?);
        match self.users.commit(&invite).await {
            Ok(_) => Ok(FirstAdminInvitation::Made),
            Err(Error::Refused(Refusal::EmailTaken)) => {
                let login = self.users.find_login(&key).await?;
                let owner = login.map(|login| FirstAdminInvitation::Taken(login.user_id));
                owner.ok_or_else(|| Refusal::VersionConflict.into())
            }
            Err(error) => Err(error),
        }
    }
}
