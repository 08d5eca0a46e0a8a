//! What tests of many use cases begin with.

use std::sync::Arc;

use application::{
    mail::{Links, MailBranding, MailLedger, MailService},
    ports::{Clock as _, SecretPurpose, SecureRandom, UserRepository as _},
    shared_secret::SharedSecret,
};
use domain::{
    Email, OneTimeToken, Origin, Password, Result, Roles, User, UserId, error::Violation,
    mail::MailGuarantee, user::NewUser,
};

use super::{FakeBackend, PASSWORD, quick_hash};

impl FakeBackend {
    /// A new user, called Ann Example, with this address. The password is [`PASSWORD`].
    pub async fn add_user(self: &Arc<Self>, email: &str) -> Result<User> {
        let random: &dyn SecureRandom = self.as_ref();
        let wrong = |violation: Violation| violation.at("/email");
        let new = NewUser {
            id: UserId::new(self.now(), random.bytes()?),
            email: email.parse::<Email>().map_err(wrong)?,
            name: "Ann Example".parse().map_err(wrong)?,
            password: quick_hash(&Password::presented(PASSWORD)),
            roles: Roles::new(),
        };
        let metadata = self.env().metadata(Origin::system("sample"))?;
        self.commit(&User::create(new, &metadata)).await
    }

    /// The mail_service of this backend.
    pub fn mail_service(self: &Arc<Self>, guarantee: MailGuarantee) -> MailService {
        MailService {
            ledger: MailLedger {
                leases: self.clone(),
                mailer: self.clone(),
                guarantee,
            },
            links: Links {
                tokens: self.clone(),
                secret: SharedSecret::new(SecretPurpose::OneTimeToken, self.clone(), self.clone()),
                clock: self.clone(),
            },
            branding: MailBranding {
                product: "Acme".to_owned(),
                app_url: "https://app.example.com".to_owned(),
            },
        }
    }

    /// The token in the newest mail, as whoever reads it sends it back.
    pub fn mailed_token(&self) -> Option<OneTimeToken> {
        let mail = self.inbox().pop()?;
        let (_, rest) = mail.text.split_once("#token=")?;
        rest.split_whitespace().next()?.parse().ok()
    }
}
