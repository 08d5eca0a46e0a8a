//! What has a rule, or takes messages of a queue.

use std::{collections::BTreeMap, future::Future, pin::Pin, rc::Rc, sync::Arc, time::Duration};

use serde_json::Value;
use shared::{
    application::ports::{Clock as _, Handled, QueuedDelivery},
    domain::{DomainEvent, Error, Result},
};
use testing::FakeBackend;

use super::{REMAINING, Settings};

type Observed = Pin<Box<dyn Future<Output = Result<Handled>>>>;

/// A function that observes events: it gets the `detail` of one.
pub(crate) type Observer = Box<dyn Fn(&Arc<FakeBackend>, Value) -> Observed>;

/// Functions with a rule.
pub(crate) type Observers = BTreeMap<&'static str, Observer>;

/// An observer of our own events.
fn observer<S: 'static>(
    wire: impl Fn(&Arc<FakeBackend>) -> S + 'static,
    handle: impl AsyncFn(&S, &DomainEvent, Duration) -> Result<()> + 'static,
) -> Observer {
    let handle = Rc::new(handle);
    Box::new(move |backend, detail| {
        let (service, handle) = (wire(backend), handle.clone());
        Box::pin(async move {
            let event = DomainEvent::from_cloud_event(detail).map_err(Error::caused_by)?;
            handle(&service, &event, REMAINING).await?;
            Ok(Handled::Done)
        })
    })
}

/// Every observer.
pub(crate) fn observers(settings: Settings) -> Observers {
    let mut all = observers_of_users(settings);
    all.extend(observers_of_requests(settings));
    all.extend(records());
    all
}

fn observers_of_users(Settings { guarantee, .. }: Settings) -> Observers {
    macro_rules! sends_mail {
        ($function:ident, $service:ident) => {
            observer(
                move |backend| $function::$function::$service {
                    users: backend.clone(),
                    mail_service: backend.mail_service(guarantee),
                },
                $function::$function::$service::execute,
            )
        };
    }
    let on_user_invited = observer(
        move |backend| on_user_invited::on_user_invited::OnUserInvited {
            users: backend.clone(),
            invitations: backend.clone(),
            mail_service: backend.mail_service(guarantee),
        },
        on_user_invited::on_user_invited::OnUserInvited::execute,
    );
    let on_access_changed = observer(
        move |backend| on_access_changed::on_access_changed::OnAccessChanged {
            users: backend.clone(),
            sessions: backend.clone(),
            mail_service: backend.mail_service(guarantee),
        },
        on_access_changed::on_access_changed::OnAccessChanged::execute,
    );
    let on_user_deleted = observer(
        |backend| on_user_deleted::on_user_deleted::OnUserDeleted {
            users: backend.clone(),
            sessions: backend.clone(),
            attempts: backend.clone(),
        },
        async |service, event, _| service.execute(event).await,
    );
    BTreeMap::from([
        ("OnUserCreated", sends_mail!(on_user_created, OnUserCreated)),
        (
            "OnEmailChanged",
            sends_mail!(on_email_changed, OnEmailChanged),
        ),
        (
            "OnEmailChangeRequested",
            sends_mail!(on_email_change_requested, OnEmailChangeRequested),
        ),
        (
            "OnRecoveryStarted",
            sends_mail!(on_recovery_started, OnRecoveryStarted),
        ),
        ("OnUserInvited", on_user_invited),
        ("OnAccessChanged", on_access_changed),
        ("OnUserDeleted", on_user_deleted),
    ])
}

fn observers_of_requests(Settings { policy, guarantee }: Settings) -> Observers {
    use on_email_verification_requested::on_email_verification_requested::OnEmailVerificationRequested;
    use on_password_reset_requested::on_password_reset_requested::OnPasswordResetRequested;
    use on_sign_up_requested::on_sign_up_requested::OnSignUpRequested;

    let sign_up = observer(
        move |backend| OnSignUpRequested {
            requests: backend.clone(),
            users: backend.clone(),
            mail_service: backend.mail_service(guarantee),
        },
        OnSignUpRequested::execute,
    );
    let verification = observer(
        move |backend| OnEmailVerificationRequested {
            responder: backend.responder(guarantee),
        },
        OnEmailVerificationRequested::execute,
    );
    let reset = observer(
        move |backend| OnPasswordResetRequested {
            responder: backend.responder(guarantee),
            policy,
            first_admin: "".parse().expect("nobody"),
            invitations: backend.first_admin_invitations(),
        },
        OnPasswordResetRequested::execute,
    );
    BTreeMap::from([
        ("OnSignUpRequested", sign_up),
        ("OnEmailVerificationRequested", verification),
        ("OnPasswordResetRequested", reset),
    ])
}

fn records() -> Observers {
    let record_audit = observer(
        |backend| record_audit::record_audit::RecordAudit {
            users: backend.clone(),
            audit: backend.clone(),
        },
        async |service, event, _| service.execute(event).await,
    );
    let record_mail: Observer = Box::new(|backend, detail| {
        let service = record_mail::record_mail::RecordMail {
            leases: backend.clone(),
            mailboxes: backend.clone(),
        };
        Box::pin(async move {
            record_mail::handler::handle(&service, detail).await?;
            Ok(Handled::Done)
        })
    });
    let notify_services = observer(
        |backend| notify_services::notify_services::NotifyServices {
            services: backend.clone(),
            queue: backend.clone(),
        },
        async |service, event, _| service.execute(event).await,
    );
    BTreeMap::from([
        ("RecordAudit", record_audit),
        ("RecordMail", record_mail),
        ("NotifyServices", notify_services),
        ("DeliverEvents", deliver_events()),
    ])
}

/// Takes one message of the queue, whose delivery is the detail.
fn deliver_events() -> Observer {
    Box::new(|backend, detail| {
        let service = deliver_events::deliver_events::DeliverEvents {
            services: backend.clone(),
            instances: backend.clone(),
            log: backend.clone(),
            queue: backend.clone(),
            sender: backend.clone(),
            secrets: backend.webhook_secrets(),
            env: backend.env(),
        };
        let queued_at = backend.now();
        Box::pin(async move {
            let queued = QueuedDelivery {
                delivery: serde_json::from_value(detail).map_err(Error::caused_by)?,
                receipt: "receipt".to_owned(),
                queued_at,
                receives: 1,
            };
            service.execute(&queued).await
        })
    })
}
