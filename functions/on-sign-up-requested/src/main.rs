//! Concealed sign-up: wiring.

use on_sign_up_requested::{handler, on_sign_up_requested::OnSignUpRequested};
use shared::{
    aws::Aws,
    domain::mail::MailGuarantee,
    events,
    mailing::{Courier, Stationery},
    telemetry,
};

shared::config! {
    /// What the function is told.
    pub struct Config {
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start(env!("CARGO_CRATE_NAME"));
    let config = Config::from_environment()?;
    let aws = Aws::connect(config.deployment).await;
    let observer = OnSignUpRequested {
        requests: aws.sign_up_requests(),
        users: aws.users(),
        courier: Courier {
            claims: aws.claims(),
            mailer: aws.mailer(&config.from, &config.configuration_set),
            guarantee: config.guarantee,
        },
        stationery: Stationery {
            product: config.product,
            app_url: config.app_url,
        },
        circumstances: aws.circumstances.clone(),
    };
    events::observe(observer, handler::handle).await
}
