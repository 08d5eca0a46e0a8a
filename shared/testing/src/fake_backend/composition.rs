//! The services over a [`FakeBackend`], under their names in `adapters::composition`.

use std::{sync::Arc, time::Duration};

use application::{
    cache::SharedCaches,
    devices::Devices,
    first_admin::FirstAdminInvitations,
    idempotency::Idempotency,
    known_ring::KnownRing,
    link_password::LinkPassword,
    mail::{
        Links, MailBranding, MailLedger, MailLimiter, MailLimits, MailService, RequestResponder,
    },
    mail_requests::MailRequests,
    ports::SecretPurpose,
    rate_limit::{RateLimiter, SignInLimiter, SignInLimits},
    reauthentication::Reauthentication,
    session_starter::SessionStarter,
    session_tokens::SessionTokens,
    shared_secret::{SecretPorts, SharedSecret},
    sign_in::password::PasswordStrategy,
    sign_up_limiter::SignUpLimiter,
    token_redemption::TokenRedemption,
    user_updates::UserUpdates,
    webhook_secrets::WebhookSecrets,
};
use domain::{PasswordPolicy, attempt::Limit, mail::MailGuarantee};
use lambda::http::{CallerPorts, KeyPorts};

use super::{FakeBackend, keys::QuietKeys};

/// Right sign-ins of one user, an hour.
pub const SIGN_INS: u32 = 200;

/// New users from one client IP, an hour.
pub const SIGN_UPS: u32 = 5;

impl FakeBackend {
    /// By what callers are known.
    pub fn callers(self: &Arc<Self>) -> CallerPorts {
        CallerPorts {
            tokens: self.clone(),
            users: self.clone(),
            sessions: self.clone(),
            ring: self.known_ring(),
            clock: self.clone(),
        }
    }

    /// By what machines are known: 10 calls a minute with one key.
    pub fn machines(self: &Arc<Self>) -> KeyPorts {
        KeyPorts {
            keys: self.clone(),
            ring: self.known_ring(),
            rate_limiter: self.rate_limiter(),
            limit: Limit::minutely(10),
        }
    }

    /// Changes users: the owner makes 20 changes an hour.
    pub fn user_updates(self: &Arc<Self>) -> UserUpdates {
        UserUpdates {
            users: self.clone(),
            env: self.env(),
            changes_per_hour: 20,
        }
    }

    /// Invites the first administrator.
    pub fn first_admin_invitations(self: &Arc<Self>) -> FirstAdminInvitations {
        FirstAdminInvitations {
            users: self.clone(),
            env: self.env(),
        }
    }

    /// Asks for the current password again: `per_account` wrong ones without waiting.
    pub fn reauthentication(self: &Arc<Self>, per_account: u32) -> Reauthentication {
        Reauthentication {
            users: self.clone(),
            hasher: self.clone(),
            rate_limiter: self.sign_in_limiter(per_account),
        }
    }

    /// Knows repeated requests.
    pub fn idempotency(self: &Arc<Self>) -> Idempotency {
        Idempotency::new(self.clone(), self.secrets())
    }

    /// Issues access tokens, in clear text, and refresh tokens.
    pub fn session_tokens(self: &Arc<Self>) -> SessionTokens {
        SessionTokens {
            tokens: self.clone(),
            refresh_secret: self.shared_secret(SecretPurpose::Refresh),
        }
    }

    /// Starts sessions.
    pub fn session_starter(self: &Arc<Self>) -> SessionStarter {
        SessionStarter {
            sessions: self.clone(),
            session_tokens: self.session_tokens(),
            env: self.env(),
        }
    }

    /// Recognizes devices.
    pub fn devices(self: &Arc<Self>) -> Arc<Devices> {
        Arc::new(Devices {
            users: self.clone(),
            secret: self.shared_secret(SecretPurpose::Device),
            env: self.env(),
        })
    }

    /// Redeems one-time tokens.
    pub fn redemption(self: &Arc<Self>) -> TokenRedemption {
        TokenRedemption {
            users: self.clone(),
            tokens: self.clone(),
            requests: self.clone(),
            rate_limiter: self.rate_limiter(),
            ring: self.known_ring(),
            env: self.env(),
        }
    }

    /// Gives accounts the passwords that were chosen by link. `first_admin` is the address of the first
    /// administrator, or empty.
    pub fn link_password(self: &Arc<Self>, first_admin: &str) -> LinkPassword {
        LinkPassword {
            passwords: PasswordPolicy::default(),
            hasher: self.clone(),
            rate_limiter: self.rate_limiter(),
            sign_ups: self.sign_up_limiter(),
            redemption: self.redemption(),
            first_admin: first_admin.parse().expect("an address or nothing"),
            session_starter: self.session_starter(),
            devices: self.devices(),
        }
    }

    /// Limits how often something may be tried.
    pub fn rate_limiter(self: &Arc<Self>) -> RateLimiter {
        RateLimiter {
            attempts: self.clone(),
            env: self.env(),
        }
    }

    /// Limits new users.
    pub fn sign_up_limiter(self: &Arc<Self>) -> SignUpLimiter {
        SignUpLimiter {
            rate_limiter: self.rate_limiter(),
            per_client_ip: Limit::hourly(SIGN_UPS),
        }
    }

    /// Knows users by address and password: ten wrong ones without waiting.
    pub fn password_strategy(self: &Arc<Self>) -> PasswordStrategy {
        PasswordStrategy {
            users: self.clone(),
            hasher: self.clone(),
            rate_limiter: self.sign_in_limiter(10),
            devices: self.devices(),
            env: self.env(),
        }
    }

    /// Limits guesses of passwords: `per_account` without waiting, ten times as many from one client
    /// address.
    pub fn sign_in_limiter(self: &Arc<Self>, per_account: u32) -> SignInLimiter {
        SignInLimiter {
            rate_limiter: self.rate_limiter(),
            limits: SignInLimits {
                per_account: Limit::of_account(per_account),
                per_client_ip: Limit::of_client_ip(per_account.saturating_mul(10)),
                per_user: Limit::hourly(SIGN_INS),
            },
        }
    }

    /// Takes requests for mails: so many an hour from one client address.
    pub fn mail_requests(self: &Arc<Self>, per_client_ip: u32) -> MailRequests {
        MailRequests {
            requests: self.clone(),
            rate_limiter: self.rate_limiter(),
            per_client_ip: Limit::hourly(per_client_ip),
            env: self.env(),
        }
    }

    /// Answers requests for mails.
    pub fn responder(self: &Arc<Self>, guarantee: MailGuarantee) -> RequestResponder {
        RequestResponder {
            requests: self.clone(),
            users: self.clone(),
            mail_service: self.mail_service(guarantee),
        }
    }

    /// Writes and sends mails.
    pub fn mail_service(self: &Arc<Self>, guarantee: MailGuarantee) -> MailService {
        MailService {
            ledger: MailLedger {
                leases: self.clone(),
                mailer: self.clone(),
                guarantee,
            },
            limiter: MailLimiter {
                attempts: self.clone(),
                limits: MailLimits {
                    per_address: 3,
                    interval: Duration::from_mins(1),
                    per_asker: Limit::hourly(50),
                    per_hour: 1000,
                },
            },
            mailboxes: self.clone(),
            links: Links {
                tokens: self.clone(),
                secret: self.shared_secret(SecretPurpose::OneTimeToken),
                clock: self.clone(),
            },
            branding: MailBranding {
                product: "Acme".to_owned(),
                app_url: "https://app.example.com".to_owned(),
            },
        }
    }

    /// The secrets that sign what services are told.
    pub fn webhook_secrets(self: &Arc<Self>) -> WebhookSecrets {
        WebhookSecrets(self.shared_secret(SecretPurpose::Webhook))
    }

    /// The caches which processes share: those with the namespace `issuers`.
    pub fn shared_caches(self: &Arc<Self>) -> SharedCaches {
        SharedCaches::new(&["issuers:*"], self.clone(), self.clone())
    }

    /// Where secrets are from.
    pub fn secrets(self: &Arc<Self>) -> SecretPorts {
        SecretPorts {
            secrets: self.clone(),
            ring: self.known_ring(),
            random: self.clone(),
            clock: self.clone(),
        }
    }

    /// The ring as a process knows it; access may lag five seconds.
    pub fn known_ring(self: &Arc<Self>) -> Arc<KnownRing> {
        let keys = Arc::new(QuietKeys(self.clone()));
        Arc::new(KnownRing::new(keys, self.clone(), Duration::from_secs(5)))
    }

    /// The secret of this purpose, as a process of its own reads it.
    pub fn shared_secret(self: &Arc<Self>, purpose: SecretPurpose) -> SharedSecret {
        SharedSecret::new(purpose, self.secrets())
    }
}
