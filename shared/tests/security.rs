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

/// Names of all tests.
fn tests() -> Result<BTreeSet<String>, Box<dyn Error>> {
    let mut names = BTreeSet::new();
    for folder in ["shared", "functions", "tests"] {
        collect(&root().join(folder), &mut names)?;
    }
    Ok(names)
}

/// Names of the tests in the Rust files below `folder`.
fn collect(folder: &Path, names: &mut BTreeSet<String>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(tests_in(&fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

/// Names of the functions below `#[test]` or `#[tokio::test]`, and of those that `contract!` makes tests.
/// Helpers and the code that is tested have none of these.
fn tests_in(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let (mut is_test, mut is_contract) = (false, false);
    for line in text.lines().map(str::trim) {
        let function = line.split_once("fn ").map(|(_, rest)| word(rest));
        match function {
            _ if is_contract || line.starts_with("contract!(") => {
                let listed = line.trim_start_matches("contract!(");
                names.extend(listed.split(',').map(|name| word(name.trim())));
                is_contract = !line.contains(')');
            }
            _ if line.starts_with("#[test") || line.starts_with("#[tokio::test") => is_test = true,
            Some(name) if !line.starts_with("//") => {
                names.extend(is_test.then_some(name));
                is_test = false;
            }
            _ => {}
        }
    }
    names
}

/// The name that `text` begins with.
fn word(text: &str) -> String {
    let is_part = |c: &char| *c == '_' || c.is_ascii_alphanumeric();
    text.chars().take_while(is_part).collect()
}

#[test]
fn only_tests_count_as_tests() {
    let text = "
        fn a_helper_that_checks() {}
        contract!(a_behaviour_of_all, another_one_of_all);
        contract!(
            a_third_of_all,
        );
        #[tokio::test(start_paused = true)]
        // why
        #[cfg(unix)]
        async fn a_test_of_its_own() { fn a_helper_within_it() {} }
        pub fn what_is_tested_here() {}
        #[test]
        /// So that fn is a word.
        fn the_last_of_them() {}
    ";
    let names = tests_in(text);
    let names: Vec<_> = names.iter().filter(|name| !name.is_empty()).collect();
    let expected = [
        "a_behaviour_of_all",
        "a_test_of_its_own",
        "a_third_of_all",
        "another_one_of_all",
        "the_last_of_them",
    ];
    assert_eq!(names, expected);
}

#[test]
fn every_test_that_a_document_names_is_there() -> Result<(), Box<dyn Error>> {
    let known = tests()?;
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

/// Each row of the table of published flaws has tests, and nothing else, in its last column.
#[test]
fn every_flaw_of_others_has_a_test() -> Result<(), Box<dyn Error>> {
    let known = tests()?;
    let text = fs::read_to_string(root().join("docs/security.md"))?;
    let section = text.split("## Flaws of others").nth(1);
    let section = section.and_then(|rest| rest.split("\n## ").next());
    let rows = section.unwrap_or_default().lines();
    let rows: Vec<_> = rows.filter(|line| line.starts_with("| [")).collect();
    assert!(rows.len() >= 20, "{rows:?}");
    for row in rows {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next();
        for test in tests.unwrap_or_default().split(", ") {
            let is_known = known.contains(test.trim_matches('`'));
            assert!(is_known && test.starts_with('`'), "no test: {test}");
        }
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
