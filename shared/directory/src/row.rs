//! The rows of the feed.

use domain::{Timestamp, UserId, Version, user::Profile};
use serde::Deserialize;

use crate::query::filter::Specification;

/// What the feed says of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedRow {
    /// The user as of the last change.
    Present(Profile),
    /// The user was erased.
    Erased(Tombstone),
}

impl FeedRow {
    /// True for an existing user who satisfies `specification`; without one, for every row.
    pub fn matches(&self, specification: Option<&Specification>) -> bool {
        match (self, specification) {
            (_, None) => true,
            (Self::Present(user), Some(specification)) => specification.is_satisfied_by(user),
            (Self::Erased(_), Some(_)) => false,
        }
    }

    pub fn id(&self) -> UserId {
        match self {
            Self::Present(user) => user.id,
            Self::Erased(tombstone) => tombstone.id,
        }
    }

    /// When the user was last changed, or erased.
    pub fn updated_at(&self) -> Timestamp {
        match self {
            Self::Present(user) => user.updated_at,
            Self::Erased(tombstone) => tombstone.updated_at,
        }
    }
}

/// What is left of an erased user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tombstone {
    pub id: UserId,
    /// The version that erased the user.
    pub version: Version,
    /// When that was.
    pub updated_at: Timestamp,
}
