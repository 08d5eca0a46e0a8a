//! The request of `SendEmail`, checked as SES checks it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Refusal;
use crate::journal::Mail;

/// Receivers of one mail, all kinds together, by the `SendEmail` reference.
const RECIPIENTS: usize = 50;
/// Characters of a tag's name or value, by the `MessageTag` reference.
const TAG_LENGTH: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmail {
    from_email_address: String,
    #[serde(default)]
    destination: Destination,
    content: Content,
    #[serde(default)]
    email_tags: Vec<Tag>,
    configuration_set_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Destination {
    #[serde(rename = "ToAddresses")]
    to: Vec<String>,
    #[serde(rename = "CcAddresses")]
    cc: Vec<String>,
    #[serde(rename = "BccAddresses")]
    bcc: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    simple: Option<Simple>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simple {
    subject: Part,
    body: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    text: Option<Part>,
    html: Option<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    name: String,
    value: String,
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal("BadRequestException", message.into())
}

/// The mail with this `id`, and the name of its configuration set.
pub(super) fn read(id: String, body: &[u8]) -> Result<(Mail, Option<String>), Refusal> {
    let request: SendEmail =
        serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
    let content = request.content.simple;
    let content = content.ok_or_else(|| bad("only Simple is known locally"))?;
    let Body { text, html } = content.body;
    if text.is_none() && html.is_none() {
        return Err(bad("Body has neither Text nor Html"));
    }
    let from = request.from_email_address;
    check_address("From", &from)?;
    let Destination { to, cc, bcc } = request.destination;
    let to = [to, cc, bcc].concat();
    check_receivers(&to)?;
    let mail = Mail {
        id,
        from,
        to,
        subject: content.subject.data,
        text: text.map(|part| part.data),
        html: html.map(|part| part.data),
        tags: tags(request.email_tags)?,
    };
    Ok((mail, request.configuration_set_name))
}

fn check_receivers(receivers: &[String]) -> Result<(), Refusal> {
    if receivers.is_empty() {
        return Err(bad("there is no receiver"));
    }
    if receivers.len() > RECIPIENTS {
        return Err(bad(format!("Recipient count exceeds {RECIPIENTS}.")));
    }
    receivers
        .iter()
        .try_for_each(|receiver| check_address("To", receiver))
}

/// Either `a@b` or `Name <a@b>`.
fn check_address(what: &str, address: &str) -> Result<(), Refusal> {
    let bare = match address.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or_default(),
        None => address,
    };
    let valid = bare.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    if valid && !bare.contains(char::is_whitespace) {
        Ok(())
    } else {
        Err(bad(format!("{what}: missing or invalid address")))
    }
}

fn tags(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, Refusal> {
    let valid = |text: &str| {
        (1..=TAG_LENGTH).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte))
    };
    let mut checked = BTreeMap::new();
    for Tag { name, value } in tags {
        if !valid(&name) || !valid(&value) {
            return Err(bad(format!(
                "tag {name}: only ASCII letters, digits, underscore, dash, dot and at, at most {TAG_LENGTH}"
            )));
        }
        if checked.insert(name, value).is_some() {
            return Err(bad("a tag is given twice"));
        }
    }
    Ok(checked)
}
