use shared::{
    application::ports::Clock as _,
    domain::{
        DomainEvent,
        event::EventData,
        service::{Delivery, EventFilter, Health, Outcome, SecretSalt},
    },
};
use testing::FakeBackend;

use super::*;

const URL: &str = "https://a.example.com";

fn worker(backend: &Arc<FakeBackend>) -> DeliverEvents {
    DeliverEvents {
        services: backend.clone(),
        instances: backend.clone(),
        log: backend.clone(),
        queue: backend.clone(),
        sender: backend.clone(),
        secrets: backend.webhook_secrets(),
        env: backend.env(),
    }
}

/// A delivery to a service with one instance.
fn given(backend: &Arc<FakeBackend>) -> QueuedDelivery {
    let metadata = backend.metadata();
    let (filter, salt) = (EventFilter::everything(), SecretSalt::new([1; 16]));
    let name: ServiceName = "profiles".parse().unwrap();
    let (service, _) = Service::register(name.clone(), filter, salt, &metadata);
    let id = "a".parse().unwrap();
    let instance = Instance::register(id, URL.parse().unwrap(), 10, metadata.now);
    backend.add_service(&service, &[instance]);
    QueuedDelivery {
        delivery: Delivery {
            service: name,
            event: DomainEvent {
                id: metadata.event_id,
                kind: EventKind::UserCreated,
                time: metadata.now,
                user_id: None,
                version: None,
                actor: metadata.origin.actor,
                traceparent: None,
                data: EventData::default(),
            },
        },
        receipt: "receipt".to_owned(),
        queued_at: metadata.now,
        receives: 1,
    }
}

/// Puts the one instance out of use.
async fn eject(backend: &Arc<FakeBackend>) {
    let instance = backend.instances().remove(0);
    let now = backend.metadata().now;
    let health = instance.health.failed(now).failed(now).failed(now);
    let instances: &dyn ServiceInstances = &**backend;
    let name = "profiles".parse().unwrap();
    instances
        .note_health(&name, &instance, &health)
        .await
        .unwrap();
}

async fn deliver(backend: &Arc<FakeBackend>, queued: &QueuedDelivery) -> Handled {
    worker(backend).execute(queued).await.unwrap()
}

fn health(backend: &Arc<FakeBackend>) -> Health {
    backend.instances().remove(0).health
}

#[tokio::test]
async fn an_event_is_sent_signed_and_noted() {
    let backend = FakeBackend::new();
    let queued = given(&backend);
    assert_eq!(deliver(&backend, &queued).await, Handled::Done);
    let sent = backend.webhooks().remove(0);
    assert_eq!(sent.event, queued.delivery.event.id);
    let service = backend.service("profiles").unwrap();
    let secret = backend.webhook_secrets().newest(&service).await.unwrap();
    assert_eq!(sent.secrets, [secret.expose()]);
    let record = backend.delivery_records().remove(0);
    assert_eq!(record.state, DeliveryState::Delivered);
    assert_eq!(record.attempts[0].outcome, Outcome::Answered(204));
    assert_eq!((record.attempts[0].millis, record.attempts.len()), (7, 1));
    assert!(backend.put_back().is_empty());
    assert_eq!(health(&backend), Health::default(), "nothing to write");
}

#[tokio::test]
async fn while_a_secret_rotates_both_sign() {
    let backend = FakeBackend::new();
    let queued = given(&backend);
    let service = backend.service("profiles").unwrap();
    let secrets = backend.webhook_secrets();
    let old = secrets.newest(&service).await.unwrap();
    let (service, _) = service.rotate_secret(SecretSalt::new([2; 16]), &backend.metadata());
    backend.add_service(&service, &[]);
    let new = secrets.newest(&service).await.unwrap();
    deliver(&backend, &queued).await;
    assert_eq!(backend.webhooks()[0].secrets, [new.expose(), old.expose()]);
}

#[tokio::test]
async fn what_fails_waits_as_long_again_and_is_dead_after_a_day() {
    let backend = FakeBackend::new();
    let queued = given(&backend);
    // It works, and refuses: the instance stays in use.
    backend.answers(URL, Outcome::Answered(400));
    for (age, least) in [(0, 1), (60, 60), (7_200, 3_600)] {
        let waited = queued.queued_at.until(backend.now()).as_secs();
        backend.advance(Duration::from_secs(age - waited));
        assert_eq!(deliver(&backend, &queued).await, Handled::Later);
        let (receipt, pause) = backend.put_back().pop().unwrap();
        assert_eq!(receipt, "receipt");
        assert!(
            (least..=least + least / 5 + 1).contains(&pause.as_secs()),
            "{age}: {pause:?}"
        );
    }
    assert!(health(&backend).is_usable());
    backend.advance(delivery::GIVE_UP);
    assert_eq!(deliver(&backend, &queued).await, Handled::Done);
    assert_eq!(
        backend.dead_deliveries(),
        std::slice::from_ref(&queued.delivery)
    );
    let record = backend.delivery_records().remove(0);
    assert_eq!(
        (record.state, record.attempts.len()),
        (DeliveryState::Dead, 4)
    );
}

#[tokio::test]
async fn three_failures_put_an_instance_out_of_use_and_then_nothing_is_sent() {
    let backend = FakeBackend::new();
    let queued = given(&backend);
    for outcome in [
        Outcome::Answered(500),
        Outcome::TimedOut,
        Outcome::Unreachable,
    ] {
        backend.answers(URL, outcome);
        assert_eq!(deliver(&backend, &queued).await, Handled::Later);
    }
    assert!(!health(&backend).is_usable());
    backend.clear_trace();
    assert_eq!(deliver(&backend, &queued).await, Handled::Later);
    assert_eq!(backend.webhooks().len(), 3);
    assert!(!backend.trace().contains(&"webhooks.send"));
    assert_eq!(backend.delivery_records()[0].attempts.len(), 3);
}

#[tokio::test]
async fn a_success_forgives_failures() {
    let backend = FakeBackend::new();
    let queued = given(&backend);
    backend.answers(URL, Outcome::Broken);
    deliver(&backend, &queued).await;
    assert_eq!(health(&backend).failures, 1);
    backend.answers(URL, Outcome::Answered(200));
    assert_eq!(deliver(&backend, &queued).await, Handled::Done);
    assert_eq!(health(&backend).failures, 0);
}

#[tokio::test]
async fn without_a_healthy_instance_it_waits_for_a_day_and_writes_little() {
    let backend = FakeBackend::new();
    let queued = given(&backend);
    eject(&backend).await;
    assert_eq!(deliver(&backend, &queued).await, Handled::Later);
    let record = backend.delivery_records().remove(0);
    assert_eq!(
        (record.state, record.attempts.len()),
        (DeliveryState::Waiting, 0)
    );
    assert_eq!(backend.put_back()[0].1, Duration::from_secs(1));
    backend.clear_trace();
    let again = QueuedDelivery {
        receives: 2,
        ..queued.clone()
    };
    backend.advance(Duration::from_secs(80));
    assert_eq!(deliver(&backend, &again).await, Handled::Later);
    assert_eq!(backend.put_back()[1].1, Duration::from_secs(10));
    assert_eq!(
        backend.trace(),
        ["services.find", "instances.list", "queue.put_back"]
    );
    backend.advance(delivery::GIVE_UP);
    assert_eq!(deliver(&backend, &again).await, Handled::Done);
    assert_eq!(backend.dead_deliveries().len(), 1);
}

#[tokio::test]
async fn what_waits_for_a_service_that_is_gone_is_dropped() {
    let backend = FakeBackend::new();
    let queued = given(&backend);
    let service = backend.service("profiles").unwrap();
    backend.add_service(&service.deregister(&backend.metadata()).0, &[]);
    assert_eq!(deliver(&backend, &queued).await, Handled::Done);
    assert!(backend.webhooks().is_empty());
}

#[tokio::test]
async fn a_delivery_survives_every_fault() {
    let calls = FakeBackend::survives_every_fault(
        async |backend| given(backend),
        async |backend, queued| worker(backend).execute(queued).await,
        async |backend, _| {
            let record = backend.delivery_records().remove(0);
            record.state == DeliveryState::Delivered && !backend.webhooks().is_empty()
        },
    )
    .await;
    assert!(calls.contains(&"webhooks.send"), "{calls:?}");
}

/// A delivery that dies is kept, whatever fails.
#[tokio::test]
async fn the_end_of_a_delivery_survives_every_fault() {
    FakeBackend::survives_every_fault(
        async |backend| {
            let queued = given(backend);
            backend.answers(URL, Outcome::Answered(400));
            backend.advance(delivery::GIVE_UP);
            queued
        },
        async |backend, queued| worker(backend).execute(queued).await,
        async |backend, queued| {
            let record = backend.delivery_records().remove(0);
            record.state == DeliveryState::Dead
                && backend.dead_deliveries() == std::slice::from_ref(&queued.delivery)
        },
    )
    .await;
}
