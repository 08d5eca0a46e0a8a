//! Mail, as all observers send it: one layout, text and HTML, and a ledger that keeps each mail from
//! being sent twice.

mod courier;
mod letters;

pub use courier::Courier;
pub use letters::{Letter, Stationery};
