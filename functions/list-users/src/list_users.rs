//! The use case: an administrator lists, searches and filters the users.

use std::sync::Arc;

use shared::{
    domain::{
        Result,
        listing::{Listed, Listing},
    },
    ports::UserDirectory,
};

/// Lists users.
pub struct ListUsers {
    /// The read model.
    pub directory: Arc<dyn UserDirectory>,
}

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The page asked for.
    pub listing: Listing,
}

impl ListUsers {
    /// The page, and the exact total.
    pub async fn execute(&self, query: &Query) -> Result<Listed> {
        self.directory.list(&query.listing).await
    }
}
