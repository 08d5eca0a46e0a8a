//! The mail service: SES v2.

use application::{
    mail::CLAIM_TAG,
    ports::{LeaseKey, Mailer, SendOutcome},
};
use async_trait::async_trait;
use aws_sdk_sesv2::{
    Client,
    error::{ProvideErrorMetadata as _, SdkError},
    types::{Body, Content, Destination, EmailContent, Message, MessageHeader, MessageTag},
};
use domain::{Error, Result, mail::Mail};

/// The mail service.
#[derive(Debug, Clone)]
pub struct Ses {
    client: Client,
    from: String,
    configuration_set: String,
}

impl Ses {
    /// Mails from the address `from`, their sending reported by `configuration_set`.
    pub fn new(
        client: Client,
        from: impl Into<String>,
        configuration_set: impl Into<String>,
    ) -> Self {
        Self {
            client,
            from: from.into(),
            configuration_set: configuration_set.into(),
        }
    }
}

#[async_trait]
impl Mailer for Ses {
    async fn send(&self, mail: &Mail, lease: &LeaseKey) -> Result<SendOutcome> {
        let tag = MessageTag::builder()
            .name(CLAIM_TAG)
            .value(&lease.key)
            .build()
            .map_err(Error::caused_by)?;
        let outcome = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .destination(
                Destination::builder()
                    .to_addresses(mail.to.as_str())
                    .build(),
            )
            .content(EmailContent::builder().simple(message(mail)?).build())
            .configuration_set_name(&self.configuration_set)
            .email_tags(tag)
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(SendOutcome::Accepted),
            // The service answered that it refused the mail. Only the code is kept: the message can
            // hold the address.
            Err(SdkError::ServiceError(refusal)) if refusal.raw().status().is_client_error() => Ok(
                SendOutcome::Refused(refusal.err().code().unwrap_or("unknown").to_owned()),
            ),
            // The mail was never sent.
            Err(error @ (SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_)))
                if never_sent(&error) =>
            {
                Ok(SendOutcome::Refused(error.to_string()))
            }
            // Unknown: the mail may have been sent.
            Err(error) => Err(Error::caused_by(error)),
        }
    }
}

/// True when no byte of the request can have reached the service.
fn never_sent<E, R>(error: &SdkError<E, R>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::DispatchFailure(failure) => failure.is_user(),
        _ => false,
    }
}

fn message(mail: &Mail) -> Result<Message> {
    let body = Body::builder()
        .text(content(&mail.text)?)
        .html(content(&mail.html)?)
        .build();
    // So that no absence notice answers it (RFC 3834, 5).
    let auto_submitted = MessageHeader::builder()
        .name("Auto-Submitted")
        .value("auto-generated")
        .build()
        .map_err(Error::caused_by)?;
    Ok(Message::builder()
        .headers(auto_submitted)
        .subject(content(&mail.subject)?)
        .body(body)
        .build())
}

fn content(text: &str) -> Result<Content> {
    Content::builder()
        .data(text)
        .charset("UTF-8")
        .build()
        .map_err(Error::caused_by)
}
