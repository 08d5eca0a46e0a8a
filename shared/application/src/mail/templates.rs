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
}

/// Variables of the templates.
struct Content<'a> {
    product: &'a str,
    /// None in a mail to an address which the user did not prove.
    name: Option<&'a str>,
    /// How a sentence to the reader begins.
    greeting: &'a str,
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
            | Self::EmailChanged => None,
        }
    }

    /// True if the mail warns the owner of an account of what somebody else may be doing with it.
    pub(super) fn is_warning(self) -> bool {
        matches!(self, Self::EmailChangeRequested | Self::EmailChanged)
    }

    /// True if anybody may have the mail sent: it neither warns an owner nor comes from an administrator.
    pub(super) fn is_open_to_strangers(self) -> bool {
        !self.is_warning() && !matches!(self, Self::Recovery | Self::Invitation)
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

    /// The mail to a user at an address which need not be the user's yet.
    pub fn write(
        self,
        branding: &MailBranding,
        to: &Email,
        name: Option<&Name>,
        link: Option<&Link>,
    ) -> Result<Mail> {
        let product = &branding.product;
        let (subject, proves) = (self.subject(product), link.is_some());
        let name = name.map(Name::as_str);
        let greeting = name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},"));
        let content = Content {
            product,
            name,
            greeting: &greeting,
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
mod tests {
    use domain::{OneTimeToken, Timestamp, UserId};

    use super::*;

    const ALL: [MailTemplate; 11] = [
        MailTemplate::Welcome,
        MailTemplate::SignUp,
        MailTemplate::AlreadyRegistered,
        MailTemplate::PasswordReset,
        MailTemplate::Recovery,
        MailTemplate::Invitation,
        MailTemplate::EmailVerification,
        MailTemplate::EmailChange,
        MailTemplate::EmailChangeRequested,
        MailTemplate::AddressInUse,
        MailTemplate::EmailChanged,
    ];

    fn write(template: MailTemplate, name: Option<&str>, purpose: Option<TokenPurpose>) -> Mail {
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
                name.map(|name| name.parse().unwrap()).as_ref(),
                link.as_ref(),
            )
            .unwrap()
    }

    fn purpose(template: MailTemplate) -> Option<TokenPurpose> {
        match template {
            MailTemplate::Welcome | MailTemplate::EmailVerification => {
                Some(TokenPurpose::EmailVerification)
            }
            MailTemplate::SignUp => Some(TokenPurpose::SignUp),
            MailTemplate::PasswordReset | MailTemplate::Recovery => {
                Some(TokenPurpose::PasswordReset)
            }
            MailTemplate::Invitation => Some(TokenPurpose::Invitation),
            MailTemplate::EmailChange => Some(TokenPurpose::EmailChange),
            _ => None,
        }
    }

    /// The name of a user who has proven the address, if the mail may go to one.
    fn name(template: MailTemplate) -> Option<&'static str> {
        let unproven = matches!(
            template,
            MailTemplate::Welcome
                | MailTemplate::SignUp
                | MailTemplate::EmailVerification
                | MailTemplate::EmailChange
                | MailTemplate::EmailChanged
        );
        (!unproven).then_some("Ann Example")
    }

    #[test]
    fn mails_read_as_agreed() {
        for template in ALL {
            let mail = write(template, name(template), purpose(template));
            let whole = format!(
                "Subject: {}\n\n{}\n\n{}",
                mail.subject, mail.text, mail.html
            );
            insta::assert_snapshot!(template.as_str(), whole);
        }
    }

    #[test]
    fn a_welcome_needs_no_link() {
        let mail = write(MailTemplate::Welcome, Some("Ann"), None);
        assert!(!mail.text.contains("onfirm") && !mail.html.contains("onfirm"));
        assert!(
            mail.text.contains("https://app.example.com/\n"),
            "{}",
            mail.text
        );
    }

    #[test]
    fn a_name_is_text_and_never_markup() {
        let hostile = "<img src=x onerror=alert(1)>";
        let mut printed = 0;
        for template in ALL {
            let mail = write(template, Some(hostile), purpose(template));
            assert!(!mail.html.contains("<img"), "{}", mail.html);
            printed += usize::from(mail.text.contains(hostile));
        }
        assert_eq!(printed, 6);
    }

    #[test]
    fn logs_learn_nothing_of_a_mail() {
        let mail = write(
            MailTemplate::PasswordReset,
            Some("Ann"),
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
