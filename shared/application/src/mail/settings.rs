//! What observers that send mail are told.

use crate::domain::mail::MailGuarantee;

crate::config! {
    /// What observers that send mail are told.
    pub struct MailConfig {
        /// Sender of mails.
        from: String = "MAIL_FROM",
        /// What to do when nobody knows whether a mail was sent.
        guarantee: MailGuarantee = "MAIL_GUARANTEE",
        /// The configuration set that reports sending.
        configuration_set: String = "MAIL_CONFIGURATION_SET",
        /// Where the application is.
        app_url: String = "APP_URL",
        /// How the product is called.
        product: String = "PRODUCT_NAME",
    }
}
