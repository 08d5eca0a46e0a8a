//! Holds the documents against the sources: every test they name is there.

use std::{
    collections::BTreeSet,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Names of the functions that follow a `#[test]` of some kind, or stand in a contract, in the Rust
/// files below `folder`.
fn collect(folder: &Path, names: &mut BTreeSet<String>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            let functions = text.split("fn ").skip(1);
            names.extend(functions.filter_map(|rest| {
                let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric())?;
                rest.get(..end).map(str::to_owned)
            }));
        }
    }
    Ok(())
}

#[test]
fn every_test_that_a_document_names_is_there() -> Result<(), Box<dyn Error>> {
    let mut known = BTreeSet::new();
    for folder in ["shared", "functions", "tests"] {
        collect(&root().join(folder), &mut known)?;
    }
    for (document, at_least) in [("docs/security.md", 40), ("README.md", 15)] {
        let text = fs::read_to_string(root().join(document))?;
        let quoted = text.split('`').skip(1).step_by(2);
        // Test names are sentences: no other name here has three words.
        let named: BTreeSet<_> = quoted
            .filter(|name| name.matches('_').count() >= 2)
            .filter(|name| name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()))
            .collect();
        assert!(named.len() >= at_least, "{document}: {named:?}");
        let missing: Vec<_> = named
            .iter()
            .filter(|name| !known.contains(**name))
            .collect();
        assert!(missing.is_empty(), "{document}: no such tests: {missing:?}");
    }
    Ok(())
}

/// Each row of the table of repetitions names a test.
#[test]
fn every_repetition_has_a_test() -> Result<(), Box<dyn Error>> {
    let readme = fs::read_to_string(root().join("README.md"))?;
    let section = readme.split("## Repeating a request").nth(1);
    let section = section.and_then(|rest| rest.split("\n## ").next());
    let rows = section.unwrap_or_default().lines();
    let rows: Vec<_> = rows
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| line.trim_end_matches(" |").rsplit(" | ").next())
        .collect();
    assert!(rows.len() >= 15, "{rows:?}");
    for tests in rows {
        assert!(tests.matches('_').count() >= 2, "no test: {tests}");
    }
    Ok(())
}
