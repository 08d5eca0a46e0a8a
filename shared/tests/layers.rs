//! Dependencies point inward. The compiler does not see it within one crate, so this test does.

use std::{fs, path::Path};

/// Every source file below `folder`, with its text.
fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((
                path.display().to_string(),
                fs::read_to_string(&path).unwrap(),
            ));
        }
    }
}

fn assert_knows_nothing_of(layer: &str, forbidden: &[&str]) {
    let mut found = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src")
            .join(layer),
        &mut found,
    );
    assert!(!found.is_empty(), "{layer} has sources");
    for (path, text) in found {
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for (number, line) in (1..).zip(code) {
            for name in forbidden {
                assert!(
                    !line.contains(name),
                    "{path}: {layer} must not know {name}: line {number}: {line}"
                );
            }
        }
    }
}

const OUTSIDE: [&str; 7] = [
    "tokio::",
    "aws_",
    "lambda_",
    "reqwest",
    "std::fs",
    "std::net::Tcp",
    "std::env",
];

const OUTER_LAYERS: [&str; 5] = [
    "crate::adapters",
    "crate::http",
    "crate::aws",
    "crate::config",
    "crate::mailing",
];

#[test]
fn the_domain_knows_nobody() {
    let forbidden = [
        &OUTSIDE[..],
        &OUTER_LAYERS,
        &["crate::ports", "async fn", "::now()"],
    ]
    .concat();
    assert_knows_nothing_of("domain", &forbidden);
}

#[test]
fn the_directory_is_pure() {
    let forbidden = [&OUTSIDE[..], &OUTER_LAYERS, &["crate::ports", "async fn"]].concat();
    assert_knows_nothing_of("directory", &forbidden);
}

#[test]
fn ports_know_the_domain_alone() {
    assert_knows_nothing_of("ports", &[&OUTSIDE[..], &OUTER_LAYERS].concat());
}
