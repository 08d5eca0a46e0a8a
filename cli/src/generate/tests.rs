use std::{fs, path::Path};

use super::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn generated_files_are_up_to_date() {
    for (path, content) in files(&root()).unwrap() {
        let written = fs::read_to_string(root().join(&path)).unwrap_or_default();
        // Some of them are long: the first line that differs is enough.
        let mut lines = content.lines().zip(written.lines());
        let differing = lines.find(|(content, written)| content != written);
        assert!(
            written == content,
            "{} is out of date: run `cargo roster generate`\n{differing:?}",
            path.display()
        );
    }
}

#[test]
fn a_function_without_a_documented_operation_is_named() {
    let contract = Contract::parse("paths: {}").unwrap();
    let error = contract.find("GET", "/users").err().unwrap();
    assert_eq!(error.to_string(), "openapi.yaml has no GET /users");
}

#[test]
fn a_document_without_the_place_of_its_table_is_refused() {
    assert!(tables::replace("No table here.", "| a |\n").is_err());
}

#[test]
fn every_alarm_is_explained() {
    let template: Yaml = yaml_serde::from_str(&read(&root(), "template.yaml").unwrap()).unwrap();
    let operations = read(&root(), "docs/operations.md").unwrap();
    for (name, resource) in template["Resources"].as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        assert!(
            resource["Type"] != "AWS::CloudWatch::Alarm"
                || operations.contains(&format!("`{name}`")),
            "docs/operations.md says nothing of the alarm {name}"
        );
    }
}

/// Each sign-up has a mail sent, on which the account depends.
#[test]
fn as_many_mails_as_sign_ups_are_allowed_by_default() {
    let template: Yaml = yaml_serde::from_str(&read(&root(), "template.yaml").unwrap()).unwrap();
    let default = |name: &str| template["Parameters"][name]["Default"].as_u64().unwrap();
    assert!(default("MailsPerAsker") >= default("SignUpsPerSource"));
}
