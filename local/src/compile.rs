//! Builds the functions with cargo and finds their executables.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
};

/// Executables of a workspace, by the names of their binaries.
pub type Executables = BTreeMap<String, PathBuf>;

/// What is read of [cargo's messages](https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages).
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        target: Target,
        profile: Profile,
        executable: Option<PathBuf>,
        fresh: bool,
    },
    #[serde(other)]
    Other,
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

/// Builds all binaries of the workspace in `root`.
///
/// # Errors
/// When the build fails. Cargo's diagnostics are on stderr by then.
pub async fn build(root: &Path, build: Build) -> anyhow::Result<Executables> {
    let mut child = command(root, build).spawn().context("cannot start cargo")?;
    let progress = Progress::start();
    let diagnostics = progress.forward(child.stderr.take());
    let (executables, ()) = tokio::join!(artifacts(&mut child, &progress), diagnostics);
    let executables = executables?;
    let status = child.wait().await.context("cannot wait for cargo")?;
    progress.finish(executables.len(), status.success());
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
        .args(["build", "--bins", "--quiet"])
        .arg("--message-format=json-render-diagnostics")
        .args(build.with_tests.then_some("--tests"))
        .args(build.release.then_some("--release"))
        .args(io::stderr().is_terminal().then_some("--color=always"))
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // `cargo run` leaves what describes its own package behind, which build scripts would take
    // for changes.
    for (name, _) in env::vars_os() {
        let is_of_package = name.to_str().is_some_and(|name| {
            [
                "CARGO_PKG_",
                "CARGO_MANIFEST_",
                "CARGO_BIN_",
                "CARGO_CRATE_",
            ]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        });
        if is_of_package {
            command.env_remove(name);
        }
    }
    command
}

async fn artifacts(child: &mut Child, progress: &Progress) -> anyhow::Result<Executables> {
    let mut executables = Executables::new();
    let Some(stdout) = child.stdout.take() else {
        return Ok(executables);
    };
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await.context("cannot read from cargo")? {
        // Build scripts may write lines of their own.
        let Ok(Message::CompilerArtifact {
            target,
            profile,
            executable,
            fresh,
        }) = serde_json::from_str(&line)
        else {
            continue;
        };
        progress.built(&target.name, fresh);
        let is_binary = !profile.test && target.kind.iter().any(|kind| kind == "bin");
        if let Some(executable) = executable.filter(|_| is_binary) {
            executables.insert(target.name, executable);
        }
    }
    Ok(executables)
}

/// Shows how far cargo is: a moving line on a terminal, two plain lines elsewhere.
struct Progress(Option<ProgressBar>);

impl Progress {
    fn start() -> Self {
        if !io::stderr().is_terminal() {
            eprintln!("building the functions");
            return Self(None);
        }
        let style = ProgressStyle::with_template("{spinner} building the functions: {pos} {msg}");
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        Self(Some(bar))
    }

    fn built(&self, name: &str, fresh: bool) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
            if !fresh {
                bar.set_message(name.to_owned());
            }
        }
    }

    /// Copies cargo's diagnostics to stderr.
    async fn forward(&self, stderr: Option<impl AsyncRead + Unpin>) {
        let Some(stderr) = stderr else { return };
        let mut lines = BufReader::new(stderr).lines();
        // An error here is a pipe that is gone, as at the end.
        while let Ok(Some(line)) = lines.next_line().await {
            match &self.0 {
                Some(bar) => bar.suspend(|| eprintln!("{line}")),
                None => eprintln!("{line}"),
            }
        }
    }

    fn finish(&self, executables: usize, success: bool) {
        match &self.0 {
            Some(bar) => bar.finish_and_clear(),
            None if success => eprintln!("built the functions ({executables} binaries)"),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_read_from_cargos_messages() {
        let line = r#"{"reason":"compiler-artifact","package_id":"x","target":{"kind":["bin"],"name":"create-user"},"profile":{"test":false},"executable":"/t/create-user","fresh":false}"#;
        let Ok(Message::CompilerArtifact {
            target, executable, ..
        }) = serde_json::from_str(line)
        else {
            panic!("not understood");
        };
        assert_eq!(target.name, "create-user");
        assert_eq!(executable.as_deref(), Some(Path::new("/t/create-user")));

        let line = r#"{"reason":"build-finished","success":true}"#;
        assert!(matches!(serde_json::from_str(line), Ok(Message::Other)));
    }
}
