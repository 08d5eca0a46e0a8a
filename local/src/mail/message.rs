//! The request of `SendEmail`, checked as SES checks it.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;

use super::Refusal;

/// Receivers of one mail, all kinds together, by the `SendEmail` reference.
const RECIPIENTS: usize = 50;
/// Characters of a tag's name or value, by the `MessageTag` reference.
const TAG_LENGTH: usize = 256;

/// A mail to send.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) subject: String,
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) configuration_set: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmail {
    from_email_address: Option<String>,
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
    raw: Option<Raw>,
    template: Option<Value>,
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
struct Raw {
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

impl Message {
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let request: SendEmail =
            serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
        let mut message = match request.content {
            Content {
                template: Some(_), ..
            } => return Err(bad("there are no templates locally")),
            Content {
                simple: Some(simple),
                raw: None,
                ..
            } => Self::simple(simple)?,
            Content {
                simple: None,
                raw: Some(raw),
                ..
            } => Self::raw(&raw)?,
            _ => return Err(bad("exactly one of Simple, Raw and Template is needed")),
        };
        if let Some(from) = request.from_email_address {
            message.from = from;
        }
        check_address("From", &message.from)?;
        let Destination { to, cc, bcc } = request.destination;
        let receivers = [to, cc, bcc].concat();
        if !receivers.is_empty() {
            message.to = receivers;
        }
        check_receivers(&message.to)?;
        message.tags = tags(request.email_tags)?;
        message.configuration_set = request.configuration_set_name;
        Ok(message)
    }

    fn simple(simple: Simple) -> Result<Self, Refusal> {
        let Body { text, html } = simple.body;
        if text.is_none() && html.is_none() {
            return Err(bad("Body has neither Text nor Html"));
        }
        Ok(Self {
            subject: simple.subject.data,
            text: text.map(|part| part.data),
            html: html.map(|part| part.data),
            ..Self::empty()
        })
    }

    /// Reads the headers; the rest is the text.
    fn raw(raw: &Raw) -> Result<Self, Refusal> {
        let data = STANDARD
            .decode(&raw.data)
            .map_err(|error| bad(error.to_string()))?;
        let data = String::from_utf8_lossy(&data).replace("\r\n", "\n");
        let (head, text) = data.split_once("\n\n").unwrap_or((&data, ""));
        // A line that starts with white space continues the one before.
        let head = head.replace("\n ", " ").replace("\n\t", " ");
        let header = |wanted: &str| {
            head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case(wanted)
                    .then(|| value.trim().to_owned())
            })
        };
        let receivers = ["To", "Cc", "Bcc"].into_iter().filter_map(header);
        Ok(Self {
            from: header("From").unwrap_or_default(),
            to: receivers
                .flat_map(|list| {
                    list.split(',')
                        .map(|one| one.trim().to_owned())
                        .collect::<Vec<_>>()
                })
                .collect(),
            subject: header("Subject").unwrap_or_default(),
            text: Some(text.to_owned()),
            ..Self::empty()
        })
    }

    fn empty() -> Self {
        Self {
            from: String::new(),
            to: Vec::new(),
            subject: String::new(),
            text: None,
            html: None,
            tags: BTreeMap::new(),
            configuration_set: None,
        }
    }
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
