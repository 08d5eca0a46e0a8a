//! What users do about their accounts.

use std::collections::BTreeMap;

use shared::domain::PasswordPolicy;
use testing::Endpoint;

use super::{Endpoints, Settings};

#[expect(clippy::too_many_lines, reason = "a list")]
pub(super) fn endpoints(Settings { policy, .. }: Settings) -> Endpoints {
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
