//! A wish waits until it is carried out or expires.

use shared::domain::{DomainEvent, PasswordHash, RequestId, sign_up::SignUpRequest};

use crate::{
    contract,
    ports::{INSTANT, Ports, email},
};

contract!(
    a_wish_can_be_found,
    a_wish_may_be_put_twice,
    a_removed_wish_is_gone,
    a_wish_expires,
);

fn request(ports: &Ports) -> (SignUpRequest, DomainEvent) {
    SignUpRequest::new(
        RequestId::new(ports.now(), ports.bytes()),
        ports.user_id(),
        email("ann@example.com"),
        "Ann".parse().unwrap(),
        PasswordHash::from_phc("$argon2id$of-ann"),
        &ports.occasion(),
    )
}

async fn a_wish_can_be_found(ports: Ports) {
    let (request, event) = request(&ports);
    assert_eq!(ports.requests.find(request.id).await.unwrap(), None);
    ports.requests.put(&request, &event).await.unwrap();
    assert_eq!(
        ports.requests.find(request.id).await.unwrap(),
        Some(request)
    );
}

async fn a_wish_may_be_put_twice(ports: Ports) {
    let (request, event) = request(&ports);
    for _ in 0..2 {
        ports.requests.put(&request, &event).await.unwrap();
    }
    assert_eq!(
        ports.requests.find(request.id).await.unwrap(),
        Some(request)
    );
}

async fn a_removed_wish_is_gone(ports: Ports) {
    let (request, event) = request(&ports);
    ports.requests.put(&request, &event).await.unwrap();
    for _ in 0..2 {
        ports.requests.remove(request.id).await.unwrap();
        assert_eq!(ports.requests.find(request.id).await.unwrap(), None);
    }
}

async fn a_wish_expires(ports: Ports) {
    let (request, event) = request(&ports);
    ports.requests.put(&request, &event).await.unwrap();
    let lifetime = ports.now().until(request.expires_at);
    (ports.advance)(lifetime.saturating_sub(INSTANT));
    assert!(ports.requests.find(request.id).await.unwrap().is_some());
    (ports.advance)(INSTANT);
    assert_eq!(ports.requests.find(request.id).await.unwrap(), None);
}
