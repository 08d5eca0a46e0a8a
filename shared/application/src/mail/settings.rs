//! How a deployment sends mail.

use domain::mail::MailGuarantee;

/// How a deployment sends mail.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Sender address.
    pub from: String,
    /// The choice when nobody knows whether a mail was sent.
    pub guarantee: MailGuarantee,
    /// The SES configuration set that reports what becomes of a mail.
    pub configuration_set: String,
    /// Base URL of the application; links point below it.
    pub app_url: String,
    /// Name of the product.
    pub product: String,
}
