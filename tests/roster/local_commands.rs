//! `cargo local env` and `cargo local invoke`, over a stack that runs.

use cli::local::{Env, Invoke, RunningStack};
use serde_json::Value;

use crate::support::{Roster, on_own_stack, on_shared_stack, template, unique_email};

fn running(roster: &Roster) -> RunningStack {
    RunningStack {
        console: roster.stack.console_url.clone(),
    }
}

async fn invoke(roster: &Roster, function: &str, event: &str, caller: Option<&str>) -> Value {
    let invoke = Invoke {
        function: function.to_owned(),
        event: Some(template().with_file_name("events").join(event)),
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        caller: caller.map(str::to_owned),
        print: false,
        endpoint: None,
        running: running(roster),
    };
    let answer = Box::pin(invoke.run()).await.unwrap();
    serde_json::from_str(&answer).unwrap()
}

/// As `cargo local` sets it. Without it a token is good at the address that the event names.
const ISSUER: [(&str, &str); 1] = [("Issuer", "http://localhost:3000")];

#[test]
fn an_event_is_answered_for_whom_it_is_sent() {
    on_own_stack(&ISSUER, async |roster| {
        let answer = invoke(roster, "describe-api", "describe-api.json", None).await;
        assert_eq!(answer["statusCode"], 200);
        // The event's own token is of nobody.
        let answer = invoke(roster, "ListIdentities", "list-identities.json", None).await;
        assert_eq!(answer["statusCode"], 401);
        let email = unique_email("invoke");
        roster.sign_up(&email).await;
        let answer = invoke(
            roster,
            "ListIdentities",
            "list-identities.json",
            Some(&email),
        );
        assert_eq!(answer.await["statusCode"], 200);
    });
}

#[test]
fn every_function_can_have_its_variables_from_one_file() {
    on_shared_stack(async |roster| {
        let env = Env {
            function: None,
            docker: false,
            lines: true,
            running: running(roster),
        };
        let lines = env.run().await.unwrap();
        for expected in [
            "USERS_TABLE=UsersTable",
            "BUS=local",
            "AWS_ENDPOINT_URL=http://127.0.0.1:9",
        ] {
            assert!(lines.lines().any(|line| line == expected), "{lines}");
        }
    });
}
