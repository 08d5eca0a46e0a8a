//! `PUT /users/{id}/roles`: wiring.

use assign_roles::{
    assign_roles::AssignRoles,
    handler::{ACCESS, handle},
};
use shared::lambda::{Exit, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    http::run(ACCESS, handle, async |ports, ()| {
        Ok(AssignRoles {
            updates: ports.user_updates(),
        })
    })
    .await
}
