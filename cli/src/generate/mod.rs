//! `generate`: what follows from template.yaml and openapi.yaml.

mod contract;
mod payloads;
mod tables;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use local::template::Template;
use serde_json::Value;
use yaml_serde::Value as Yaml;

use self::contract::Contract;

/// Writes what follows from template.yaml and openapi.yaml: payloads in events/ and tables of the documents
#[derive(Debug, Args)]
pub struct Generate {
    /// Folder of the workspace
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub root: PathBuf,
}

impl Generate {
    /// Writes the files that are not as they should be.
    ///
    /// # Errors
    /// When a source cannot be read, or a file cannot be written.
    pub fn run(&self) -> anyhow::Result<String> {
        let mut written = 0;
        for (path, content) in files(&self.root)? {
            let path = self.root.join(path);
            if fs::read_to_string(&path).ok().as_ref() != Some(&content) {
                fs::write(&path, content)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                written += 1;
            }
        }
        Ok(format!(
            "{written} files written, the others are up to date"
        ))
    }
}

/// Each generated file below `root`, and what belongs in it.
fn files(root: &Path) -> anyhow::Result<BTreeMap<PathBuf, String>> {
    let template = read(root, "template.yaml")?;
    let model = Template::parse(&template)?.resolve(&crate::local::parameters())?;
    let template: Yaml = yaml_serde::from_str(&template)?;
    let contract = Contract::parse(&read(root, "openapi.yaml")?)?;
    let request = read_json(root, "events/samples/request.json")?;
    let event = read_json(root, "events/samples/event.json")?;

    let mut files = BTreeMap::new();
    let requests = payloads::requests(&model, &contract, &request)?;
    let events = payloads::events(&model, &examples(root)?, &event)?;
    for (binary, payload) in requests.into_iter().chain(events) {
        let path = PathBuf::from(format!("events/{binary}.json"));
        files.insert(path, serde_json::to_string_pretty(&payload)? + "\n");
    }
    for (path, table) in [
        ("README.md", tables::operations(&contract)),
        ("docs/operations.md", tables::parameters(&template)?),
    ] {
        let document = tables::replace(&read(root, path)?, &table).context(path)?;
        files.insert(PathBuf::from(path), document);
    }
    Ok(files)
}

/// The examples in the schemas of domain events, in the order of their names.
fn examples(root: &Path) -> anyhow::Result<Vec<Value>> {
    let folder = root.join("events/schemas");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<Vec<PathBuf>>>()?;
    paths.sort();
    let mut examples = Vec::new();
    for path in paths {
        let schema: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
        examples.extend(schema["examples"].as_array().into_iter().flatten().cloned());
    }
    Ok(examples)
}

fn read(root: &Path, path: &str) -> anyhow::Result<String> {
    fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))
}

fn read_json(root: &Path, path: &str) -> anyhow::Result<Value> {
    serde_json::from_str(&read(root, path)?).with_context(|| format!("{path} is no JSON"))
}
