//! An outage that is longer than the streams remember.

use std::{cell::RefCell, time::Duration};

use cli::replay::{Lost, Window, publish};
use serde_json::json;
use shared::{
    application::ports::Clock as _,
    domain::{DomainEvent, TokenPurpose, mail::MailGuarantee, sign_up::SignUpPolicy},
};
use testing::{Fault, PASSWORD, TestRequest};

use crate::{
    PLAIN,
    functions::{self, Settings},
    lives,
    outcome::assert_guarantees,
    template,
    world::{Deployment, Travel, World},
};

async fn find_lost(world: &World<'_>, window: Window) -> anyhow::Result<Vec<DomainEvent>> {
    let lost = Lost {
        users: world.backend.clone(),
        feed: world.backend.clone(),
    };
    let mut events = Vec::new();
    for user in lost.changed(window).await? {
        events.extend(lost.events_of(user, window).await?);
    }
    Ok(events)
}

/// One replay, whose process meets the fault if there is one.
async fn replay(world: &World<'_>, window: Window, fault: Option<Fault>) -> bool {
    let backend = &world.backend;
    let work = async {
        let events = find_lost(world, window).await?;
        publish(backend.clone(), backend.env(), &events).await
    };
    let happened = if let Some(fault) = fault {
        backend.with_fault(fault, work).await.1
    } else {
        work.await.expect("no fault is due");
        false
    };
    world.settle().await;
    happened
}

async fn after_an_outage<'a>(deployment: &'a Deployment<'a>) -> (World<'a>, Window) {
    let world = World::new(deployment, None);
    let admin = lives::administrator(&world).await;
    let since = world.backend.now();
    let (ann, _) = (
        world.sign_up("ann@example.com").await,
        world.sign_up("bob@example.com").await,
    );
    let rename = |request: TestRequest| {
        let request = request.id(&ann).bearer(&admin.token);
        request.json(&json!({"name": "Anna"}))
    };
    world.accepted("PATCH /users/{id}", 200, &[], rename).await;
    world.forget_streams();
    world.backend.advance(Duration::from_hours(25));
    let until = world.backend.now();
    (world, Window { since, until })
}

#[tokio::test]
async fn a_replay_brings_back_what_the_streams_forgot_and_doubles_nothing() {
    let model = template::read();
    let settings = Settings {
        policy: SignUpPolicy::Open,
        guarantee: MailGuarantee::NeverLost,
    };
    // Nothing is relayed before the streams forget.
    let travel = Travel {
        delayed: true,
        ..PLAIN
    };
    let deployment = Deployment {
        travel,
        model: &model,
        endpoints: functions::endpoints(settings),
        observers: functions::observers(settings),
        worked: RefCell::default(),
    };
    let (world, window) = after_an_outage(&deployment).await;
    world.settle().await;
    let before = world.backend.inbox().len();
    assert_eq!(before, 1, "the administrator alone is welcome");
    replay(&world, window, None).await;
    assert_guarantees(&world, None).await;
    let mails = world.backend.inbox().len();
    assert_eq!(mails, before + 2, "two are welcome");
    replay(&world, window, None).await;
    assert_guarantees(&world, None).await;
    assert_eq!(
        world.backend.inbox().len(),
        mails,
        "a second replay mails nothing"
    );
    let token = world
        .link(TokenPurpose::EmailVerification, "bob@example.com")
        .await;
    let proof = json!({"token": token, "password": PASSWORD});
    let prove = |request: TestRequest| request.json(&proof);
    world
        .accepted("PUT /email-verifications", 204, &[], prove)
        .await;

    let mut tried = 0;
    for kind in 0..4 {
        for call in 0.. {
            let (world, window) = after_an_outage(&deployment).await;
            if !replay(&world, window, Some(Fault::at(call)[kind])).await {
                break;
            }
            replay(&world, window, None).await;
            assert_guarantees(&world, None).await;
            tried += 1;
        }
    }
    assert!(tried > 4, "{tried}");
}
