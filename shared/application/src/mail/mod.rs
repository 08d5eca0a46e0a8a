//! Mail, as all observers send it: one layout, text and HTML, links that prove an address, and a
//! ledger that keeps each mail from being sent twice.

mod asked;
mod config;
mod courier;
mod letters;
mod links;
mod post;

pub use asked::Asked;
pub use config::MailConfig;
pub use courier::Courier;
pub use letters::{Letter, Stationery};
pub use links::{Link, Links};
pub use post::Post;
