//! `import`: users of another system, or of another deployment, become users here.

mod importer;
mod report;

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use adapters::composition::Ports;
use anyhow::{Context as _, bail};
use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use shared::{
    application::ports::SecretPurpose,
    domain::{Email, Error, FieldError, Refusal, user::ImportKey},
};

pub(super) use self::importer::{Importer, Outcome};

use self::report::Report;
use crate::{record::Record, target::Target};

/// Imports users from a file with one JSON object a line
#[derive(Debug, Args)]
pub struct Import {
    /// File with the users
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: Target,
    /// File that will list the refused lines [default: FILE.refused.jsonl]
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Users written at once
    #[arg(long, value_name = "COUNT", default_value_t = 32)]
    pub at_once: usize,
    /// Check every line and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What became of the lines of a file.
#[derive(Debug, Default)]
struct Counts {
    written: u64,
    /// From an earlier run.
    present: u64,
    refused: u64,
}

impl Import {
    /// Imports the file and says what became of it.
    ///
    /// # Errors
    /// If a line was refused, once all others are imported; or if the tables do not answer: then
    /// another run goes on where this one broke off.
    pub async fn run(self) -> anyhow::Result<String> {
        let report = self.report.clone().unwrap_or_else(|| beside(&self.file));
        let Counts {
            written,
            present,
            refused,
        } = self.import(&report).await?;
        let would = if self.dry_run {
            "would import"
        } else {
            "imported"
        };
        let outcome = format!("{would} {written}, there before {present}, refused {refused}");
        if refused > 0 {
            bail!("{outcome}: see {}", report.display());
        }
        Ok(outcome)
    }

    async fn import(&self, report: &Path) -> anyhow::Result<Counts> {
        let shown = self.file.display();
        let file = File::open(&self.file).with_context(|| format!("cannot read {shown}"))?;
        let progress = progress(file.metadata()?.len());
        let mut report = Report::create(report)?;
        // The tables are there as long as `_open` is.
        let (_open, importer) = if self.dry_run {
            (None, None)
        } else {
            let open = self.target.open().await?;
            let importer = Arc::new(importer(&open.aws).await?);
            (Some(open), Some(importer))
        };
        let mut judge = Judge::default();
        let lines = stream::iter(lines(file)).map(|line| {
            let judged = line.map(|line| (line.number, line.bytes.len(), judge.judge(&line.bytes)));
            let importer = importer.clone();
            async move {
                let (number, len, judged) = judged?;
                anyhow::Ok((number, len, carry_out(importer, judged).await?))
            }
        });
        let mut outcomes = lines.buffered(self.at_once.max(1));
        let mut counts = Counts::default();
        while let Some((number, len, outcome)) = outcomes
            .try_next()
            .await
            .with_context(|| format!("{counts:?} so far; run it again to go on"))?
        {
            match outcome {
                Outcome::Written => counts.written += 1,
                Outcome::Present => counts.present += 1,
                Outcome::Refused(errors) => {
                    counts.refused += 1;
                    report.refused(number, &errors)?;
                }
            }
            // The end of the line is one byte more.
            progress.inc(len as u64 + 1);
        }
        progress.finish_and_clear();
        report.finish()?;
        Ok(counts)
    }
}

/// What writes users into the tables of `aws`.
pub(super) async fn importer(aws: &Ports) -> anyhow::Result<Importer> {
    let secret = aws.secret(SecretPurpose::Import).get().await?;
    let key = ImportKey::new(secret);
    Ok(Importer::new(aws.users(), key, aws.env.clone()))
}

/// On a task of its own, so that the work of several users is on several cores.
async fn carry_out(
    importer: Option<Arc<Importer>>,
    judged: Result<Record, Vec<FieldError>>,
) -> anyhow::Result<Outcome> {
    match (judged, importer) {
        (Err(errors), _) => Ok(Outcome::Refused(errors)),
        (Ok(_), None) => Ok(Outcome::Written),
        (Ok(record), Some(importer)) => {
            let task = tokio::spawn(async move { patiently(&importer, &record).await });
            Ok(task.await??)
        }
    }
}

/// How often a line is tried while the tables take no more. They say to come back after a second: a new
/// on-demand table takes longer to see that it has to grow.
const TRIES: usize = 120;

/// What is on its way waits meanwhile, so all slow down to what the tables take.
async fn patiently(importer: &Importer, record: &Record) -> shared::domain::Result<Outcome> {
    for _ in 1..TRIES {
        match importer.import(record.clone()).await {
            Err(Error::Refused(Refusal::Unavailable(pause))) => tokio::time::sleep(pause).await,
            outcome => return outcome,
        }
    }
    importer.import(record.clone()).await
}

/// Judges lines by themselves and beside each other.
#[derive(Default)]
struct Judge {
    seen: HashSet<Email>,
}

impl Judge {
    fn judge(&mut self, line: &[u8]) -> Result<Record, Vec<FieldError>> {
        let record = Record::read(line)?;
        if self.seen.insert(record.email.clone()) {
            Ok(record)
        } else {
            let message = "stands in an earlier line";
            Err(vec![FieldError::new("/email", "duplicate", message)])
        }
    }
}

/// A line of a file, which counts from 1.
struct Line {
    number: u64,
    bytes: Vec<u8>,
}

/// A byte order mark in UTF-8, which Excel, Notepad and PowerShell put before the first line (RFC 8259,
/// 8.1: a parser may ignore it).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines which hold something, without their ends.
fn lines(file: impl Read) -> impl Iterator<Item = io::Result<Line>> {
    let lines = (1..).zip(BufReader::new(file).split(b'\n'));
    lines
        .map(|(number, bytes)| {
            let mut bytes = bytes?;
            if number == 1 && bytes.starts_with(BYTE_ORDER_MARK) {
                bytes.drain(..BYTE_ORDER_MARK.len());
            }
            Ok(Line { number, bytes })
        })
        .filter(|line| {
            let is_blank = |line: &Line| line.bytes.iter().all(u8::is_ascii_whitespace);
            !line.as_ref().is_ok_and(is_blank)
        })
}

/// `users.jsonl` -> `users.refused.jsonl`.
fn beside(file: &Path) -> PathBuf {
    file.with_extension("refused.jsonl")
}

pub(super) fn progress(len: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {eta} left");
    let bar = ProgressBar::new(len);
    // The template is right as it stands; the bar without it is a bar too.
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_and_other_ends_of_lines_are_no_fault() {
        let text = "\u{feff}{\"email\": \"a@example.com\", \"name\": \"A\"}\r\n\r\n{\"email\": \"b@example.com\", \"name\": \"B\"}";
        let lines: Vec<Line> = lines(text.as_bytes()).collect::<io::Result<_>>().unwrap();
        let numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [1, 3]);
        for line in &lines {
            assert!(Record::read(&line.bytes).is_ok());
        }
    }
}
