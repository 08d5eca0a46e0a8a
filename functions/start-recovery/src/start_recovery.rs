//! The use case: an administrator begins the recovery of somebody's account.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::{Actor, Refusal, Result},
};

pub struct StartRecovery {
    pub updates: UserUpdates,
}

impl StartRecovery {
    /// Removes the password and the external identities and voids all that was given before. The user
    /// gets a link with which to choose another password; until then nothing else lets anybody in.
    ///
    /// # Errors
    /// `NotFound`, `PreconditionFailed`, `InvitationOpen`; `TooManyRequests` within a minute after the last
    /// one, and after three within an hour; `Forbidden` for the caller's own account: if
    /// the mail went astray, the last administrator would be shut out.
    pub async fn execute(&self, target: &Target) -> Result<()> {
        if target.origin.actor == Actor::User(target.id) {
            return Err(Refusal::Forbidden.into());
        }
        self.updates
            .update(target, |user, metadata| {
                user.start_recovery(metadata).map(Some)
            })
            .await
            .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::{
        application::ports::UserRepository as _,
        domain::{EventKind, LoginKey, Role, Roles, User, user::Standing},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, Principal, TestRequest, identity};

    use super::*;
    use crate::handler;

    fn request() -> TestRequest {
        TestRequest::new("POST", "/users/{id}/recovery")
    }

    /// Ann has an identity.
    fn endpoint() -> Endpoint {
        Endpoint::new(handler::ACCESS, handler::handle, |backend| StartRecovery {
            updates: backend.user_updates(),
        })
        .given(async |fixture, request| {
            let link = |ann: &User, metadata: &_| {
                let change = ann.link(&identity("a", "1"), metadata)?;
                change.ok_or_else(|| Refusal::NotFound.into())
            };
            fixture.backend.change(fixture.ann.id, link).await;
            request
        })
        .request(request(), 202)
        .done_again(&Refusal::TooManyRequests(Duration::ZERO))
    }

    /// True if nothing of before lets anybody in as Ann.
    async fn is_shut(fixture: &Fixture) -> bool {
        let ann = fixture.ann();
        let key = LoginKey::Email(ann.email.clone());
        let login = fixture.backend.find_login(&key).await.unwrap().unwrap();
        let identity = fixture.backend.find_login(&identity("a", "1")).await;
        let mut sessions = fixture.backend.sessions_of(ann.id).into_iter();
        login.password.is_none()
            && login.password_version == ann.password_version
            && identity.unwrap().is_none()
            && sessions.all(|session| session.auth_epoch < ann.auth_epoch)
            && ann.recovery_epoch > 0
    }

    #[tokio::test]
    async fn support_and_administrators_may() {
        endpoint().admits(Access::SUPPORT.recent()).await;
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        endpoint().refuses_a_stale_version().await;
    }

    #[tokio::test]
    async fn a_recovery_survives_every_fault() {
        let calls = endpoint().survives_every_fault(is_shut).await;
        assert_eq!(calls[3..], ["users.find", "users.commit"]);
    }

    #[tokio::test]
    async fn nothing_of_before_lets_anybody_in() {
        let fixture = Fixture::new().await;
        let answer = endpoint().send(&fixture).await;
        assert_eq!(answer.status, 202);
        assert!(is_shut(&fixture).await);
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserRecoveryStarted);
        assert_eq!(event.data.changed, ["password", "identities"]);
    }

    /// Whoever has a key of support could mail somebody a link each second, and void the one before.
    #[tokio::test]
    async fn a_user_is_recovered_once_a_minute_and_three_times_an_hour() {
        let fixture = Fixture::new().await;
        let again = async || {
            let again = request().id(&fixture.ann.id).bearer(&fixture.admin.token);
            endpoint().answer(&fixture.backend, again).await
        };
        for wait in ["60", "60", "3480"] {
            assert_eq!(again().await.status, 202);
            let early = again().await;
            assert_eq!(early.problem(), (429, "too-many-requests"));
            assert_eq!(early.header("retry-after"), Some(wait));
            fixture.backend.advance(Duration::from_mins(1));
        }
        let about_bob = request().id(&fixture.bob.id).bearer(&fixture.admin.token);
        let other = endpoint().answer(&fixture.backend, about_bob).await;
        assert_eq!(other.status, 202, "others are not counted");
    }

    #[tokio::test]
    async fn ones_own_account_is_refused() {
        let fixture = Fixture::new().await;
        let own = request().id("me").bearer(&fixture.admin.token);
        let answer = endpoint().answer(&fixture.backend, own).await;
        assert_eq!(answer.problem(), (403, "forbidden"));
    }

    #[tokio::test]
    async fn support_recovers_nobody_with_a_role() {
        let fixture = Fixture::new().await;
        let reader = |ann: &mut User| ann.roles = Roles::from([Role::reader()]);
        fixture.backend.tamper(fixture.ann.id, reader);
        for (principal, status) in [(Principal::Support, 403), (Principal::Admin, 202)] {
            let token = fixture.token(principal).await.unwrap();
            let about_ann = request().id(&fixture.ann.id).bearer(&token);
            let answer = endpoint().answer(&fixture.backend, about_ann).await;
            assert_eq!(answer.status, status, "{principal:?}");
        }
    }

    #[tokio::test]
    async fn who_never_had_a_password_is_invited_instead() {
        let fixture = Fixture::new().await;
        let invited = |user: &mut User| user.standing = Standing::Invited;
        fixture.backend.tamper(fixture.ann.id, invited);
        let about_ann = request().id(&fixture.ann.id).bearer(&fixture.admin.token);
        let answer = endpoint().answer(&fixture.backend, about_ann).await;
        assert_eq!(answer.problem(), (409, "invitation-open"));
    }
}
