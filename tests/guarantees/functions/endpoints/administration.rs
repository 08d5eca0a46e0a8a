//! What administrators do.

use std::collections::BTreeMap;

use testing::Endpoint;

use super::Endpoints;

pub(super) fn endpoints() -> Endpoints {
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
