//! The functions of the deployment over a [`FakeBackend`], by their logical ids in `template.yaml`. Each
//! request and each event gets one of its own, as in a new process.

use std::{collections::BTreeMap, future::Future, pin::Pin, rc::Rc, sync::Arc, time::Duration};

use serde_json::Value;
use shared::{
    application::{
        ports::{Clock as _, Handled, QueuedDelivery},
        sign_in::Strategies,
    },
    domain::{
        DomainEvent, Error, PasswordPolicy, Result, attempt::Limit, mail::MailGuarantee,
        service::Networks, sign_up::SignUpPolicy,
    },
};
use testing::{Endpoint, FakeBackend};

/// How long a worker may still run when it gets an event.
pub(crate) const REMAINING: Duration = Duration::from_secs(10);

/// What the deployment was told by its parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) policy: SignUpPolicy,
    pub(crate) guarantee: MailGuarantee,
}

/// Functions with a route.
pub(crate) type Endpoints = BTreeMap<&'static str, Endpoint>;

macro_rules! endpoint {
    ($function:ident, $wire:expr) => {
        Endpoint::new(
            $function::handler::ACCESS,
            $function::handler::handle,
            $wire,
        )
    };
}

/// The commands of the API, and the query that verifies the trail.
pub(crate) fn endpoints(settings: Settings) -> Endpoints {
    let mut all = accounts(settings);
    all.extend(administration());
    all.extend(services());
    all.extend(sessions(settings));
    all
}

#[expect(clippy::too_many_lines, reason = "a list")]
fn accounts(Settings { policy, .. }: Settings) -> Endpoints {
    let create_user = endpoint!(create_user, move |backend| {
        create_user::create_user::CreateUser {
            policy,
            passwords: PasswordPolicy::default(),
            users: backend.clone(),
            requests: backend.clone(),
            hasher: backend.clone(),
            sign_ups: backend.sign_up_limiter(),
            idempotency: backend.idempotency(),
            env: backend.env(),
        }
    });
    let change_email = endpoint!(change_email, move |backend| {
        change_email::change_email::ChangeEmail {
            policy,
            reauthentication: backend.reauthentication(10),
            rate_limiter: backend.rate_limiter(),
            updates: backend.user_updates(),
        }
    });
    let change_password = endpoint!(change_password, |backend| {
        change_password::change_password::ChangePassword {
            passwords: PasswordPolicy::default(),
            updates: backend.user_updates(),
            sessions: backend.clone(),
            hasher: backend.clone(),
            reauthentication: backend.reauthentication(10),
            idempotency: backend.idempotency(),
            random: backend.env().random,
        }
    });
    let verify_email = endpoint!(verify_email, move |backend| {
        verify_email::verify_email::VerifyEmail {
            policy,
            reauthentication: backend.reauthentication(10),
            link_password: backend.link_password(""),
        }
    });
    let link_identity = endpoint!(link_identity, |backend| {
        link_identity::link_identity::LinkIdentity {
            providers: backend.clone(),
            updates: backend.user_updates(),
        }
    });
    let unlink_identity = endpoint!(unlink_identity, |backend| {
        unlink_identity::unlink_identity::UnlinkIdentity {
            sessions: backend.clone(),
            updates: backend.user_updates(),
        }
    });
    BTreeMap::from([
        ("CreateUser", create_user),
        ("ChangeEmail", change_email),
        ("ChangePassword", change_password),
        ("VerifyEmail", verify_email),
        ("LinkIdentity", link_identity),
        ("UnlinkIdentity", unlink_identity),
        (
            "UpdateUser",
            endpoint!(update_user, |backend| {
                update_user::update_user::UpdateUser {
                    updates: backend.user_updates(),
                }
            }),
        ),
        (
            "WithdrawEmailChange",
            endpoint!(withdraw_email_change, |backend| {
                withdraw_email_change::withdraw_email_change::WithdrawEmailChange {
                    updates: backend.user_updates(),
                }
            }),
        ),
        (
            "RequestMail",
            endpoint!(request_mail, |backend| backend.mail_requests(100)),
        ),
        (
            "ResetPassword",
            endpoint!(reset_password, |backend| {
                reset_password::reset_password::ResetPassword {
                    link_password: backend.link_password(""),
                }
            }),
        ),
        (
            "DisownAddress",
            endpoint!(disown_address, |backend| {
                disown_address::disown_address::DisownAddress {
                    redemption: backend.redemption(),
                }
            }),
        ),
        (
            "DeleteUser",
            endpoint!(delete_user, |backend| {
                delete_user::delete_user::DeleteUser {
                    updates: backend.user_updates(),
                    idempotency: backend.idempotency(),
                }
            }),
        ),
    ])
}

fn administration() -> Endpoints {
    macro_rules! update {
        ($function:ident, $service:ident) => {
            endpoint!($function, |backend| $function::$function::$service {
                updates: backend.user_updates(),
            })
        };
    }
    BTreeMap::from([
        ("AssignRoles", update!(assign_roles, AssignRoles)),
        ("DeactivateUser", update!(deactivate_user, DeactivateUser)),
        ("ReactivateUser", update!(reactivate_user, ReactivateUser)),
        ("StartRecovery", update!(start_recovery, StartRecovery)),
        ("SendInvitation", update!(send_invitation, SendInvitation)),
        (
            "WithdrawInvitation",
            update!(withdraw_invitation, WithdrawInvitation),
        ),
        (
            "LiftMailSuppression",
            endpoint!(lift_mail_suppression, |backend| {
                lift_mail_suppression::lift_mail_suppression::LiftMailSuppression {
                    updates: backend.user_updates(),
                    mailboxes: backend.clone(),
                }
            }),
        ),
        (
            "CreateApiKey",
            endpoint!(create_api_key, |backend| {
                create_api_key::create_api_key::CreateApiKey {
                    keys: backend.clone(),
                    env: backend.env(),
                }
            }),
        ),
        (
            "RevokeApiKey",
            endpoint!(revoke_api_key, |backend| {
                revoke_api_key::revoke_api_key::RevokeApiKey {
                    keys: backend.clone(),
                    env: backend.env(),
                }
            }),
        ),
        (
            "ListAuditEvents",
            endpoint!(list_audit_events, |backend| {
                list_audit_events::list_audit_events::ListAuditEvents {
                    users: backend.clone(),
                    sessions: backend.clone(),
                    attempts: backend.clone(),
                    audit: backend.clone(),
                    clock: backend.clone(),
                }
            }),
        ),
    ])
}

fn services() -> Endpoints {
    macro_rules! service {
        ($function:ident, $service:ident, $wire:expr) => {
            endpoint!($function, |backend| {
                let wire: fn(&Arc<FakeBackend>) -> $function::$function::$service = $wire;
                wire(backend)
            })
        };
    }
    BTreeMap::from([
        (
            "RegisterService",
            service!(register_service, RegisterService, |backend| {
                register_service::register_service::RegisterService {
                    services: backend.clone(),
                    secrets: backend.webhook_secrets(),
                    env: backend.env(),
                }
            }),
        ),
        (
            "RotateServiceSecret",
            service!(rotate_service_secret, RotateServiceSecret, |backend| {
                rotate_service_secret::rotate_service_secret::RotateServiceSecret {
                    services: backend.clone(),
                    secrets: backend.webhook_secrets(),
                    env: backend.env(),
                }
            }),
        ),
        (
            "DeregisterService",
            service!(deregister_service, DeregisterService, |backend| {
                deregister_service::deregister_service::DeregisterService {
                    services: backend.clone(),
                    instances: backend.clone(),
                    env: backend.env(),
                }
            }),
        ),
        (
            "RegisterInstance",
            service!(register_instance, RegisterInstance, |backend| {
                register_instance::register_instance::RegisterInstance {
                    services: backend.clone(),
                    instances: backend.clone(),
                    networks: Networks::default(),
                    clock: backend.clone(),
                }
            }),
        ),
        (
            "DeregisterInstance",
            service!(deregister_instance, DeregisterInstance, |backend| {
                deregister_instance::deregister_instance::DeregisterInstance {
                    instances: backend.clone(),
                }
            }),
        ),
        (
            "RedeliverEvents",
            service!(redeliver_events, RedeliverEvents, |backend| {
                redeliver_events::redeliver_events::RedeliverEvents {
                    services: backend.clone(),
                    log: backend.clone(),
                    queue: backend.clone(),
                }
            }),
        ),
    ])
}

fn sessions(Settings { policy, .. }: Settings) -> Endpoints {
    let authenticate = endpoint!(authenticate, move |backend| {
        let password = backend.password_strategy();
        let devices = password.devices.clone();
        let oidc = authenticate::oidc::OidcStrategy {
            policy,
            providers: backend.clone(),
            rate_limiter: backend.sign_in_limiter(10),
            sign_ups: backend.sign_up_limiter(),
            updates: backend.user_updates(),
        };
        authenticate::authenticate::Authenticate {
            audiences: "".parse().expect("no audience"),
            strategies: Strategies {
                password: Arc::new(password),
                oidc: Arc::new(oidc),
            },
            session_starter: backend.session_starter(),
            devices,
        }
    });
    let prove_again = endpoint!(prove_again, |backend| {
        let oidc = prove_again::fresh_identity::FreshIdentity {
            providers: backend.clone(),
            rate_limiter: backend.sign_in_limiter(10),
            users: backend.clone(),
            clock: backend.clone(),
        };
        prove_again::prove_again::ProveAgain {
            strategies: Strategies {
                password: Arc::new(backend.password_strategy()),
                oidc: Arc::new(oidc),
            },
            sessions: backend.clone(),
            tokens: backend.clone(),
            ring: backend.known_ring(),
            devices: backend.devices(),
            clock: backend.clone(),
        }
    });
    let refresh_session = endpoint!(refresh_session, |backend| {
        refresh_session::refresh_session::RefreshSession {
            audiences: "".parse().expect("no audience"),
            users: backend.clone(),
            sessions: backend.clone(),
            session_tokens: backend.session_tokens(),
            devices: backend.devices(),
            per_session: Limit::hourly(60),
            env: backend.env(),
        }
    });
    let end_session = endpoint!(end_session, |backend| {
        end_session::end_session::EndSession {
            sessions: backend.clone(),
            updates: backend.user_updates(),
        }
    });
    let end_sessions = endpoint!(end_sessions, |backend| {
        end_sessions::end_sessions::EndSessions {
            updates: backend.user_updates(),
        }
    });
    BTreeMap::from([
        ("Authenticate", authenticate),
        ("ProveAgain", prove_again),
        ("RefreshSession", refresh_session),
        ("EndSession", end_session),
        ("EndSessions", end_sessions),
    ])
}

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
