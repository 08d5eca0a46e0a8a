//! How an administrator makes an account for a person who has not answered yet.

use super::{Change, Draft, Standing, User};
use crate::{
    Email, EventKind, LoginKey, Name, Refusal, Result, Timestamp, TokenPurpose, UserId,
    event::EventMetadata, login::LoginChange,
};

/// How often one invitation is sent, an hour.
const SENDINGS: usize = 5;

/// What is needed to invite a person.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub struct Invitee {
    pub id: UserId,
    pub email: Email,
    pub name: Name,
}

/// An invitation that was sent, as the list of open ones keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The user whom it makes.
    pub user_id: UserId,
    /// When it was sent last.
    pub sent_at: Timestamp,
    /// When its link expires.
    pub expires_at: Timestamp,
}

impl Invitation {
    /// The invitation of a user, sent at `sent_at`.
    pub fn new(user_id: UserId, sent_at: Timestamp) -> Self {
        Self {
            user_id,
            sent_at,
            expires_at: sent_at.plus(TokenPurpose::Invitation.lifetime()),
        }
    }
}

impl User {
    /// A new user without credentials, who claims the address. The person who reads its mail chooses a
    /// password.
    pub fn invite(new: Invitee, metadata: &EventMetadata) -> Change {
        let claim = LoginChange::Claim(LoginKey::Email(new.email.clone()), None);
        let user = Draft {
            standing: Standing::Invited,
            links_sent_at: vec![metadata.now],
            ..Draft::first(new.id, new.email, new.name)
        };
        Change::creation(user, None, EventKind::UserInvited, vec![claim], metadata)
    }

    /// Sends the invitation again. The link that was mailed before is void.
    ///
    /// # Errors
    /// `NotFound` if the user is not invited; `AlreadyDeactivated`; `TooManyRequests` within a minute after
    /// it was sent last, and after five times within an hour.
    pub fn invite_again(&self, metadata: &EventMetadata) -> Result<Change> {
        self.require_invited()?;
        if !self.active {
            return Err(Refusal::AlreadyDeactivated.into());
        }
        let after = Draft {
            links_sent_at: self.one_more_link(SENDINGS, metadata.now)?,
            ..self.next_epoch()
        };
        Ok(self.change(after, EventKind::UserInvited, &[], metadata))
    }

    /// Erases a user who has not answered.
    ///
    /// # Errors
    /// `NotFound` if the user is not invited.
    pub fn withdraw_invitation(&self, metadata: &EventMetadata) -> Result<Change> {
        self.require_invited()?;
        Ok(self.erase(metadata))
    }

    /// True if the user is invited and nobody let the invitation expire. The time counts from the last
    /// change of the user.
    pub fn is_invited(&self, now: Timestamp) -> bool {
        let end = self.updated_at.plus(TokenPurpose::Invitation.lifetime());
        self.standing == Standing::Invited && end > now
    }

    pub(super) fn require_invited(&self) -> Result<(), Refusal> {
        if self.standing == Standing::Invited {
            Ok(())
        } else {
            Err(Refusal::NotFound)
        }
    }
}
