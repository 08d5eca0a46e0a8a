//! The process of an environment: what it gets to see, and where its lines go.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _},
    net::SocketAddr,
    process::Stdio,
    sync::Arc,
};

use jiff::Timestamp;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
};
use uuid::Uuid;

use super::Settings;
use crate::{
    journal::{Happening, Journal},
    template::{Function, arn},
};

/// What is needed to start a function.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) id: String,
    pub(super) function: Function,
    pub(super) settings: Arc<Settings>,
}

impl Program {
    pub(super) fn arn(&self) -> String {
        arn("lambda", &format!("function:{}", self.function.name))
    }

    /// Starts a process that finds the Runtime API at `runtime_api`.
    pub(super) fn start(&self, runtime_api: SocketAddr, journal: &Journal) -> io::Result<Child> {
        let executable = self.settings.executables.get(&self.id);
        let executable = executable
            .ok_or_else(|| io::Error::other("the stack was started without functions"))?;
        let mut command = Command::new(executable);
        command
            .env_clear()
            .envs(&self.function.environment.variables)
            .envs(self.variables(runtime_api))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // Ctrl-C goes to the whole group of the terminal. The stack decides when a function ends;
        // should the stack be killed, the function loses its Runtime API and ends by itself.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        if let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) {
            self.follow(stdout, journal);
            self.follow(stderr, journal);
        }
        Ok(child)
    }

    /// What Lambda sets beside the function's own variables. Nothing of this machine's
    /// environment gets through but the `PATH`.
    fn variables(&self, runtime_api: SocketAddr) -> BTreeMap<String, String> {
        let function = &self.function;
        let today = Timestamp::now().strftime("%Y/%m/%d");
        let mut variables = self.settings.services.clone();
        let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.to_owned());
        set("AWS_LAMBDA_RUNTIME_API", &runtime_api.to_string());
        set("AWS_LAMBDA_FUNCTION_NAME", &function.name);
        set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
        set(
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            &function.memory_size.to_string(),
        );
        let logging = &function.logging_config;
        let default_group = format!("/aws/lambda/{}", function.name);
        let group = logging.log_group.as_ref().unwrap_or(&default_group);
        set("AWS_LAMBDA_LOG_GROUP_NAME", group);
        let stream = format!("{today}/[$LATEST]{}", Uuid::new_v4().simple());
        set("AWS_LAMBDA_LOG_STREAM_NAME", &stream);
        set(
            "AWS_LAMBDA_LOG_FORMAT",
            logging.log_format.as_deref().unwrap_or("Text"),
        );
        if let Some(level) = &logging.application_log_level {
            set("AWS_LAMBDA_LOG_LEVEL", level);
        }
        // The services in front of the emulators can tell callers apart by the key.
        set("AWS_ACCESS_KEY_ID", &self.id);
        set("AWS_SECRET_ACCESS_KEY", "local");
        set("RUST_BACKTRACE", "1");
        set("PATH", &std::env::var("PATH").unwrap_or_default());
        variables
    }

    /// Copies the lines of `output` into the journal until it is closed.
    fn follow(&self, output: impl AsyncRead + Send + Unpin + 'static, journal: &Journal) {
        let (function, journal, echo) = (self.id.clone(), journal.clone(), self.settings.echo);
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).split(b'\n');
            // An error here is a pipe that is gone, as at the end.
            while let Ok(Some(line)) = lines.next_segment().await {
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if echo {
                    show(&function, &line);
                }
                journal.append(Happening::Log {
                    function: function.clone(),
                    line,
                });
            }
        });
    }
}

/// Shows a line on the terminal, behind the name of its function.
fn show(function: &str, line: &str) {
    if io::stderr().is_terminal() {
        eprintln!("\x1b[2m{function}\x1b[0m {line}");
    } else {
        eprintln!("{function} {line}");
    }
}
