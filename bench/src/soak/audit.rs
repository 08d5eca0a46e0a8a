//! The audit after a soak: what is there, beside what people know.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use anyhow::{Context as _, bail};
use local::journal::Happening;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{account::Account, client::Request, killer::Kills, stand::Stand};

/// What was lost or doubled.
#[derive(Default)]
pub(crate) struct Findings {
    lost: Vec<String>,
    doubled: Vec<String>,
    /// Mails that went out twice since their worker died between the mail service and the ledger.
    mails_in_window: u64,
}

impl Findings {
    pub(crate) fn are_sound(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty()
    }

    fn equal(&mut self, what: &str, expected: &impl fmt::Debug, found: &impl fmt::Debug) {
        let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
        if expected != found {
            self.lost
                .push(format!("{what}: {found} instead of {expected}"));
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for lost in &self.lost {
            writeln!(f, "lost: {lost}")?;
        }
        for doubled in &self.doubled {
            writeln!(f, "doubled: {doubled}")?;
        }
        write!(
            f,
            "{} lost, {} doubled, {} mails twice within the stated window",
            self.lost.len(),
            self.doubled.len(),
            self.mails_in_window
        )
    }
}

/// The functions that send the mails which are counted.
const SENDERS: [&str; 3] = [
    "OnUserCreated",
    "OnAccessChanged",
    "OnPasswordResetRequested",
];

pub(crate) async fn run(
    stand: &Stand,
    accounts: &[Account],
    kills: &Kills,
) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let admin = stand.admin().await?;
    let published = published(stand);
    let sound: Vec<_> = accounts.iter().filter(|account| !account.broken).collect();
    let mut doubled_mails = 0;
    for account in &sound {
        let Some(id) = &account.id else { continue };
        user(stand, &mut findings, account, id, &admin).await?;
        history(stand, &mut findings, account, id, &admin, &published).await?;
        profile(stand, &mut findings, account, id);
        doubled_mails += mails(stand, &mut findings, account);
    }
    // A worker that dies in between sends one mail twice.
    if doubled_mails <= kills.of(&SENDERS) {
        findings.mails_in_window = doubled_mails;
    } else {
        let problem = format!("{doubled_mails} mails, with {} kills", kills.of(&SENDERS));
        findings.doubled.push(problem);
    }
    if sound.len() == accounts.len() {
        let alive = 1 + accounts.iter().filter(|account| !account.erased).count();
        let list = get(stand, "/users?limit=1", &admin).await?;
        let total = list["pagination"]["total"].as_u64();
        findings.equal("users in the directory", &Some(alive as u64), &total);
    }
    for queue in stand.dead() {
        findings.lost.push(format!("dead letters in {queue}"));
    }
    Ok(findings)
}

async fn user(
    stand: &Stand,
    findings: &mut Findings,
    account: &Account,
    id: &str,
    admin: &str,
) -> anyhow::Result<()> {
    let request = Request::new(Method::GET, format!("/users/{id}")).by(admin);
    let answer = stand.client.send(&request).await?;
    let sign_in = Request::new(Method::POST, "/sessions")
        .json(json!({"email": account.email, "password": account.password}));
    let signed_in = stand.client.send(&sign_in).await?.status;
    if account.erased {
        findings.equal("an erased user", &StatusCode::NOT_FOUND, &answer.status);
        findings.equal("their sign-in", &StatusCode::UNAUTHORIZED, &signed_in);
        return Ok(());
    }
    let found = [
        &answer.body["email"],
        &answer.body["name"],
        &answer.body["emailVerified"],
    ];
    let expected = [
        &json!(account.email),
        &json!(account.name),
        &json!(account.events.contains(&"UserEmailVerified")),
    ];
    findings.equal(&account.email, &expected, &found);
    findings.equal("a sign-in", &StatusCode::CREATED, &signed_in);
    Ok(())
}

/// Every event of the user once, in order, in the audit and on the bus.
async fn history(
    stand: &Stand,
    findings: &mut Findings,
    account: &Account,
    id: &str,
    admin: &str,
    published: &BTreeMap<String, BTreeSet<String>>,
) -> anyhow::Result<()> {
    let mut events = BTreeMap::new();
    let mut path = format!("/audit-events?user={id}&limit=100");
    loop {
        let page = get(stand, &path, admin).await?;
        // Only the first page has it.
        let is_first = !path.contains("cursor");
        if is_first && page["chain"]["status"] != "ok" {
            findings.lost.push(format!("{id}: chain {}", page["chain"]));
        }
        for event in page["data"].as_array().into_iter().flatten() {
            let Some(version) = event["version"].as_u64() else {
                continue;
            };
            if let Some(before) = events.insert(version, event.clone()) {
                findings.doubled.push(format!("{id}: {before} and {event}"));
            }
        }
        match page["pagination"]["next"].as_str() {
            Some(next) => next.clone_into(&mut path),
            None => break,
        }
    }
    let types: Vec<_> = events
        .values()
        .filter_map(|event| event["type"].as_str())
        .collect();
    findings.equal(&account.email, &account.events, &types);
    let versions: Vec<u64> = events.keys().copied().collect();
    let expected: Vec<u64> = (1..).take(account.events.len()).collect();
    findings.equal("versions", &expected, &versions);
    let ids: BTreeSet<_> = events
        .values()
        .filter_map(|event| event["eventId"].as_str().map(str::to_owned))
        .collect();
    let on_bus = published.get(id).cloned().unwrap_or_default();
    findings.equal("events on the bus", &ids, &on_bus);
    let profile = stand
        .receiver
        .service
        .profiles
        .get(id)
        .map(|profile| profile.version);
    let version = (!account.erased).then_some(account.events.len());
    findings.equal("the version of a profile", &version, &profile);
    Ok(())
}

fn profile(stand: &Stand, findings: &mut Findings, account: &Account, id: &str) {
    let is_there = stand.receiver.service.profiles.get(id).is_some();
    findings.equal("a profile", &!account.erased, &is_there);
}

/// The ids of the events with a version that were on the bus, by user.
fn published(stand: &Stand) -> BTreeMap<String, BTreeSet<String>> {
    let mut published: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in stand.running.journal.since(0) {
        if let Happening::Event { event, .. } = &entry.happening {
            let detail = &event["detail"];
            let text = |value: &Value| value.as_str().map(str::to_owned);
            if let (Some(user), Some(id), true) = (
                text(&detail["subject"]),
                text(&detail["id"]),
                detail["version"].is_u64(),
            ) {
                published.entry(user).or_default().insert(id);
            }
        }
    }
    published
}

/// How many mails came twice; each kind must have come as often as it was due.
fn mails(stand: &Stand, findings: &mut Findings, account: &Account) -> u64 {
    let count = |start: &str| {
        let entries = stand.running.journal.since(0);
        let mails = entries.iter().filter(|entry| match &entry.happening {
            Happening::Mail { mail } => {
                mail.to.contains(&account.email) && mail.subject.starts_with(start)
            }
            _ => false,
        });
        mails.count() as u64
    };
    let changes = account
        .events
        .iter()
        .filter(|kind| **kind == "UserPasswordChanged");
    let mut doubled = 0;
    for (subject, due) in [("Welcome", 1), ("Your password", changes.count() as u64)] {
        let found = count(subject);
        // Nobody is written to after the erasure.
        if found < due && !account.erased {
            let problem = format!("{}: {found} of {due} mails {subject}", account.email);
            findings.lost.push(problem);
        }
        doubled += found.saturating_sub(due);
    }
    doubled
}

async fn get(stand: &Stand, path: &str, token: &str) -> anyhow::Result<Value> {
    let answer = stand
        .client
        .send(&Request::new(Method::GET, path).by(token))
        .await
        .context("the audit")?;
    if answer.status != StatusCode::OK {
        bail!("{path}: {answer:?}");
    }
    Ok(answer.body)
}
