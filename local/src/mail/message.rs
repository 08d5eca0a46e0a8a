//! The request of `SendEmail`, checked as SES checks it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Refusal, address};
use crate::journal::Mail;

/// Receivers of one mail, all kinds together, by the `SendEmail` reference.
const RECIPIENTS: usize = 50;
/// Characters of a tag's name or value, by the `MessageTag` reference.
const TAG_LENGTH: usize = 256;
/// Header fields of the sender's own, by the `Message` reference.
const HEADERS: usize = 15;

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
    #[serde(default)]
    headers: Vec<Tag>,
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
        headers: headers(content.headers)?,
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

fn check_address(what: &str, address: &str) -> Result<(), Refusal> {
    address::check(address).map_err(|problem| bad(format!("{what}: {problem}")))
}

/// Header fields of the sender's own: names of ASCII letters, digits, `_` and `-`, values of visible ASCII
/// and spaces (`MessageHeader` reference).
fn headers(headers: Vec<Tag>) -> Result<BTreeMap<String, String>, Refusal> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let is_text = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if headers.len() > HEADERS {
        return Err(bad(format!("more than {HEADERS} headers")));
    }
    let mut checked = BTreeMap::new();
    for Tag { name, value } in headers {
        let has_name = (1..=126).contains(&name.len()) && name.bytes().all(is_name);
        let has_value = (1..=995).contains(&value.len()) && value.bytes().all(is_text);
        if !has_name || !has_value {
            return Err(bad("a header has a wrong name or value"));
        }
        checked.insert(name, value);
    }
    Ok(checked)
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
