//! The list of refused lines. It holds no address, no name and no hash: the reader has the file.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};

use anyhow::Context as _;
use serde::Serialize;
use shared::domain::FieldError;

/// A file with one JSON object for each fault.
pub(super) struct Report(BufWriter<File>);

#[derive(Serialize)]
struct Fault<'a> {
    /// The number of the line, from 1.
    line: u64,
    #[serde(flatten)]
    error: &'a FieldError,
}

impl Report {
    /// An empty list; one from before is gone.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(BufWriter::new(file)))
    }

    pub(super) fn refused(&mut self, line: u64, errors: &[FieldError]) -> anyhow::Result<()> {
        for error in errors {
            serde_json::to_writer(&mut self.0, &Fault { line, error })?;
            self.0.write_all(b"\n")?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        Ok(self.0.flush()?)
    }
}
