use domain::{OneTimeToken, UserId};

use super::*;

const ALL: [MailTemplate; 15] = [
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
    MailTemplate::PasswordChanged,
    MailTemplate::IdentityLinked,
    MailTemplate::IdentityUnlinked,
    MailTemplate::NewDevice,
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
            Timestamp::from_seconds(1_780_479_667),
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
        MailTemplate::PasswordReset | MailTemplate::Recovery => Some(TokenPurpose::PasswordReset),
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
    // Who came by a provider chose none.
    assert!(!mail.text.contains("password") && !mail.html.contains("password"));
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
    assert_eq!(printed, 10);
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
