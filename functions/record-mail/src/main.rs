//! The mail ledger: wiring.

use record_mail::{handler, record_mail::RecordMail};
use shared::lambda::{Exit, observer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    observer::run_raw(handler::handle, async |ports, ()| {
        Ok(RecordMail {
            leases: ports.leases(),
            mailboxes: ports.mailboxes(),
        })
    })
    .await
}
