//! The mails Roster writes.

use askama::Template;
use domain::{Email, Error, Name, Result, TokenPurpose, User, mail::Mail};

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
    /// To the owner of an address which another user asked for.
    AddressInUse,
    /// To the former address of a user.
    EmailChanged,
}

/// Variables of the templates.
struct Content<'a> {
    product: &'a str,
    name: &'a str,
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
    already_registered: "already_registered.html", "already_registered.txt";
    password_reset: "password_reset.html", "password_reset.txt";
    recovery: "recovery.html", "recovery.txt";
    invitation: "invitation.html", "invitation.txt";
    email_verification: "email_verification.html", "email_verification.txt";
    email_change: "email_change.html", "email_change.txt";
    address_in_use: "address_in_use.html", "address_in_use.txt";
    email_changed: "email_changed.html", "email_changed.txt";
}

impl MailTemplate {
    /// The name by which the ledger knows it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::AlreadyRegistered => "already-registered",
            Self::PasswordReset => "password-reset",
            Self::Recovery => "recovery",
            Self::Invitation => "invitation",
            Self::EmailVerification => "email-verification",
            Self::EmailChange => "email-change",
            Self::AddressInUse => "address-in-use",
            Self::EmailChanged => "email-changed",
        }
    }

    /// The purpose of the link in it, sent to `user`; none without a link.
    pub(super) fn proves(self, user: &User) -> Option<TokenPurpose> {
        match self {
            Self::Welcome => (!user.email_verified).then_some(TokenPurpose::EmailVerification),
            Self::PasswordReset | Self::Recovery => Some(TokenPurpose::PasswordReset),
            Self::Invitation => Some(TokenPurpose::Invitation),
            Self::EmailVerification => Some(TokenPurpose::EmailVerification),
            Self::EmailChange => Some(TokenPurpose::EmailChange),
            Self::AlreadyRegistered | Self::AddressInUse | Self::EmailChanged => None,
        }
    }

    /// True if the mail makes no sense without the link.
    pub(super) fn is_about_a_link(self) -> bool {
        matches!(
            self,
            Self::PasswordReset
                | Self::Recovery
                | Self::Invitation
                | Self::EmailVerification
                | Self::EmailChange
        )
    }

    fn subject(self, product: &str) -> String {
        match self {
            Self::Welcome => format!("Welcome to {product}"),
            Self::AlreadyRegistered | Self::AddressInUse => format!("Your account at {product}"),
            Self::PasswordReset => format!("Choose a new password for {product}"),
            Self::Recovery => format!("Your account at {product} is being recovered"),
            Self::Invitation => format!("You are invited to {product}"),
            Self::EmailVerification => format!("Confirm your address at {product}"),
            Self::EmailChange => format!("Confirm your new address at {product}"),
            Self::EmailChanged => format!("Your address at {product} was changed"),
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

    /// The mail to a user of this name, at an address which need not be the user's yet.
    pub fn write(
        self,
        branding: &MailBranding,
        to: &Email,
        name: &Name,
        link: Option<&Link>,
    ) -> Result<Mail> {
        let product = &branding.product;
        let (subject, proves) = (self.subject(product), link.is_some());
        let content = Content {
            product,
            name: name.as_str(),
            url: link.map_or(&branding.app_url, Link::expose),
            action: &self.action(product, proves),
            proves,
        };
        let render = match self {
            Self::Welcome => welcome::render,
            Self::AlreadyRegistered => already_registered::render,
            Self::PasswordReset => password_reset::render,
            Self::Recovery => recovery::render,
            Self::Invitation => invitation::render,
            Self::EmailVerification => email_verification::render,
            Self::EmailChange => email_change::render,
            Self::AddressInUse => address_in_use::render,
            Self::EmailChanged => email_changed::render,
        };
        let (html, text) = render(&content, &subject).map_err(Error::caused_by)?;
        Ok(Mail {
            to: to.clone(),
            name: name.clone(),
            subject,
            text,
            html,
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::{OneTimeToken, Timestamp, UserId};

    use super::*;

    const ALL: [MailTemplate; 9] = [
        MailTemplate::Welcome,
        MailTemplate::AlreadyRegistered,
        MailTemplate::PasswordReset,
        MailTemplate::Recovery,
        MailTemplate::Invitation,
        MailTemplate::EmailVerification,
        MailTemplate::EmailChange,
        MailTemplate::AddressInUse,
        MailTemplate::EmailChanged,
    ];

    fn write(template: MailTemplate, name: &str, purpose: Option<TokenPurpose>) -> Mail {
        let branding = MailBranding {
            product: "Acme & Co".to_owned(),
            app_url: "https://app.example.com/".to_owned(),
        };
        let user = UserId::new(Timestamp::from_seconds(1), [3; 10]);
        let link =
            purpose.map(|purpose| Link::new(&branding, &OneTimeToken::new(purpose, user, [7; 32])));
        template
            .write(
                &branding,
                &"ann@example.com".parse().unwrap(),
                &name.parse().unwrap(),
                link.as_ref(),
            )
            .unwrap()
    }

    fn purpose(template: MailTemplate) -> Option<TokenPurpose> {
        match template {
            MailTemplate::Welcome | MailTemplate::EmailVerification => {
                Some(TokenPurpose::EmailVerification)
            }
            MailTemplate::PasswordReset | MailTemplate::Recovery => {
                Some(TokenPurpose::PasswordReset)
            }
            MailTemplate::Invitation => Some(TokenPurpose::Invitation),
            MailTemplate::EmailChange => Some(TokenPurpose::EmailChange),
            _ => None,
        }
    }

    #[test]
    fn mails_read_as_agreed() {
        for template in ALL {
            let mail = write(template, "Ann Example", purpose(template));
            let whole = format!(
                "Subject: {}\n\n{}\n\n{}",
                mail.subject, mail.text, mail.html
            );
            insta::assert_snapshot!(template.as_str(), whole);
        }
    }

    #[test]
    fn a_welcome_needs_no_link() {
        let mail = write(MailTemplate::Welcome, "Ann", None);
        assert!(!mail.text.contains("onfirm") && !mail.html.contains("onfirm"));
        assert!(
            mail.text.contains("https://app.example.com/\n"),
            "{}",
            mail.text
        );
    }

    #[test]
    fn a_name_is_text_and_never_markup() {
        for template in ALL {
            let mail = write(template, "<img src=x onerror=alert(1)>", purpose(template));
            assert!(!mail.html.contains("<img"), "{}", mail.html);
            // Who is invited does not know who chose the name.
            let is_named = template != MailTemplate::Invitation;
            assert_eq!(mail.text.contains("<img src=x"), is_named, "{}", mail.text);
        }
    }

    #[test]
    fn logs_learn_nothing_of_a_mail() {
        let mail = write(
            MailTemplate::PasswordReset,
            "Ann",
            purpose(MailTemplate::PasswordReset),
        );
        let shown = format!("{mail:?}");
        assert!(
            !shown.contains("token=") && !shown.contains("ann@"),
            "{shown}"
        );
        let link = Link::new(
            &MailBranding {
                product: String::new(),
                app_url: String::new(),
            },
            &OneTimeToken::new(
                TokenPurpose::PasswordReset,
                UserId::new(Timestamp::from_seconds(1), [3; 10]),
                [7; 32],
            ),
        );
        assert!(!format!("{link:?}").contains("token="), "{link:?}");
    }
}
