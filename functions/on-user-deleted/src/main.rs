//! What follows an erasure: wiring.

use on_user_deleted::on_user_deleted::OnUserDeleted;
use shared::{
    domain::EventKind,
    lambda::{Exit, observer},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run(
        &[EventKind::UserDeleted],
        async |observer: &OnUserDeleted, event, _| observer.execute(event).await,
        async |ports, ()| {
            Ok(OnUserDeleted {
                users: ports.users(),
                sessions: ports.sessions(),
                attempts: ports.attempts(),
            })
        },
    )
    .await
}
