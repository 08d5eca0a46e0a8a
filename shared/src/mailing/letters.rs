//! The mails Roster writes.

use askama::Template;

use crate::domain::{Email, Error, Name, Result, mail::Mail};

/// What all mails of a deployment share.
#[derive(Debug, Clone)]
pub struct Stationery {
    /// How the product is called.
    pub product: String,
    /// Where the application is; links point below it.
    pub app_url: String,
}

/// The kinds of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letter {
    /// To a new user.
    Welcome,
    /// To the owner of an address with which somebody tried to sign up.
    AlreadyRegistered,
}

/// What the templates read.
struct Content<'a> {
    product: &'a str,
    app_url: &'a str,
    name: &'a str,
}

macro_rules! templates {
    ($($letter:ident: $html:literal, $text:literal;)+) => {
        $(
            mod $letter {
                use super::{Content, Template};

                #[derive(Template)]
                #[template(path = $html)]
                pub(super) struct Html<'a> {
                    pub(super) letter: &'a Content<'a>,
                    pub(super) subject: &'a str,
                }

                #[derive(Template)]
                #[template(path = $text)]
                pub(super) struct Text<'a> {
                    pub(super) letter: &'a Content<'a>,
                }
            }
        )+
    };
}

templates! {
    welcome: "welcome.html", "welcome.txt";
    already_registered: "already_registered.html", "already_registered.txt";
}

impl Letter {
    /// The name by which the ledger knows it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::AlreadyRegistered => "already-registered",
        }
    }

    /// The mail to the user with this address and name.
    pub fn write(self, stationery: &Stationery, to: &Email, name: &Name) -> Result<Mail> {
        let content = Content {
            product: &stationery.product,
            app_url: &stationery.app_url,
            name: name.as_str(),
        };
        let letter = &content;
        let (subject, html, text) = match self {
            Self::Welcome => {
                let subject = format!("Welcome to {}", stationery.product);
                let html = welcome::Html {
                    letter,
                    subject: &subject,
                }
                .render();
                (subject, html, welcome::Text { letter }.render())
            }
            Self::AlreadyRegistered => {
                let subject = format!("Your account at {}", stationery.product);
                let html = already_registered::Html {
                    letter,
                    subject: &subject,
                }
                .render();
                (subject, html, already_registered::Text { letter }.render())
            }
        };
        Ok(Mail {
            to: to.clone(),
            name: name.clone(),
            subject,
            text: text.map_err(Error::caused_by)?,
            html: html.map_err(Error::caused_by)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(letter: Letter, name: &str) -> Mail {
        let stationery = Stationery {
            product: "Acme & Co".to_owned(),
            app_url: "https://app.example.com".to_owned(),
        };
        letter
            .write(
                &stationery,
                &"ann@example.com".parse().unwrap(),
                &name.parse().unwrap(),
            )
            .unwrap()
    }

    #[test]
    fn mails_read_as_agreed() {
        for letter in [Letter::Welcome, Letter::AlreadyRegistered] {
            let mail = write(letter, "Ann Example");
            let whole = format!(
                "Subject: {}\n\n{}\n\n{}",
                mail.subject, mail.text, mail.html
            );
            insta::assert_snapshot!(letter.as_str(), whole);
        }
    }

    #[test]
    fn a_name_is_text_and_never_markup() {
        let mail = write(Letter::Welcome, "<img src=x onerror=alert(1)>");
        assert!(!mail.html.contains("<img"), "{}", mail.html);
        assert!(mail.text.contains("<img src=x"), "{}", mail.text);
    }
}
