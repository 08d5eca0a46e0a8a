//! Services are written revision by revision, with their events; instances and deliveries beside them.

use std::time::Duration;

use shared::domain::{
    DomainEvent, EventKind, Instance, Service, ServiceName,
    event::EventData,
    service::{Attempt, Delivery, DeliveryState, EventFilter, Health, Outcome, SecretSalt},
};

use crate::{
    contract,
    ports::{INSTANT, Ports},
};

contract!(
    a_service_is_written_revision_by_revision,
    of_two_writes_of_a_revision_one_wins,
    a_write_whose_reply_was_lost_is_known_again,
    a_service_can_be_registered_again_after_its_end,
    instances_are_those_of_their_service,
    of_results_that_come_together_one_counts,
    a_delivery_stays_delivered,
    deliveries_are_listed_newest_first_and_page_by_page,
    dead_deliveries_are_kept_until_they_are_sent_again,
);

fn named(name: &str) -> ServiceName {
    name.parse().unwrap()
}

fn new(ports: &Ports, name: &str) -> (Service, DomainEvent) {
    let salt = SecretSalt::new(ports.bytes());
    Service::register(
        named(name),
        EventFilter::everything(),
        salt,
        &ports.metadata(),
    )
}

async fn registered(ports: &Ports, name: &str) -> Service {
    let (service, event) = new(ports, name);
    assert!(ports.services.write(&service, &event).await.unwrap());
    service
}

async fn a_service_is_written_revision_by_revision(ports: Ports) {
    let first = registered(&ports, "b").await;
    registered(&ports, "a").await;
    let filter: EventFilter = r#"{"detail-type": ["UserCreated"]}"#.parse().unwrap();
    let change = first.clone().change_filter(filter, &ports.metadata());
    let (second, event) = change.unwrap();
    assert!(ports.services.write(&second, &event).await.unwrap());
    let found = ports.services.find(&first.name).await.unwrap();
    assert_eq!(found, Some(second.clone()));
    let all = ports.services.list().await.unwrap();
    let names: Vec<_> = all.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(all[1], second);
    assert_eq!(ports.services.find(&named("c")).await.unwrap(), None);
}

async fn of_two_writes_of_a_revision_one_wins(ports: Ports) {
    let first = registered(&ports, "a").await;
    let (again, event) = new(&ports, "a");
    assert!(!ports.services.write(&again, &event).await.unwrap());
    let rotated = |byte| {
        let salt = SecretSalt::new([byte; 16]);
        first.clone().rotate_secret(salt, &ports.metadata())
    };
    let (one, event) = rotated(1);
    assert!(ports.services.write(&one, &event).await.unwrap());
    let (other, event) = rotated(2);
    assert!(!ports.services.write(&other, &event).await.unwrap());
    let found = ports.services.find(&first.name).await.unwrap();
    assert_eq!(found, Some(one));
}

async fn a_write_whose_reply_was_lost_is_known_again(ports: Ports) {
    let (service, event) = new(&ports, "a");
    for _ in 0..2 {
        assert!(ports.services.write(&service, &event).await.unwrap());
    }
}

async fn a_service_can_be_registered_again_after_its_end(ports: Ports) {
    let first = registered(&ports, "a").await;
    let (gone, event) = first.deregister(&ports.metadata());
    assert!(ports.services.write(&gone, &event).await.unwrap());
    assert_eq!(ports.services.find(&gone.name).await.unwrap(), None);
    assert_eq!(ports.services.list().await.unwrap(), []);
    let (late, event) = gone.rotate_secret(SecretSalt::new([9; 16]), &ports.metadata());
    assert!(!ports.services.write(&late, &event).await.unwrap());
    let second = registered(&ports, "a").await;
    let found = ports.services.find(&second.name).await.unwrap();
    assert_eq!(found, Some(second));
}

fn instance(ports: &Ports, id: &str) -> Instance {
    let url = format!("https://{id}.example.com").parse().unwrap();
    Instance::register(id.parse().unwrap(), url, 10, ports.now())
}

async fn instances_are_those_of_their_service(ports: Ports) {
    let (one, two) = (named("one"), named("two"));
    for (service, id) in [(&one, "b"), (&one, "a"), (&two, "a")] {
        let instance = instance(&ports, id);
        ports.instances.put(service, &instance).await.unwrap();
    }
    let all = ports.instances.list(&one).await.unwrap();
    assert_eq!(all, [instance(&ports, "a"), instance(&ports, "b")]);
    for _ in 0..2 {
        ports.instances.remove(&one, &all[0].id).await.unwrap();
    }
    assert_eq!(ports.instances.list(&one).await.unwrap(), all[1..]);
    assert_eq!(ports.instances.list(&two).await.unwrap().len(), 1);
}

async fn of_results_that_come_together_one_counts(ports: Ports) {
    let service = named("one");
    let known = instance(&ports, "a");
    ports.instances.put(&service, &known).await.unwrap();
    let health = async || {
        ports
            .instances
            .list(&service)
            .await
            .unwrap()
            .remove(0)
            .health
    };
    let failed = Health::default().failed(ports.now());
    let succeeded = Health::default().succeeded(Duration::from_millis(5), ports.now());
    ports
        .instances
        .note_health(&service, &known, &failed)
        .await
        .unwrap();
    ports
        .instances
        .note_health(&service, &known, &succeeded)
        .await
        .unwrap();
    assert_eq!(health().await, failed);
    // One that registered again is another.
    (ports.advance)(INSTANT);
    let again = instance(&ports, "a");
    ports.instances.put(&service, &again).await.unwrap();
    ports
        .instances
        .note_health(&service, &known, &failed)
        .await
        .unwrap();
    assert_eq!(health().await, Health::default());
    // One that is gone stays gone.
    ports.instances.remove(&service, &again.id).await.unwrap();
    ports
        .instances
        .note_health(&service, &again, &failed)
        .await
        .unwrap();
    assert_eq!(ports.instances.list(&service).await.unwrap(), []);
}

fn event(ports: &Ports) -> DomainEvent {
    (ports.advance)(Duration::from_secs(1));
    let metadata = ports.metadata();
    DomainEvent {
        id: metadata.event_id,
        kind: EventKind::UserCreated,
        time: metadata.now,
        user_id: Some(ports.user_id()),
        version: None,
        actor: metadata.origin.actor,
        traceparent: None,
        data: EventData::changed(&["name"]),
    }
}

fn attempt(ports: &Ports, outcome: Outcome) -> Attempt {
    Attempt {
        at: ports.now(),
        instance: "a".parse().unwrap(),
        outcome,
        millis: 12,
    }
}

async fn a_delivery_stays_delivered(ports: Ports) {
    let (service, event) = (named("one"), event(&ports));
    let what = (event.id, event.kind);
    let note = async |state, attempt: Option<&Attempt>| {
        let noted = ports.deliveries.note(&service, what, state, attempt).await;
        noted.unwrap();
    };
    note(DeliveryState::Waiting, None).await;
    let failed = attempt(&ports, Outcome::TimedOut);
    note(DeliveryState::Waiting, Some(&failed)).await;
    let taken = attempt(&ports, Outcome::Answered(204));
    note(DeliveryState::Delivered, Some(&taken)).await;
    note(DeliveryState::Waiting, Some(&failed)).await;
    let page = ports
        .deliveries
        .list(&service, None, None, 10)
        .await
        .unwrap();
    let [record] = &page.records[..] else {
        panic!("{page:?}");
    };
    assert_eq!((record.event_id, record.kind), what);
    assert_eq!(record.state, DeliveryState::Delivered);
    assert_eq!(record.attempts, [failed, taken]);
}

async fn deliveries_are_listed_newest_first_and_page_by_page(ports: Ports) {
    let service = named("one");
    let mut ids = Vec::new();
    for number in 0..5 {
        let event = event(&ports);
        let state = match number {
            1 => DeliveryState::Dead,
            _ => DeliveryState::Delivered,
        };
        let what = (event.id, event.kind);
        ports
            .deliveries
            .note(&service, what, state, None)
            .await
            .unwrap();
        ids.insert(0, event.id);
    }
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let page = ports
            .deliveries
            .list(&service, None, before, 2)
            .await
            .unwrap();
        seen.extend(page.records.iter().map(|record| record.event_id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
    let dead = Some(DeliveryState::Dead);
    let page = ports
        .deliveries
        .list(&service, dead, None, 10)
        .await
        .unwrap();
    assert_eq!(page.records.len(), 1);
    assert_eq!((page.records[0].event_id, page.next), (ids[3], None));
    let other = ports
        .deliveries
        .list(&named("two"), None, None, 10)
        .await
        .unwrap();
    assert_eq!(other.records, []);
}

async fn dead_deliveries_are_kept_until_they_are_sent_again(ports: Ports) {
    let deliveries: Vec<_> = (0..3)
        .map(|_| Delivery {
            service: named("one"),
            event: event(&ports),
        })
        .collect();
    for delivery in deliveries.iter().rev() {
        ports
            .deliveries
            .keep_dead(delivery, ports.now())
            .await
            .unwrap();
    }
    let dead = async |limit| ports.deliveries.dead(&named("one"), limit).await.unwrap();
    assert_eq!(dead(10).await, deliveries, "the oldest first");
    assert_eq!(dead(2).await, deliveries[..2]);
    for _ in 0..2 {
        let event = deliveries[0].event.id;
        ports
            .deliveries
            .remove_dead(&named("one"), event)
            .await
            .unwrap();
    }
    assert_eq!(dead(10).await, deliveries[1..]);
    assert_eq!(ports.deliveries.dead(&named("two"), 10).await.unwrap(), []);
}
