//! API keys are written once, with their event, and stay listed for a while after their end.

use std::time::Duration;

use shared::domain::{
    ApiKey, ApiKeyId, ApiKeyToken, DomainEvent, Error,
    api_key::{LISTED_AFTER_END, ListedApiKey, NewApiKey},
};

use crate::{
    contract,
    ports::{INSTANT, Ports},
};

contract!(
    a_made_key_can_be_found,
    making_a_key_again_changes_nothing,
    the_id_of_a_key_is_used_once,
    a_key_is_revoked_once,
    keys_are_listed_newest_first_until_a_while_after_their_end,
    a_use_is_noted_by_the_day_and_never_goes_back,
);

const DAY: Duration = Duration::from_hours(24);

fn key(ports: &Ports, id: ApiKeyId) -> (ApiKey, DomainEvent) {
    let new = NewApiKey {
        name: "nightly export".parse().unwrap(),
        role: "reader".parse().unwrap(),
        service: None,
        days: 10,
    };
    let token = ApiKeyToken::new(id, ports.bytes());
    ApiKey::create(new, &token, &ports.metadata())
}

async fn created(ports: &Ports) -> ApiKey {
    let id = ApiKeyId::new(ports.now(), ports.bytes());
    let (key, event) = key(ports, id);
    ports.api_keys.create(&key, &event).await.unwrap();
    key
}

async fn listed(ports: &Ports) -> Vec<ListedApiKey> {
    ports.api_keys.list().await.unwrap()
}

fn unused(key: &ApiKey) -> ListedApiKey {
    ListedApiKey {
        key: key.clone(),
        last_used_on: None,
    }
}

async fn a_made_key_can_be_found(ports: Ports) {
    let key = created(&ports).await;
    let found = ports.api_keys.find(key.id).await.unwrap();
    assert_eq!(found, Some(key));
    let other = ApiKeyId::new(ports.now(), ports.bytes());
    assert_eq!(ports.api_keys.find(other).await.unwrap(), None);
}

async fn making_a_key_again_changes_nothing(ports: Ports) {
    let id = ApiKeyId::new(ports.now(), ports.bytes());
    let (key, event) = key(&ports, id);
    for _ in 0..2 {
        ports.api_keys.create(&key, &event).await.unwrap();
    }
    assert_eq!(listed(&ports).await, [unused(&key)]);
}

async fn the_id_of_a_key_is_used_once(ports: Ports) {
    let first = created(&ports).await;
    let (second, event) = key(&ports, first.id);
    let refused = ports.api_keys.create(&second, &event).await;
    assert!(matches!(refused, Err(Error::Internal(_))));
    let found = ports.api_keys.find(first.id).await.unwrap();
    assert_eq!(found, Some(first));
}

async fn a_key_is_revoked_once(ports: Ports) {
    let key = created(&ports).await;
    let first = ports.now();
    for _ in 0..2 {
        let event = ApiKey::revoked(key.id, &ports.metadata());
        assert!(ports.api_keys.revoke(key.id, &event).await.unwrap());
        (ports.advance)(DAY);
    }
    let found = ports.api_keys.find(key.id).await.unwrap().unwrap();
    assert_eq!(found.revoked_at, Some(first));
    let other = ApiKeyId::new(ports.now(), ports.bytes());
    let event = ApiKey::revoked(other, &ports.metadata());
    assert!(!ports.api_keys.revoke(other, &event).await.unwrap());
    assert_eq!(ports.api_keys.find(other).await.unwrap(), None);
}

async fn keys_are_listed_newest_first_until_a_while_after_their_end(ports: Ports) {
    let older = created(&ports).await;
    (ports.advance)(DAY);
    let newer = created(&ports).await;
    assert_eq!(listed(&ports).await, [unused(&newer), unused(&older)]);

    let event = ApiKey::revoked(newer.id, &ports.metadata());
    assert!(ports.api_keys.revoke(newer.id, &event).await.unwrap());
    (ports.advance)(LISTED_AFTER_END.saturating_sub(INSTANT));
    assert_eq!(listed(&ports).await.len(), 2);
    (ports.advance)(INSTANT);
    assert_eq!(listed(&ports).await, [unused(&older)]);
    (ports.advance)(9 * DAY);
    assert_eq!(listed(&ports).await, []);
}

async fn a_use_is_noted_by_the_day_and_never_goes_back(ports: Ports) {
    let (key, other) = (created(&ports).await, created(&ports).await);
    let today = ports.now();
    for time in [today, today.plus(DAY), today.plus(INSTANT)] {
        ports.api_keys.note_use(key.id, time).await.unwrap();
    }
    let used = ListedApiKey {
        last_used_on: Some(today.plus(DAY).day()),
        ..unused(&key)
    };
    assert_eq!(listed(&ports).await.len(), 2);
    assert!(listed(&ports).await.contains(&used));
    assert!(listed(&ports).await.contains(&unused(&other)));
    let found = ports.api_keys.find(key.id).await.unwrap();
    assert_eq!(found, Some(key), "a use does not change the key");
}
