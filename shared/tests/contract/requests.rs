//! An anonymous request waits until it is carried out or expires.

use shared::domain::{
    DomainEvent, PasswordHash, RequestId,
    request::{AnonymousRequest, RequestKind, SignUp},
};

use crate::{
    contract,
    ports::{INSTANT, Ports, email},
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
        ports.requests.remove(request.id).await.unwrap();
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
