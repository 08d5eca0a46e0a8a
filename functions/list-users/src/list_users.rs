//! The query: an administrator lists, searches and filters the users.

use std::sync::Arc;

use shared::{
    directory::{
        listing::{Listed, Listing},
        ports::UserDirectory,
    },
    domain::Result,
};

/// Lists users.
pub struct ListUsers {
    /// The read model.
    pub directory: Arc<dyn UserDirectory>,
}

impl ListUsers {
    /// The page asked for, and the exact total.
    pub async fn execute(&self, listing: &Listing) -> Result<Listed> {
        self.directory.list(listing).await
    }
}
