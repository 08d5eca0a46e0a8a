//! The services which use cases share, over the adapters of a deployment.

use std::{sync::Arc, time::Duration};

use application::{
    devices::Devices,
    first_admin::FirstAdminInvitations,
    idempotency::Idempotency,
    link_password::LinkPassword,
    mail::{
        Links, MailBranding, MailLedger, MailLimiter, MailService, MailSettings, RequestResponder,
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
use directory::service::Directory;
use domain::{FirstAdmin, PasswordPolicy, Result, attempt::Limit};

use super::Ports;
use crate::{argon2::Argon2, dynamodb::AttemptCounts};

impl Ports {
    /// The way every command changes a user.
    pub fn user_updates(&self) -> UserUpdates {
        UserUpdates {
            users: self.users(),
            env: self.env.clone(),
            changes_per_hour: self.deployment.changes_per_user,
        }
    }

    /// Invites the first administrator.
    pub fn first_admin_invitations(&self) -> FirstAdminInvitations {
        FirstAdminInvitations {
            users: self.users(),
            env: self.env.clone(),
        }
    }

    /// Changes users who redeem a one-time token.
    pub fn token_redemption(&self) -> TokenRedemption {
        TokenRedemption {
            users: self.users(),
            tokens: self.one_time_tokens(),
            requests: self.requests(),
            rate_limiter: self.rate_limiter(),
            ring: self.ring(),
            env: self.env.clone(),
        }
    }

    /// Gives accounts the passwords that were chosen by link.
    ///
    /// # Errors
    /// Those of [`Ports::session_starter`].
    pub async fn link_password(
        &self,
        hasher: Arc<Argon2>,
        passwords: PasswordPolicy,
        first_admin: FirstAdmin,
        sign_ups: u32,
    ) -> Result<LinkPassword> {
        let devices = self.devices();
        devices.warm_up().await?;
        Ok(LinkPassword {
            passwords,
            hasher,
            rate_limiter: self.rate_limiter(),
            sign_ups: self.sign_up_limiter(sign_ups),
            redemption: self.token_redemption(),
            first_admin,
            session_starter: self.session_starter().await?,
            devices,
        })
    }

    /// Compares the current password of a signed-in user.
    pub fn reauthentication(&self, hasher: Arc<Argon2>, limits: SignInLimits) -> Reauthentication {
        Reauthentication {
            users: self.users(),
            hasher,
            rate_limiter: self.sign_in_limiter(limits),
        }
    }

    /// Where secrets are from.
    fn secrets(&self) -> SecretPorts {
        SecretPorts {
            secrets: self.keys(),
            ring: self.ring(),
            random: self.env.random.clone(),
            clock: self.env.clock.clone(),
        }
    }

    /// The secret for `purpose`.
    pub fn secret(&self, purpose: SecretPurpose) -> SharedSecret {
        SharedSecret::new(purpose, self.secrets())
    }

    /// Recognizes repeated requests.
    pub fn idempotency(&self) -> Idempotency {
        Idempotency::new(self.leases(), self.secrets())
    }

    /// Counts attempts of any kind.
    pub fn attempts(&self) -> Arc<AttemptCounts> {
        let table = self.table(&self.deployment.sessions_table);
        Arc::new(AttemptCounts::new(table, self.env.clock.clone()))
    }

    /// Limits attempts of any kind.
    pub fn rate_limiter(&self) -> RateLimiter {
        RateLimiter {
            attempts: self.attempts(),
            env: self.env.clone(),
        }
    }

    /// Limits guesses at passwords, and the right ones.
    pub fn sign_in_limiter(&self, limits: SignInLimits) -> SignInLimiter {
        SignInLimiter {
            rate_limiter: self.rate_limiter(),
            limits,
        }
    }

    /// Limits new users: so many an hour from one client IP.
    pub fn sign_up_limiter(&self, per_client_ip: u32) -> SignUpLimiter {
        SignUpLimiter {
            rate_limiter: self.rate_limiter(),
            per_client_ip: Limit::hourly(per_client_ip),
        }
    }

    /// Starts sessions.
    ///
    /// # Errors
    /// Those of [`Ports::session_tokens`].
    pub async fn session_starter(&self) -> Result<SessionStarter> {
        Ok(SessionStarter {
            sessions: self.sessions(),
            session_tokens: self.session_tokens().await?,
            env: self.env.clone(),
        })
    }

    /// Knows users by address and password.
    ///
    /// # Errors
    /// If the hasher cannot be made.
    pub fn password_strategy(
        &self,
        rate_limiter: SignInLimiter,
        devices: Arc<Devices>,
    ) -> Result<PasswordStrategy> {
        Ok(PasswordStrategy {
            users: self.users(),
            hasher: self.password_hasher()?,
            rate_limiter,
            devices,
            env: self.env.clone(),
        })
    }

    /// Issues the tokens of sessions. Loads the signing key and the secret of refresh tokens, so that no
    /// request has to.
    ///
    /// # Errors
    /// If they cannot be read, or made where there are none.
    pub async fn session_tokens(&self) -> Result<SessionTokens> {
        let tokens = self.access_tokens();
        let refresh_secret = self.secret(SecretPurpose::Refresh);
        tokio::try_join!(tokens.warm_up_to_sign(), refresh_secret.get())?;
        Ok(SessionTokens {
            tokens,
            refresh_secret,
        })
    }

    /// Recognizes devices.
    pub fn devices(&self) -> Arc<Devices> {
        Arc::new(Devices {
            users: self.users(),
            secret: self.secret(SecretPurpose::Device),
            env: self.env.clone(),
        })
    }

    /// The secrets that sign what services are told.
    pub fn webhook_secrets(&self) -> WebhookSecrets {
        WebhookSecrets(self.secret(SecretPurpose::Webhook))
    }

    /// Stores requests for mails: so many an hour from one client IP.
    pub fn mail_requests(&self, per_client_ip: u32) -> MailRequests {
        MailRequests {
            requests: self.requests(),
            rate_limiter: self.rate_limiter(),
            per_client_ip: Limit::hourly(per_client_ip),
            env: self.env.clone(),
        }
    }

    /// Writes mails and sends each once.
    pub fn mail_service(&self, config: &MailSettings) -> MailService {
        let env = &self.env;
        MailService {
            ledger: MailLedger {
                leases: self.leases(),
                mailer: self.mailer(&config.from, &config.configuration_set),
                guarantee: config.guarantee,
            },
            limiter: MailLimiter {
                attempts: self.attempts(),
                limits: config.limits,
            },
            mailboxes: self.mailboxes(),
            links: Links {
                tokens: self.one_time_tokens(),
                secret: self.secret(SecretPurpose::OneTimeToken),
                clock: env.clock.clone(),
            },
            branding: MailBranding {
                product: config.product.clone(),
                app_url: config.app_url.clone(),
            },
        }
    }

    /// Answers requests for mails.
    pub fn request_responder(&self, settings: &MailSettings) -> RequestResponder {
        RequestResponder {
            requests: self.requests(),
            users: self.users(),
            mail_service: self.mail_service(settings),
        }
    }

    /// The directory. It reads the feed from `overlap` before its position on, since rows may appear late.
    pub fn directory(&self, overlap: Duration) -> Arc<Directory> {
        let clock = self.env.clock.clone();
        Arc::new(Directory::new(
            self.feed(),
            self.snapshots(),
            overlap,
            clock,
        ))
    }
}
