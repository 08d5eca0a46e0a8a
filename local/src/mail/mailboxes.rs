//! What becomes of mails: everything is delivered, but for the mailbox simulator's addresses ("Using the
//! mailbox simulator", Amazon SES Developer Guide), and addresses of which somebody said otherwise.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

/// The domain of the mailbox simulator.
const SIMULATOR: &str = "simulator.amazonses.com";

/// What becomes of a mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    #[default]
    Delivery,
    /// The server of the address refuses it for good.
    Bounce,
    /// It stays undelivered for hours, until SES gives up.
    SoftBounce,
    /// It is delivered, and its reader calls it spam.
    Complaint,
    /// The address is on SES's own suppression list.
    Suppressed,
    /// SES finds a virus in it.
    Reject,
}

/// Addresses to which mails do not simply go. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Mailboxes(Arc<Mutex<BTreeMap<String, Outcome>>>);

impl Mailboxes {
    /// Chooses what becomes of mails to `address` from now on.
    pub fn set(&self, address: &str, outcome: Outcome) {
        let mut chosen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Outcome::Delivery => chosen.remove(&address.to_ascii_lowercase()),
            _ => chosen.insert(address.to_ascii_lowercase(), outcome),
        };
    }

    /// The addresses for which something was chosen.
    pub fn chosen(&self) -> BTreeMap<String, Outcome> {
        let chosen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        chosen.clone()
    }

    /// What becomes of a mail to `address`.
    pub(super) fn outcome(&self, address: &str) -> Outcome {
        let address = address.to_ascii_lowercase();
        let chosen = self.chosen().get(&address).copied();
        chosen.unwrap_or_else(|| simulated(&address))
    }
}

/// What the mailbox simulator does; `bounce+label@` is as `bounce@`.
fn simulated(address: &str) -> Outcome {
    let Some((local, SIMULATOR)) = address.rsplit_once('@') else {
        return Outcome::Delivery;
    };
    match local.split('+').next().unwrap_or_default() {
        "bounce" => Outcome::Bounce,
        "complaint" => Outcome::Complaint,
        "suppressionlist" => Outcome::Suppressed,
        _ => Outcome::Delivery,
    }
}
