//! The commands over the tables of the template, in folders.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;
use shared::{
    application::ports::{AuditLog as _, UserRepository as _},
    domain::{
        EventKind, Timestamp, User, Version,
        audit::AuditQuery,
        history::{ChainStatus, StateStatus, verify_chain},
    },
};

use super::*;

const BCRYPT: &str = "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS";
const SCRYPT: &str =
    "$scrypt$ln=14,r=8,p=1$c29tZXNhbHRzb21lc2FsdA$NRUVX5lTPZon3qTjxh3SCvArh1MCgj9GMCgklWD7vjg";

/// A folder of its own; gone with this.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("roster-commands-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The tables kept in the folder `name` of this one.
    fn tables(&self, name: &str) -> Target {
        Target {
            endpoint: String::new(),
            data: Some(self.file(name)),
            aws: false,
            template: Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml"),
        }
    }

    fn import(&self, file: &str, tables: &str) -> Import {
        Import {
            file: self.file(file),
            target: self.tables(tables),
            report: None,
            at_once: 4,
            dry_run: false,
        }
    }

    async fn export(&self, tables: &str, file: &str) -> String {
        let export = Export {
            file: self.file(file),
            target: self.tables(tables),
            filter: None,
            at_once: 4,
        };
        export.run().await.unwrap()
    }

    async fn seed(&self, target: Target) -> String {
        let seed = Seed {
            users: 40,
            target,
            password: "correct horse battery staple".to_owned(),
        };
        Box::pin(seed.run()).await.unwrap()
    }

    /// The lines of a file. The feed has no order that another run would have to keep.
    fn lines(&self, file: &str) -> BTreeSet<String> {
        let text = fs::read_to_string(self.file(file)).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _: std::io::Result<()> = fs::remove_dir_all(&self.0);
    }
}

/// Five users with all there is, and one with as little as there may be.
fn users() -> String {
    let mut lines: Vec<_> = (0..5)
        .map(|number| {
            format!(
                r#"{{"id":"019e8cd9-0aba-7c3e-8b51-4d2f6a7c9e1{number}","email":"user-{number}@example.com","emailVerified":true,"name":"Zoë {number}","passwordHash":"{}","identities":["https://accounts.example.com#{number}"],"roles":["admin","support"],"active":{},"createdAt":"2020-01-0{}T00:00:00.000001Z"}}"#,
                [BCRYPT, SCRYPT][number % 2],
                number % 3 != 0,
                number + 1,
            )
        })
        .collect();
    lines.push(r#"{"email": "bare@example.com", "name": "Bare"}"#.to_owned());
    lines.push(String::new());
    lines.join("\n")
}

#[tokio::test]
async fn what_is_exported_can_be_imported_and_is_the_same() {
    let folder = Folder::new();
    fs::write(folder.file("users.jsonl"), users()).unwrap();
    let outcome = folder.import("users.jsonl", "a").run().await.unwrap();
    assert_eq!(outcome, "imported 6, there before 0, refused 0");

    let outcome = folder.export("a", "a.jsonl").await;
    assert!(outcome.starts_with("exported 6 users"), "{outcome}");
    folder.import("a.jsonl", "b").run().await.unwrap();
    folder.export("b", "b.jsonl").await;

    let exported = folder.lines("a.jsonl");
    assert_eq!(exported, folder.lines("b.jsonl"));
    let given = users();
    for line in given.lines().filter(|line| line.contains("\"id\"")) {
        assert!(exported.contains(line), "{line}");
    }
    let again = folder.import("a.jsonl", "a").run().await.unwrap();
    assert_eq!(again, "imported 0, there before 6, refused 0");
}

#[tokio::test]
async fn an_export_may_be_of_those_who_satisfy_a_filter() {
    let folder = Folder::new();
    fs::write(folder.file("users.jsonl"), users()).unwrap();
    folder.import("users.jsonl", "a").run().await.unwrap();
    // What the database can tell, and what it cannot.
    let filter = r#"active eq false or not (name co "ZOË")"#;
    let export = Export {
        file: folder.file("some.jsonl"),
        target: folder.tables("a"),
        filter: Some(filter.parse().unwrap()),
        at_once: 4,
    };
    export.run().await.unwrap();
    let exported = folder.lines("some.jsonl");
    let has = |name: &str| exported.iter().any(|line| line.contains(name));
    assert_eq!(exported.len(), 3);
    assert!(has("Zoë 0") && has("Zoë 3") && has("Bare"));
}

#[tokio::test]
async fn whoever_lacks_an_id_gets_the_same_at_each_run() {
    let folder = Folder::new();
    fs::write(folder.file("users.jsonl"), users()).unwrap();
    folder.import("users.jsonl", "a").run().await.unwrap();
    let again = folder.import("users.jsonl", "a").run().await.unwrap();
    assert_eq!(again, "imported 0, there before 6, refused 0");
}

#[tokio::test]
async fn refused_lines_are_listed_and_keep_no_other_out() {
    let folder = Folder::new();
    let file = format!(
        "{}{}\n\n{}\n{}\n",
        users(),
        r#"{"email": "Bare@example.com", "name": "Bare"}"#,
        r#"{"email": "x", "passwordHash": "$2b$31$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS"}"#,
        "not JSON",
    );
    fs::write(folder.file("users.jsonl"), file).unwrap();
    let error = folder.import("users.jsonl", "a").run().await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("imported 6, there before 0, refused 3: see")
    );
    let report = fs::read_to_string(folder.file("users.refused.jsonl")).unwrap();
    let faults: Vec<(u64, String)> = report
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|fault| {
            let text = |name: &str| fault[name].as_str().unwrap();
            (
                fault["line"].as_u64().unwrap(),
                format!("{} {}", text("pointer"), text("code")),
            )
        })
        .collect();
    let expected = [
        (7, "/email duplicate"),
        (9, "/email invalid-email"),
        (9, "/name required"),
        (9, "/passwordHash too-costly"),
        (10, " malformed"),
    ];
    assert_eq!(
        faults,
        expected.map(|(line, fault)| (line, fault.to_owned()))
    );
    assert!(!report.contains("$2b$") && !report.contains("example.com"));
}

#[tokio::test]
async fn a_dry_run_writes_nobody() {
    let folder = Folder::new();
    fs::write(folder.file("users.jsonl"), users()).unwrap();
    let dry = Import {
        dry_run: true,
        ..folder.import("users.jsonl", "a")
    };
    let outcome = dry.run().await.unwrap();
    assert_eq!(outcome, "would import 6, there before 0, refused 0");
    assert!(!folder.file("a").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn an_export_is_for_its_owner_and_overwrites_nothing() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    folder.export("a", "a.jsonl").await;
    let mode = fs::metadata(folder.file("a.jsonl"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let export = Export {
        file: folder.file("a.jsonl"),
        target: folder.tables("a"),
        filter: None,
        at_once: 1,
    };
    assert!(export.run().await.is_err());
}

/// The lines without hashes, which are salted anew.
fn without_hashes(lines: BTreeSet<String>) -> Vec<Value> {
    let lines = lines.into_iter();
    lines
        .map(|line| {
            let mut line: Value = serde_json::from_str(&line).unwrap();
            let hash = line.as_object_mut().unwrap().remove("passwordHash");
            assert!(hash.unwrap().as_str().unwrap().starts_with("$argon2id$"));
            line
        })
        .collect()
}

#[tokio::test]
async fn users_seeded_in_bulk_are_as_if_they_had_been_imported() {
    let folder = Folder::new();
    folder.seed(folder.tables("bulk")).await;
    let model = folder.tables("one by one").model().unwrap();
    let dynamo = target::serve_tables(&model, None).await.unwrap();
    let running = Target {
        endpoint: dynamo.url(),
        data: None,
        ..folder.tables("none")
    };
    folder.seed(running.clone()).await;

    folder.export("bulk", "bulk.jsonl").await;
    let export = Export {
        file: folder.file("imported.jsonl"),
        target: running,
        filter: None,
        at_once: 4,
    };
    export.run().await.unwrap();
    let bulk = without_hashes(folder.lines("bulk.jsonl"));
    assert_eq!(bulk.len(), 40);
    assert_eq!(bulk, without_hashes(folder.lines("imported.jsonl")));
}

#[tokio::test]
async fn the_histories_of_seeded_users_are_whole_and_witnessed() {
    let folder = Folder::new();
    folder.seed(folder.tables("a")).await;
    folder.export("a", "a.jsonl").await;
    let open = folder.tables("a").open().await.unwrap();
    let users = open.aws.users();
    for line in folder.lines("a.jsonl") {
        let line: Value = serde_json::from_str(&line).unwrap();
        let id = line["id"].as_str().unwrap().parse().unwrap();
        let user: User = users.find(id).await.unwrap().unwrap();
        let query = AuditQuery {
            user_id: Some(id),
            kind: Some(EventKind::UserImported),
            from: user.created_at,
            to: user.updated_at.plus(std::time::Duration::from_micros(1)),
            before: None,
            limit: 10,
        };
        let trail = open.aws.audit().list(&query).await.unwrap().entries;
        assert_eq!(trail.len(), 1);
        let history = users.history(id, None, 10).await.unwrap();
        let stored = users.find_stored(id).await.unwrap();
        let chain = verify_chain(&history, stored.as_ref(), |version| {
            trail[0].hash.filter(|_| version == Version::FIRST)
        });
        assert_eq!(chain.status, ChainStatus::Ok);
        assert_eq!(chain.state, Some(StateStatus::Ok));
        assert_eq!(trail[0].hash, Some(user.chain));
        assert!(user.updated_at >= user.created_at && user.created_at > Timestamp::from_micros(0));
    }
}
