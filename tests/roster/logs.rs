//! What the functions write into the log, and count there.

use local::journal::{Entry, Happening};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{ADMIN, PASSWORD, Roster, on_own_stack, patiently, token_in};

/// The lines of the functions so far, with the names of those.
fn lines(roster: &Roster) -> Vec<(String, String)> {
    let entries = roster.stack.journal.since(0);
    let lines = entries.iter().filter_map(|entry| match &entry.happening {
        Happening::Log { function, line } => Some((function.clone(), line.clone())),
        _ => None,
    });
    lines.collect()
}

/// How often functions ran so far.
fn invocations(roster: &Roster) -> usize {
    let entries = roster.stack.journal.since(0);
    let invocations = entries
        .iter()
        .filter(|entry| matches!(entry.happening, Happening::Invocation { .. }));
    invocations.count()
}

/// The sum of a metric, of those lines which have this outcome.
fn sum(lines: &[Value], metric: &str, outcome: Option<&str>) -> u64 {
    let counted = lines
        .iter()
        .filter(|line| line["_aws"].is_object() && line["Outcome"].as_str() == outcome);
    counted.filter_map(|line| line[metric].as_u64()).sum()
}

#[test]
fn each_invocation_is_one_line_and_business_is_counted() {
    on_own_stack(&[("LogLevel", "INFO")], async |roster| {
        let email = "ann@example.com";
        assert_eq!(roster.sign_up(email).await.status, StatusCode::CREATED);
        let token = token_in(&roster.mail_to(email).await, "verify");
        let wrong = json!({"email": email, "password": "five red tulips sang"});
        assert_eq!(
            roster.post("/sessions", &wrong).await.status,
            StatusCode::UNAUTHORIZED
        );
        let session = roster.sign_in(email).await.body;
        let access = session["accessToken"].as_str().unwrap();
        roster.get_as_admin("/users?search=tulips").await;
        roster.call("GET /users/me", access, &Value::Null).await;
        roster.settle().await;

        let ran = invocations(roster);
        logged(roster, ran, is_end).await;
        let lines = parsed(roster);
        let told = told(&lines);
        assert_eq!(told.len(), ran);
        for line in &told {
            assert!(
                line["request_id"].as_str().is_some_and(|id| !id.is_empty()),
                "{line}"
            );
            for number in ["micros", "requests", "read_units", "write_units"] {
                assert!(line[number].is_number(), "{number}: {line}");
            }
            assert_eq!(line["cold"] == true, line["init_micros"].is_u64(), "{line}");
        }
        let of = |route: &str, status: u64| {
            let mut wanted = told.iter();
            let found = wanted.find(|line| line["route"] == route && line["status"] == status);
            found.unwrap_or_else(|| panic!("no line of {route} {status}"))
        };
        let created = of("POST /users", 201);
        assert_eq!(created["outcome"], "ok");
        assert!(created["write_units"].as_f64() >= Some(6.0), "{created}");
        assert!(created["requests"].as_u64() >= Some(2), "{created}");
        assert_eq!(of("POST /sessions", 401)["outcome"], "invalid-credentials");
        // Read when the function did not remember the caller; not of nobody else.
        assert!(of("GET /users/{id}", 200)["read_units"].as_f64() > Some(0.0));
        assert!(
            told.iter()
                .any(|line| line["message"] == "relayed" && line["published"] == 1)
        );
        assert!(told.iter().any(|line| line["kind"] == "UserCreated"));

        // The administrator, and Ann.
        assert_eq!(sum(&lines, "SignUps", None), 2);
        assert_eq!(sum(&lines, "SignIns", Some("ok")), 2);
        assert_eq!(sum(&lines, "SignIns", Some("invalid-credentials")), 1);
        assert_eq!(sum(&lines, "MailSent", None), mails(roster));
        assert!(
            lines
                .iter()
                .any(|line| line["EventLag"].as_u64() < Some(600_000))
        );

        let secrets = [
            email,
            ADMIN,
            "Ann Example",
            PASSWORD,
            "tulips",
            access,
            &token,
        ];
        let refresh = session["refreshToken"].as_str().unwrap();
        for (function, line) in self::lines(roster) {
            for secret in secrets.into_iter().chain([refresh]) {
                assert!(!line.contains(secret), "{function}: {line}");
            }
        }
    });
}

fn parsed(roster: &Roster) -> Vec<Value> {
    let lines = lines(roster).into_iter();
    lines
        .filter_map(|(_, line)| serde_json::from_str(&line).ok())
        .collect()
}

/// The lines at the ends of invocations.
fn told(lines: &[Value]) -> Vec<Value> {
    lines.iter().filter(|line| is_end(line)).cloned().collect()
}

fn is_end(line: &Value) -> bool {
    let ends = ["answered", "observed", "not observed", "relayed", "taken"];
    line["message"]
        .as_str()
        .is_some_and(|message| ends.contains(&message))
}

/// Waits until there are so many such lines.
async fn logged(roster: &Roster, count: usize, wanted: impl Fn(&Value) -> bool) {
    let mut seen = 0;
    let counted = |entry: &Entry| {
        if let Happening::Log { line, .. } = &entry.happening {
            seen += usize::from(serde_json::from_str(line).is_ok_and(|line| wanted(&line)));
        }
        (seen >= count).then_some(())
    };
    patiently("lines", roster.stack.journal.wait_for(0, counted)).await;
}

fn mails(roster: &Roster) -> u64 {
    let entries = roster.stack.journal.since(0);
    let mails = entries
        .iter()
        .filter(|entry| matches!(entry.happening, Happening::Mail { .. }));
    mails.count() as u64
}

/// Alarms stand on metrics: they must not end with the lines.
#[test]
fn metrics_are_counted_whatever_the_level_of_the_log() {
    on_own_stack(&[("LogLevel", "FATAL")], async |roster| {
        assert_eq!(roster.sign_in(ADMIN).await.status, StatusCode::CREATED);
        logged(roster, 1, |line| {
            line["SignIns"] == 1 && line["Outcome"] == "ok"
        })
        .await;
        assert!(told(&parsed(roster)).is_empty());
    });
}
