//! `local env`: the environment variables with which another tool runs a function over a local stack.

use std::collections::BTreeMap;

use anyhow::bail;
use clap::Args;
use local::variables::Variables;
use serde_json::json;

use super::running::{self, Running};

/// Prints the variables of the functions of a running stack: JSON for `sam local --env-vars`, unless said
/// otherwise
///
/// They lead every call to an AWS service to the stack, or to a port where nothing listens.
#[derive(Debug, Args)]
pub struct Env {
    /// Function, by logical id or binary; without it all of them
    pub function: Option<String>,
    /// Lines of a Dockerfile, for an image whose functions run over the stack: SAM sets only variables
    /// that the template declares, so where the services are has to be in the image
    #[arg(long)]
    pub docker: bool,
    /// Lines `NAME=value`, for `cargo lambda watch --env-file`
    #[arg(long, conflicts_with = "docker")]
    pub lines: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub running: Running,
}

type Pairs = BTreeMap<String, String>;

impl Env {
    /// What to print.
    ///
    /// # Errors
    /// If no stack answers, or there is no such function.
    pub async fn run(self) -> anyhow::Result<String> {
        let variables = self.running.variables().await?;
        let function = match &self.function {
            Some(name) => Some(running::function(&variables, name)?.0),
            None => None,
        };
        if self.docker {
            docker(&variables, function)
        } else if self.lines {
            lines(&variables, function)
        } else {
            Ok(sam(&variables, function))
        }
    }
}

/// By function, what the template declares. The rest is in the image.
fn sam(variables: &Variables, function: Option<&str>) -> String {
    let functions = variables.functions.iter();
    let own: BTreeMap<_, _> = functions
        .filter(|(id, _)| function.is_none_or(|wanted| wanted == *id))
        .map(|(id, function)| (id, &function.own))
        .collect();
    format!("{:#}", json!(own))
}

fn lines(variables: &Variables, function: Option<&str>) -> anyhow::Result<String> {
    let all = all(variables, function)?;
    let lines: Vec<_> = all.iter().map(|(name, value)| line(name, value)).collect();
    Ok(lines.join("\n"))
}

/// A line that shells, too, read as it is meant.
fn line(name: &str, value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,+%".contains(c);
    if value.chars().all(is_plain) {
        format!("{name}={value}")
    } else {
        format!("{name}='{}'", value.replace('\'', r"'\''"))
    }
}

/// Without a function only what all of them need: SAM adds the rest.
fn docker(variables: &Variables, function: Option<&str>) -> anyhow::Result<String> {
    let mut pairs = match function {
        Some(_) => all(variables, function)?,
        None => credentials("local")
            .chain(variables.services.clone())
            .collect(),
    };
    for (name, value) in &mut pairs {
        // What is this machine for a container; nothing listens at the port of its own.
        if variables.services.contains_key(name) && value != Variables::NOWHERE {
            *value = value.replace("127.0.0.1", "host.docker.internal");
        }
    }
    let quoted = |value: &str| {
        value
            .replace('\\', r"\\")
            .replace('"', r#"\""#)
            .replace('$', r"\$")
    };
    let lines: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("ENV {name}=\"{}\"", quoted(value)))
        .collect();
    Ok(lines.join("\n"))
}

/// Everything that a function needs, or all functions together, if they agree.
fn all(variables: &Variables, function: Option<&str>) -> anyhow::Result<Pairs> {
    let mut pairs: Pairs = credentials(function.unwrap_or("local")).collect();
    for (id, other) in &variables.functions {
        if function.is_some_and(|wanted| wanted != id) {
            continue;
        }
        for (name, value) in &other.own {
            match pairs.insert(name.clone(), value.clone()) {
                Some(before) if before != *value => {
                    bail!("{name} is not the same for all functions: name one");
                }
                _ => {}
            }
        }
    }
    pairs.extend(variables.services.clone());
    Ok(pairs)
}

/// Good for nothing but to tell callers apart.
fn credentials(caller: &str) -> impl Iterator<Item = (String, String)> {
    let pairs = [
        ("AWS_ACCESS_KEY_ID", caller),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ];
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into_iter()
}

#[cfg(test)]
mod tests {
    use local::variables::FunctionVariables;

    use super::*;

    fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Pairs {
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn variables() -> Variables {
        let function = |binary: &str, own| FunctionVariables {
            binary: binary.to_owned(),
            own,
        };
        let get = function(
            "get-user",
            pairs([("BUS", "roster"), ("X", r#"[{"a": "$b"}]"#)]),
        );
        let create = function("create-user", pairs([("BUS", "roster"), ("Y", "it's")]));
        Variables {
            api: "http://localhost:3000".to_owned(),
            services: pairs([
                ("AWS_ENDPOINT_URL", Variables::NOWHERE),
                ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:8000"),
            ]),
            functions: [
                ("GetUser".to_owned(), get),
                ("CreateUser".to_owned(), create),
            ]
            .into(),
        }
    }

    #[test]
    fn sam_gets_what_the_template_declares() {
        let one: serde_json::Value =
            serde_json::from_str(&sam(&variables(), Some("CreateUser"))).unwrap();
        assert_eq!(
            one,
            json!({ "CreateUser": { "BUS": "roster", "Y": "it's" } })
        );
        let all: serde_json::Value = serde_json::from_str(&sam(&variables(), None)).unwrap();
        assert_eq!(all.as_object().unwrap().len(), 2);
    }

    #[test]
    fn lines_have_all_that_a_process_needs() {
        let expected = [
            "AWS_ACCESS_KEY_ID=CreateUser",
            "AWS_ENDPOINT_URL=http://127.0.0.1:9",
            "AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:8000",
            "AWS_SECRET_ACCESS_KEY=local",
            "BUS=roster",
            r"Y='it'\''s'",
        ];
        let lines = lines(&variables(), Some("CreateUser")).unwrap();
        assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn lines_for_all_are_refused_if_functions_differ() {
        assert!(lines(&variables(), None).unwrap().contains("X="));
        let mut variables = variables();
        let create = variables.functions.get_mut("CreateUser").unwrap();
        create.own.insert("BUS".to_owned(), "other".to_owned());
        assert!(lines(&variables, None).is_err());
    }

    #[test]
    fn an_image_calls_the_machine_it_runs_on_and_nothing_else() {
        let expected = [
            r#"ENV AWS_ACCESS_KEY_ID="local""#,
            r#"ENV AWS_ENDPOINT_URL="http://127.0.0.1:9""#,
            r#"ENV AWS_ENDPOINT_URL_DYNAMODB="http://host.docker.internal:8000""#,
            r#"ENV AWS_SECRET_ACCESS_KEY="local""#,
        ];
        let image = docker(&variables(), None).unwrap();
        assert_eq!(image.lines().collect::<Vec<_>>(), expected);
        let image = docker(&variables(), Some("GetUser")).unwrap();
        assert!(image.contains(r#"ENV X="[{\"a\": \"\$b\"}]""#), "{image}");
    }
}
