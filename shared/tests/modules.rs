//! Top-level modules of a layer depend on each other without a circle: so each can be read, and
//! moved, after the ones it depends on. Between crates cargo sees to that.

#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The modules that a module depends on.
type Graph = BTreeMap<String, BTreeSet<String>>;

const CRATES: [&str; 6] = [
    "domain",
    "application",
    "directory",
    "adapters",
    "lambda",
    "testing",
];

#[test]
fn no_crate_has_a_circle_of_modules() {
    for name in CRATES {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join(name).join("src");
        let graph = graph(&src);
        assert!(!graph.is_empty(), "{name} has no modules");
        let circle = remainder(graph);
        assert!(circle.is_empty(), "{name} has a circle: {circle:#?}");
    }
}

/// Cargo shows a function the door alone. A test may name an adapter, by a dev-dependency.
#[test]
fn no_function_depends_on_an_adapter() {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions");
    let mut count = 0;
    for function in fs::read_dir(functions).unwrap() {
        let path = function.unwrap().path().join("Cargo.toml");
        let manifest = fs::read_to_string(&path).unwrap();
        let dependencies = manifest
            .lines()
            .find(|line| line.starts_with("dependencies"))
            .unwrap();
        for layer in [
            "adapters",
            "testing",
            "aws-",
            "aws_",
            "domain",
            "application",
        ] {
            assert!(!dependencies.contains(layer), "{}: {layer}", path.display());
        }
        count += 1;
    }
    assert!(count > 30);
}

#[test]
fn a_circle_is_found_by_whatever_path_it_is_written() {
    let of = |text: &str, depth| {
        let code = without_tests(text);
        let names = paths(&code, depth).into_iter();
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of("use crate::{a::B, c,\n d::{e, f}};", 1), ["a", "c", "d"]);
    assert_eq!(
        of("use super::a::B; fn f() { crate::c::d() }", 1),
        ["c", "a"]
    );
    assert_eq!(of("use super::a; use super::super::b;", 2), ["b"]);
    assert_eq!(
        of(
            "#[cfg(test)]\nmod tests { use crate::a; }\nuse crate::b;",
            1
        ),
        ["b"]
    );
    assert_eq!(of("// crate::a\nconst A: &str = \"crate::b\";", 1), [""; 0]);
    let edge = |from: &str, to: &str| (from.to_owned(), BTreeSet::from([to.to_owned()]));
    let circle = remainder(Graph::from([
        edge("a", "b"),
        edge("b", "c"),
        edge("c", "a"),
    ]));
    assert_eq!(circle.len(), 3);
    assert!(remainder(Graph::from([edge("a", "b"), edge("b", "c")])).is_empty());
}

/// Which top-level modules of the crate in `src` depend on which others.
fn graph(src: &Path) -> Graph {
    let root = without_tests(&fs::read_to_string(src.join("lib.rs")).unwrap());
    // A name which the root exports from a module stands for the module.
    let mut modules: BTreeMap<String, String> = words_after(&root, "mod ")
        .map(|module| (module.to_owned(), module.to_owned()))
        .collect();
    for (at, marker) in root.match_indices("pub use ") {
        let path = root[at + marker.len()..].trim_start_matches("self::");
        if let Some((module, names)) = path.split_once("::") {
            let names = heads(names).into_iter();
            modules.extend(names.map(|name| (name.to_owned(), module.to_owned())));
        }
    }
    let mut graph = Graph::new();
    for file in files(src) {
        let parts: Vec<_> = file
            .strip_prefix(src)
            .unwrap()
            .with_extension("")
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .filter(|part| part != "mod")
            .collect();
        let module = &parts[0];
        if module == "lib" || parts.iter().any(|part| part == "tests") {
            continue;
        }
        let text = without_tests(&fs::read_to_string(&file).unwrap());
        let used = paths(&text, parts.len());
        let used = used.iter().filter_map(|name| modules.get(*name));
        let others = used.filter(|other| *other != module).cloned();
        graph.entry(module.clone()).or_default().extend(others);
    }
    graph
}

/// What is left of `graph` once modules are taken out, one by one, that depend on nothing left or on
/// which nothing left depends: the circles, and what lies between them.
fn remainder(mut graph: Graph) -> Graph {
    loop {
        let before = graph.len();
        let left: BTreeSet<_> = graph.keys().cloned().collect();
        let used: BTreeSet<_> = graph.values().flatten().cloned().collect();
        graph.retain(|module, others| {
            others.retain(|other| left.contains(other));
            !others.is_empty() && used.contains(module)
        });
        if graph.len() == before {
            return graph;
        }
    }
}

/// The names at the root of the crate which `text`, a file at this depth below it, mentions.
fn paths(text: &str, depth: usize) -> Vec<&str> {
    let up = "super::".repeat(depth);
    let mut names = Vec::new();
    for prefix in ["crate::", &up] {
        for (at, _) in text.match_indices(prefix) {
            let is_whole =
                !text[..at].ends_with(|c: char| c == ':' || c == '_' || c.is_alphanumeric());
            if is_whole {
                names.extend(heads(&text[at + prefix.len()..]));
            }
        }
    }
    names
}

/// The first name of each path in a use tree: `a` of `a::b`, `a` and `c` of `{a::b, c}`.
fn heads(tree: &str) -> Vec<&str> {
    let Some(tree) = tree.strip_prefix('{') else {
        return word(tree).into_iter().collect();
    };
    let (mut depth, mut names, mut is_head) = (0, Vec::new(), true);
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => is_head = true,
            _ if is_head && depth == 0 && !c.is_whitespace() => {
                names.extend(word(&tree[at..]));
                is_head = false;
            }
            _ => {}
        }
    }
    names
}

fn word(text: &str) -> Option<&str> {
    let end = text.find(|c: char| c != '_' && !c.is_alphanumeric());
    Some(&text[..end.unwrap_or(text.len())]).filter(|word| !word.is_empty())
}

fn words_after<'a>(text: &'a str, marker: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(marker)
        .filter_map(move |(at, _)| word(&text[at + marker.len()..]))
}

/// Rust source without comments, texts and what is compiled for tests alone.
fn without_tests(source: &str) -> String {
    let mut text = String::new();
    for line in source.lines() {
        let code = line.split("//").next().unwrap_or_default();
        // Every other piece is a text.
        text.extend(code.split('"').step_by(2));
        text.push('\n');
    }
    while let Some(start) = text.find("#[cfg(test)]") {
        let rest = &text[start..];
        let (semicolon, brace) = (rest.find(';'), rest.find('{'));
        let end = match (semicolon, brace) {
            (Some(semicolon), brace) if brace.is_none_or(|brace| semicolon < brace) => {
                semicolon + 1
            }
            // A block of the top level ends at a brace in the first column; one in a line there.
            (_, Some(brace)) => {
                let line = rest[brace..]
                    .find('\n')
                    .map_or(rest.len(), |end| brace + end);
                if rest[brace..line].ends_with('}') {
                    line
                } else {
                    rest.find("\n}").map_or(rest.len(), |end| end + 2)
                }
            }
            _ => rest.len(),
        };
        text.replace_range(start..start + end, "");
    }
    text
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
