//! The query: an administrator lists, searches and filters the users.

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

impl ListUsers {
    /// The page asked for, and the exact total.
    pub async fn execute(&self, listing: &Listing) -> Result<Listed> {
        self.directory.list(listing).await
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use shared::{directory::reference, domain::user::Profile};

    use super::*;

    /// A directory of these users.
    struct Users(Vec<Profile>);

    #[async_trait]
    impl UserDirectory for Users {
        async fn list(&self, listing: &Listing) -> Result<Listed> {
            Ok(reference::list(self.0.clone(), listing))
        }
    }

    #[tokio::test]
    async fn the_directory_is_asked_and_its_answer_given() {
        let list = ListUsers {
            directory: Arc::new(Users(Vec::new())),
        };
        let query = Query {
            listing: Listing::default(),
        };
        let listed = list.execute(&query).await.unwrap();
        assert_eq!((listed.total, listed.users.len()), (0, 0));
    }
}
