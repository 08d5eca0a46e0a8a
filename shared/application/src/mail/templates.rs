//! The mails Roster writes.

use askama::Template;
use domain::{Email, Error, Name, Result, Timestamp, TokenPurpose, User, mail::Mail};

use super::Link;

/// What all mails of a deployment share.
#[derive(Debug, Clone)]
pub struct MailBranding {
    /// Name of the product.
    pub product: String,
    /// Base URL of the application; links point below it.
    pub app_url: String,
}

/// The kinds of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTemplate {
    /// To a new user.
    Welcome,
    /// To an address with which somebody signed up, where nobody learns who has an account.
    SignUp,
    /// To the owner of an address, after a sign-up with it.
    AlreadyRegistered,
    /// To a user who asked to reset the password.
    PasswordReset,
    /// To a user whose recovery an administrator began.
    Recovery,
    /// To a person whom an administrator invited.
    Invitation,
    /// To a user who has to prove the address.
    EmailVerification,
    /// To the address which a user asked for.
    EmailChange,
    /// To the present address of a user who asked for another.
    EmailChangeRequested,
    /// To the owner of an address which another user asked for.
    AddressInUse,
    /// To the former address of a user.
    EmailChanged,
    /// To a user whose password was changed.
    PasswordChanged,
    /// To a user who may sign in by one more identity.
    IdentityLinked,
    /// To a user who may no longer sign in by an identity.
    IdentityUnlinked,
    /// To a user who signed in from a device that is not known.
    NewDevice,
}

/// Variables of the templates.
struct Content<'a> {
    product: &'a str,
    /// None in a mail to an address which the user did not prove.
    name: Option<&'a str>,
    /// How a sentence to the reader begins.
    greeting: &'a str,
    /// When it happened.
    when: &'a str,
    /// The target of the button.
    url: &'a str,
    /// The label of the button.
    action: &'a str,
    /// True if the button proves the address.
    proves: bool,
}

macro_rules! templates {
    ($($template:ident: $html:literal, $text:literal;)+) => {
        $(
            mod $template {
                use super::{Content, Template};

                #[derive(Template)]
                #[template(path = $html)]
                struct Html<'a> {
                    content: &'a Content<'a>,
                    subject: &'a str,
                }

                #[derive(Template)]
                #[template(path = $text)]
                struct Text<'a> {
                    content: &'a Content<'a>,
                }

                /// The HTML and the text.
                pub(super) fn render(
                    content: &Content<'_>,
                    subject: &str,
                ) -> askama::Result<(String, String)> {
                    Ok((Html { content, subject }.render()?, Text { content }.render()?))
                }
            }
        )+
    };
}

templates! {
    welcome: "welcome.html", "welcome.txt";
    sign_up: "sign_up.html", "sign_up.txt";
    already_registered: "already_registered.html", "already_registered.txt";
    password_reset: "password_reset.html", "password_reset.txt";
    recovery: "recovery.html", "recovery.txt";
    invitation: "invitation.html", "invitation.txt";
    email_verification: "email_verification.html", "email_verification.txt";
    email_change: "email_change.html", "email_change.txt";
    email_change_requested: "email_change_requested.html", "email_change_requested.txt";
    address_in_use: "address_in_use.html", "address_in_use.txt";
    email_changed: "email_changed.html", "email_changed.txt";
    password_changed: "password_changed.html", "password_changed.txt";
    identity_linked: "identity_linked.html", "identity_linked.txt";
    identity_unlinked: "identity_unlinked.html", "identity_unlinked.txt";
    new_device: "new_device.html", "new_device.txt";
}

impl MailTemplate {
    /// The name by which the ledger knows it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::SignUp => "sign-up",
            Self::AlreadyRegistered => "already-registered",
            Self::PasswordReset => "password-reset",
            Self::Recovery => "recovery",
            Self::Invitation => "invitation",
            Self::EmailVerification => "email-verification",
            Self::EmailChange => "email-change",
            Self::EmailChangeRequested => "email-change-requested",
            Self::AddressInUse => "address-in-use",
            Self::EmailChanged => "email-changed",
            Self::PasswordChanged => "password-changed",
            Self::IdentityLinked => "identity-linked",
            Self::IdentityUnlinked => "identity-unlinked",
            Self::NewDevice => "new-device",
        }
    }

    /// The purpose of the link in it, sent to `user` if it is about one; none without a link.
    pub(super) fn proves(self, user: Option<&User>) -> Option<TokenPurpose> {
        match self {
            Self::Welcome => user
                .filter(|user| !user.email_verified)
                .map(|_| TokenPurpose::EmailVerification),
            Self::SignUp => Some(TokenPurpose::SignUp),
            Self::PasswordReset | Self::Recovery => Some(TokenPurpose::PasswordReset),
            Self::Invitation => Some(TokenPurpose::Invitation),
            Self::EmailVerification => Some(TokenPurpose::EmailVerification),
            Self::EmailChange => Some(TokenPurpose::EmailChange),
            Self::AlreadyRegistered
            | Self::AddressInUse
            | Self::EmailChangeRequested
            | Self::EmailChanged
            | Self::PasswordChanged
            | Self::IdentityLinked
            | Self::IdentityUnlinked
            | Self::NewDevice => None,
        }
    }

    /// True if the mail warns the owner of an account of what somebody else may be doing with it.
    pub(super) fn is_warning(self) -> bool {
        matches!(
            self,
            Self::EmailChangeRequested
                | Self::EmailChanged
                | Self::PasswordChanged
                | Self::IdentityLinked
                | Self::IdentityUnlinked
                | Self::NewDevice
        )
    }

    /// True if anybody may have the mail sent, to an address which nobody has proven.
    pub(super) fn is_open_to_strangers(self) -> bool {
        !matches!(
            self,
            Self::Recovery | Self::Invitation | Self::EmailChangeRequested | Self::EmailChanged
        )
    }

    /// True if the mail lets a user in who lost the password.
    pub(super) fn resets(self) -> bool {
        matches!(self, Self::PasswordReset | Self::Recovery)
    }

    /// True if the mail makes no sense without the link.
    pub(super) fn is_about_a_link(self) -> bool {
        matches!(
            self,
            Self::SignUp
                | Self::PasswordReset
                | Self::Recovery
                | Self::Invitation
                | Self::EmailVerification
                | Self::EmailChange
        )
    }

    fn subject(self, product: &str) -> String {
        match self {
            Self::Welcome => format!("Welcome to {product}"),
            Self::SignUp => format!("Confirm your sign-up at {product}"),
            Self::AlreadyRegistered | Self::AddressInUse => format!("Your account at {product}"),
            Self::PasswordReset => format!("Choose a new password for {product}"),
            Self::Recovery => format!("Your account at {product} is being recovered"),
            Self::Invitation => format!("You are invited to {product}"),
            Self::EmailVerification => format!("Confirm your address at {product}"),
            Self::EmailChange => format!("Confirm your new address at {product}"),
            Self::EmailChangeRequested => format!("Another address for your account at {product}"),
            Self::EmailChanged => format!("Your address at {product} was changed"),
            Self::PasswordChanged => format!("Your password at {product} was changed"),
            Self::IdentityLinked => format!("Another way to sign in at {product} was added"),
            Self::IdentityUnlinked => format!("A way to sign in at {product} was removed"),
            Self::NewDevice => format!("New sign-in at {product}"),
        }
    }

    fn action(self, product: &str, proves: bool) -> String {
        match self {
            Self::PasswordReset | Self::Recovery => "Choose a new password".to_owned(),
            Self::Invitation => "Accept the invitation".to_owned(),
            _ if proves => "Confirm this address".to_owned(),
            _ => format!("Open {product}"),
        }
    }

    /// The mail to a user at an address which need not be the user's yet, about what happened `at` that
    /// time.
    pub fn write(
        self,
        branding: &MailBranding,
        to: &Email,
        name: Option<&Name>,
        at: Timestamp,
        link: Option<&Link>,
    ) -> Result<Mail> {
        let product = &branding.product;
        let (subject, proves) = (self.subject(product), link.is_some());
        let name = name.map(Name::as_str);
        let greeting = name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},"));
        // To the minute, as in 2026-06-03 09:41.
        let when = at.to_string().replace('T', " ");
        let when = format!("{} UTC", when.get(..16).unwrap_or(&when));
        let content = Content {
            product,
            name,
            greeting: &greeting,
            when: &when,
            url: link.map_or(&branding.app_url, Link::expose),
            action: &self.action(product, proves),
            proves,
        };
        let render = match self {
            Self::Welcome => welcome::render,
            Self::SignUp => sign_up::render,
            Self::AlreadyRegistered => already_registered::render,
            Self::PasswordReset => password_reset::render,
            Self::Recovery => recovery::render,
            Self::Invitation => invitation::render,
            Self::EmailVerification => email_verification::render,
            Self::EmailChange => email_change::render,
            Self::EmailChangeRequested => email_change_requested::render,
            Self::AddressInUse => address_in_use::render,
            Self::EmailChanged => email_changed::render,
            Self::PasswordChanged => password_changed::render,
            Self::IdentityLinked => identity_linked::render,
            Self::IdentityUnlinked => identity_unlinked::render,
            Self::NewDevice => new_device::render,
        };
        let (html, text) = render(&content, &subject).map_err(Error::caused_by)?;
        Ok(Mail {
            to: to.clone(),
            subject,
            text,
            html,
        })
    }
}

#[cfg(test)]
mod tests;
