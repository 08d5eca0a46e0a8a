//! Mail, as all observers send it: one layout, text and HTML, links that prove an address, and a
//! ledger that keeps each mail from being sent twice.

mod ledger;
mod limiter;
mod links;
mod request_responder;
mod service;
mod settings;
mod templates;

pub use ledger::{MailLedger, RETENTION};
pub use limiter::{MailLimiter, MailLimits};
pub use links::{DueToken, Link, Links};
pub use request_responder::RequestResponder;
pub use service::{Letter, MailService, Recipient};
pub use settings::MailSettings;
pub use templates::{MailBranding, MailTemplate};

/// The tag by which the service's own events find the ledger.
pub const CLAIM_TAG: &str = "roster-claim";
