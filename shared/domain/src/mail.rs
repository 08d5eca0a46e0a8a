//! Mails, and what to do when nobody knows whether one was sent.

use super::{
    DomainEvent, Email, EventKind, Timestamp, UserId,
    event::{EventData, EventMetadata},
};

/// A mail to one user.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The address of the user, or one the user asks for.
    pub to: Email,
    /// One line.
    pub subject: String,
    /// The `text/plain` part.
    pub text: String,
    /// The `text/html` part.
    pub html: String,
}

/// Masked: a mail is personal data, and may hold a token.
impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

/// What the mail service told of an address. By default nothing, or nothing bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// When its server refused a mail for good.
    pub bounced_at: Option<Timestamp>,
    /// When its owner called a mail spam.
    pub complained_at: Option<Timestamp>,
}

/// Why an address does not get every mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppression {
    /// It gets none.
    Bounced(Timestamp),
    /// It gets only mails with a link that its owner may need.
    Complained(Timestamp),
}

impl Mailbox {
    /// Why the address does not get every mail, if it does not.
    pub fn suppression(self) -> Option<Suppression> {
        let bounced = self.bounced_at.map(Suppression::Bounced);
        bounced.or(self.complained_at.map(Suppression::Complained))
    }

    /// Whether a mail may go there; `needed` are those with a link that nothing else replaces.
    pub fn takes(self, needed: bool) -> bool {
        match self.suppression() {
            None => true,
            Some(Suppression::Complained(_)) => needed,
            Some(Suppression::Bounced(_)) => false,
        }
    }
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailOutcome {
    /// The server of the address took it.
    Delivered,
    /// The server of the address refused it for good.
    Bounced,
    /// The owner of the address called it spam.
    Complained,
}

/// The event that mails go to the address of `user_id` again.
pub fn suppression_lifted(user_id: UserId, metadata: &EventMetadata) -> DomainEvent {
    DomainEvent {
        user_id: Some(user_id),
        ..metadata.event(EventKind::UserMailSuppressionLifted, EventData::default())
    }
}

/// What to do about a mail whose worker died between the mail service accepting it and the ledger
/// noting so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailGuarantee {
    /// Send it again: it may arrive twice.
    NeverLost,
    /// Do not send it again: it may never arrive.
    NeverTwice,
}

impl std::str::FromStr for MailGuarantee {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        match raw {
            "never-lost" => Ok(Self::NeverLost),
            "never-twice" => Ok(Self::NeverTwice),
            _ => Err("is not one of never-lost, never-twice".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_text_nor_address() {
        let mail = Mail {
            to: "ann@example.com".parse().unwrap(),
            subject: "Choose a password".to_owned(),
            text: "#token=secret".to_owned(),
            html: "#token=secret".to_owned(),
        };
        assert_eq!(format!("{mail:?}"), "Mail { to: Email(a***@***.com), .. }");
    }

    #[test]
    fn a_guarantee_is_one_of_two() {
        for (raw, guarantee) in [
            ("never-lost", MailGuarantee::NeverLost),
            ("never-twice", MailGuarantee::NeverTwice),
        ] {
            assert_eq!(raw.parse(), Ok(guarantee));
        }
        assert!("never".parse::<MailGuarantee>().is_err());
    }

    #[test]
    fn a_bounce_stops_every_mail_and_a_complaint_all_but_needed_ones() {
        let then = Timestamp::from_seconds(1);
        let mailbox = |bounced: bool, complained: bool| Mailbox {
            bounced_at: bounced.then_some(then),
            complained_at: complained.then_some(then),
        };
        for (mailbox, takes) in [
            (mailbox(false, false), [true, true]),
            (mailbox(false, true), [false, true]),
            (mailbox(true, false), [false, false]),
            (mailbox(true, true), [false, false]),
        ] {
            assert_eq!([false, true].map(|needed| mailbox.takes(needed)), takes);
        }
    }
}
