//! Settings of mail.

use domain::mail::MailGuarantee;

use super::MailLimits;

/// Settings of a deployment for its mails.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Sender address.
    pub from: String,
    /// What to do when nobody knows whether a mail was sent.
    pub guarantee: MailGuarantee,
    /// The SES configuration set that reports what becomes of a mail.
    pub configuration_set: String,
    /// Base URL of the application; links point below it.
    pub app_url: String,
    /// Name of the product.
    pub product: String,
    pub limits: MailLimits,
}
