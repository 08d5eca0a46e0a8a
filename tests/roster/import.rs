//! Users of another system, who bring the hashes of their passwords.

use std::path::PathBuf;

use cli::{Export, Import, Target};
use serde_json::Value;

use crate::support::{Roster, on_shared_stack, template, unique_email};

/// The password of the tests by bcrypt, as libxcrypt made it.
const BCRYPT: &str = "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS";

/// A folder for the files of a test; gone with this.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _: std::io::Result<()> = std::fs::remove_dir_all(&self.0);
    }
}

fn target(roster: &Roster) -> Target {
    Target {
        endpoint: roster.stack.dynamodb_url.clone(),
        data: None,
        aws: false,
        template: template(),
    }
}

/// The line of an export that is about `email`.
async fn exported(roster: &Roster, folder: &Folder, name: &str, email: &str) -> Value {
    let file = folder.0.join(name);
    let export = Export {
        file: file.clone(),
        target: target(roster),
        filter: None,
        at_once: 8,
    };
    export.run().await.unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.find(|line: &Value| line["email"] == email).unwrap()
}

#[test]
fn who_comes_with_a_bcrypt_hash_signs_in_and_leaves_it_behind() {
    on_shared_stack(async |roster| {
        let (folder, email) = (Folder::new("import"), unique_email("import"));
        let file = folder.0.join("users.jsonl");
        let line = format!(
            r#"{{"email": "{email}", "name": "Ann", "passwordHash": "{BCRYPT}", "createdAt": "2020-01-02T03:04:05Z"}}"#
        );
        std::fs::write(&file, line).unwrap();
        let import = Import {
            file,
            target: target(roster),
            report: None,
            at_once: 1,
            dry_run: false,
        };
        assert_eq!(
            import.run().await.unwrap(),
            "imported 1, there before 0, refused 0"
        );

        let before = exported(roster, &folder, "before.jsonl", &email).await;
        assert_eq!(before["passwordHash"], BCRYPT);
        let first = roster.sign_in(&email).await;
        assert_eq!(first.status, 201, "{:?}", first.body);
        assert_eq!(
            first.body["user"]["createdAt"],
            "2020-01-02T03:04:05.000000Z"
        );

        let after = exported(roster, &folder, "after.jsonl", &email).await;
        let hash = after["passwordHash"].as_str().unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert_eq!(roster.sign_in(&email).await.status, 201);

        roster.settle().await;
        let subjects: Vec<_> = roster
            .mails(&email)
            .into_iter()
            .map(|mail| mail.subject)
            .collect();
        assert_eq!(
            subjects,
            ["New sign-in at Roster"],
            "nobody is welcomed anew"
        );
        let id = first.body["user"]["id"].as_str().unwrap();
        let path = format!("/audit-events?user={id}&type=UserImported");
        let trail = roster.get_as_admin(&path).await.body;
        assert_eq!(trail["data"][0]["version"], 1, "{trail}");
        assert_eq!(trail["chain"]["status"], "ok", "{trail}");
    });
}
