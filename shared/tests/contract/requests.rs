//! An anonymous request waits until it is carried out or expires.

use aws_sdk_dynamodb::types::AttributeValue;
use shared::domain::{
    DomainEvent, PasswordHash, RequestId,
    request::{AnonymousRequest, RequestKind, SignUp},
};

use crate::{
    backend, contract,
    ports::{INSTANT, Ports, email},
    tables::{self, Tables},
};

contract!(
    a_request_of_each_kind_can_be_found,
    a_request_may_be_put_twice,
    a_removed_request_is_gone,
    a_request_expires,
);

fn sign_up(ports: &Ports) -> RequestKind {
    RequestKind::SignUp(SignUp {
        user_id: ports.user_id(),
        name: "Ann".parse().unwrap(),
        password: PasswordHash::from_phc("$argon2id$of-ann"),
    })
}

fn request_for(ports: &Ports, kind: RequestKind) -> (AnonymousRequest, DomainEvent) {
    AnonymousRequest::new(
        RequestId::new(ports.now(), ports.bytes()),
        email("ann@example.com"),
        kind,
        &ports.metadata(),
    )
}

fn request(ports: &Ports) -> (AnonymousRequest, DomainEvent) {
    request_for(ports, sign_up(ports))
}

async fn a_request_of_each_kind_can_be_found(ports: Ports) {
    for kind in [
        sign_up(&ports),
        RequestKind::PasswordReset,
        RequestKind::EmailVerification,
    ] {
        let (request, event) = request_for(&ports, kind);
        assert_eq!(ports.requests.find(request.id).await.unwrap(), None);
        ports.requests.put(&request, &event).await.unwrap();
        assert_eq!(
            ports.requests.find(request.id).await.unwrap(),
            Some(request)
        );
    }
}

async fn a_request_may_be_put_twice(ports: Ports) {
    let (request, event) = request(&ports);
    for _ in 0..2 {
        ports.requests.put(&request, &event).await.unwrap();
    }
    assert_eq!(
        ports.requests.find(request.id).await.unwrap(),
        Some(request)
    );
}

async fn a_removed_request_is_gone(ports: Ports) {
    let (request, event) = request(&ports);
    ports.requests.put(&request, &event).await.unwrap();
    for _ in 0..2 {
        ports.requests.remove_sign_up(request.id).await.unwrap();
        assert_eq!(ports.requests.find(request.id).await.unwrap(), None);
    }
}

async fn a_request_expires(ports: Ports) {
    let (request, event) = request(&ports);
    ports.requests.put(&request, &event).await.unwrap();
    let lifetime = ports.now().until(request.expires_at);
    (ports.advance)(lifetime.saturating_sub(INSTANT));
    assert!(ports.requests.find(request.id).await.unwrap().is_some());
    (ports.advance)(INSTANT);
    assert_eq!(ports.requests.find(request.id).await.unwrap(), None);
}

/// DynamoDB only: the hash once stood in the request itself.
#[tokio::test]
async fn a_sign_up_that_waits_since_before_has_its_password() {
    let client = tables::client(&tables::embedded().await);
    let tables = Tables::create(client.clone(), String::new()).await;
    let ports = backend::over(&client, &tables);
    let (request, event) = request(&ports);
    ports.requests.put(&request, &event).await.unwrap();
    let of = |prefix: &str, sk: &str| {
        [
            ("pk", format!("{prefix}#{}", request.id)),
            ("sk", sk.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value)))
        .into()
    };
    let password = client.delete_item().table_name(tables.name("UsersTable"));
    let password = password.set_key(Some(of("SIGN-UP", "SIGN-UP")));
    password.send().await.unwrap();
    let gone = ports.requests.find(request.id).await.unwrap();
    assert_eq!(gone, None, "without its password it is worth nothing");

    client
        .update_item()
        .table_name(tables.name("SessionsTable"))
        .set_key(Some(of("REQUEST", "REQUEST")))
        .update_expression("SET passwordHash = :hash")
        .expression_attribute_values(":hash", AttributeValue::S("$argon2id$of-ann".to_owned()))
        .send()
        .await
        .unwrap();
    let found = ports.requests.find(request.id).await.unwrap();
    assert_eq!(found, Some(request));
}
