//! The list of open invitations.

use async_trait::async_trait;
use domain::{Result, UserId, user::Invitation};

/// Keeps invitations in the order of their users' ids until their links expire.
///
/// It is an index: whether an invitation is open, its user says. So what was accepted, withdrawn or erased
/// needs no write here.
#[async_trait]
pub trait Invitations: Send + Sync {
    /// Notes when an invitation was sent; nothing changes if a later time is noted. Idempotent.
    async fn note(&self, invitation: &Invitation) -> Result<()>;

    /// Up to `limit` invitations that have not expired, newest users first, after the user `after` if one
    /// is given. Strongly consistent.
    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<InvitationPage>;
}

/// A page of invitations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationPage {
    pub invitations: Vec<Invitation>,
    /// After which user the next page begins; none on the last.
    pub next: Option<UserId>,
}
