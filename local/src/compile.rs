//! Builds the functions with cargo and finds their executables.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

/// Executables of a workspace, by the names of their binaries.
pub type Executables = BTreeMap<String, PathBuf>;

/// What is read of [cargo's messages](https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages):
/// those of artifacts.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    profile: Profile,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// What to build besides, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Build {
    /// With the release profile.
    pub release: bool,
    /// Together with the tests, whose dependencies then need not be compiled twice: cargo resolves
    /// features for all that is built at once.
    pub with_tests: bool,
}

/// Builds all binaries of the workspace in `root`. Cargo shows its progress on stderr.
///
/// # Errors
/// When the build fails. Cargo's diagnostics are on stderr by then.
pub async fn build(root: &Path, build: Build) -> anyhow::Result<Executables> {
    let mut child = command(root, build).spawn().context("cannot start cargo")?;
    let stdout = child.stdout.take().context("cargo has no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let mut executables = Executables::new();
    while let Some(line) = lines.next_line().await.context("cannot read from cargo")? {
        executables.extend(executable(&line));
    }
    let status = child.wait().await.context("cannot wait for cargo")?;
    if !status.success() {
        bail!("the functions do not build: see cargo's messages above");
    }
    Ok(executables)
}

/// The workspace's default members at once: building one package alone would resolve other features
/// for the dependencies and compile them anew.
fn command(root: &Path, build: Build) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command
        .args(["build", "--bins"])
        .arg("--message-format=json-render-diagnostics")
        .args(build.with_tests.then_some("--tests"))
        .args(build.release.then_some("--release"))
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    // `cargo run` leaves what describes its own package behind, which build scripts would take
    // for changes.
    let of_package = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
    ];
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if of_package.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// The executable that a line tells of. Build scripts may write lines of their own.
fn executable(line: &str) -> Option<(String, PathBuf)> {
    let Artifact {
        target,
        profile,
        executable,
    } = serde_json::from_str(line).ok()?;
    let is_binary = !profile.test && target.kind.iter().any(|kind| kind == "bin");
    Some((target.name, executable.filter(|_| is_binary)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_read_from_cargos_messages() {
        let line = r#"{"reason":"compiler-artifact","package_id":"x","target":{"kind":["bin"],"name":"create-user"},"profile":{"test":false},"executable":"/t/create-user","fresh":false}"#;
        let found = Some(("create-user".to_owned(), PathBuf::from("/t/create-user")));
        assert_eq!(executable(line), found);
        for other in [
            &line.replace(r#""test":false"#, r#""test":true"#),
            &line.replace("bin", "example"),
            r#"{"reason":"build-finished","success":true}"#,
            "of a build script",
        ] {
            assert_eq!(executable(other), None, "{other}");
        }
    }
}
