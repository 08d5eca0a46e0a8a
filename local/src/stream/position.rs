//! Where a mapping is in its stream, and with a data directory where it was.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::Mapping;
use crate::dynamodb::Stream;

/// The sequence number of the last record dealt with.
pub(super) struct Position {
    kept: Kept,
    file: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    /// A table that was made anew has another stream, where the number means nothing.
    stream_arn: String,
    sequence_number: Option<String>,
}

impl Position {
    /// The kept position, or the oldest record if there is none for this stream.
    pub(super) async fn open(
        data: Option<&Path>,
        mapping: &Mapping,
        stream: &Stream,
    ) -> anyhow::Result<Self> {
        let file = match data {
            None => None,
            Some(data) => {
                let directory = data.join("streams");
                tokio::fs::create_dir_all(&directory).await?;
                Some(directory.join(format!("{}.json", mapping.id)))
            }
        };
        let kept = match &file {
            None => None,
            Some(file) => read(file).await?,
        };
        let kept = kept.filter(|kept| kept.stream_arn == stream.arn);
        let kept = kept.unwrap_or_else(|| Kept {
            stream_arn: stream.arn.clone(),
            sequence_number: None,
        });
        Ok(Self { kept, file })
    }

    pub(super) fn get(&self) -> Option<&str> {
        self.kept.sequence_number.as_deref()
    }

    /// Moves to `sequence_number` and keeps it. If it cannot be kept, the mapping stays where it
    /// is and delivers again: at least once.
    pub(super) async fn advance(&mut self, sequence_number: String) -> anyhow::Result<()> {
        if self.get() == Some(&sequence_number) {
            return Ok(());
        }
        let next = Kept {
            sequence_number: Some(sequence_number),
            ..self.kept.clone()
        };
        if let Some(file) = &self.file {
            write(file, &next)
                .await
                .with_context(|| format!("keeping the position in {}", file.display()))?;
        }
        self.kept = next;
        Ok(())
    }
}

async fn read(file: &Path) -> anyhow::Result<Option<Kept>> {
    match tokio::fs::read(file).await {
        Ok(text) => {
            let kept = serde_json::from_slice(&text);
            kept.map(Some)
                .with_context(|| format!("the position in {}", file.display()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", file.display())),
    }
}

/// Atomic: a reader finds the old position or the new one.
async fn write(file: &Path, kept: &Kept) -> anyhow::Result<()> {
    let draft = file.with_extension("draft");
    tokio::fs::write(&draft, serde_json::to_vec(kept)?).await?;
    tokio::fs::rename(&draft, file).await?;
    Ok(())
}
