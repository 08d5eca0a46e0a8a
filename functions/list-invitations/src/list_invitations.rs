//! The query: who was invited and has not answered.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use shared::{
    application::ports::{InvitationPage, Invitations, UserRepository},
    domain::{
        Result, User, UserId,
        user::{Invitation, Standing},
    },
};

/// Lists open invitations.
pub struct ListInvitations {
    /// Where users are kept: they say whether an invitation is open.
    pub users: Arc<dyn UserRepository>,
    pub invitations: Arc<dyn Invitations>,
}

/// An invitation and the user whom it makes.
#[derive(Debug)]
pub struct OpenInvitation {
    pub user: User,
    pub invitation: Invitation,
}

/// Users read at once.
const AT_ONCE: usize = 10;

impl ListInvitations {
    /// A page of open invitations, newest users first, and after which user the next one begins. A page
    /// may have fewer than `limit`: those that were accepted or withdrawn are dropped after the reading.
    ///
    /// One query, and one read for each line.
    pub async fn execute(
        &self,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<OpenInvitation>, Option<UserId>)> {
        let InvitationPage { invitations, next } = self.invitations.list(after, limit).await?;
        let lines = invitations.into_iter().map(|each| self.open(each));
        let lines: Vec<_> = stream::iter(lines).buffered(AT_ONCE).try_collect().await?;
        Ok((lines.into_iter().flatten().collect(), next))
    }

    /// The invitation with its user, if the user has not answered.
    async fn open(&self, invitation: Invitation) -> Result<Option<OpenInvitation>> {
        let user = self.users.find(invitation.user_id).await?;
        let user = user.filter(|user| user.standing == Standing::Invited);
        Ok(user.map(|user| OpenInvitation { user, invitation }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::{domain::user::Invitee, lambda::http::Access};
    use testing::{Answer, Endpoint, FakeBackend, Fixture, TestRequest, json};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            ListInvitations {
                users: backend.clone(),
                invitations: backend.clone(),
            }
        })
    }

    async fn list(fixture: &Fixture, query: &str) -> Answer {
        let request = TestRequest::new("GET", "/invitations").query(query);
        let request = request.bearer(&fixture.admin.token);
        endpoint().answer(&fixture.backend, request).await
    }

    /// Somebody who was invited, as the observer of the event notes it.
    async fn invite(backend: &Arc<FakeBackend>, name: &str) -> User {
        backend.advance(Duration::from_secs(1));
        let metadata = backend.metadata();
        let new = Invitee {
            id: UserId::new(metadata.now, [5; 10]),
            email: format!("{name}@example.com").parse().unwrap(),
            name: name.parse().unwrap(),
        };
        let user = backend.commit(&User::invite(new, &metadata)).await.unwrap();
        let invitation = Invitation::new(user.id, user.updated_at);
        Invitations::note(backend.as_ref(), &invitation)
            .await
            .unwrap();
        user
    }

    #[tokio::test]
    async fn administrators_may() {
        let request = TestRequest::new("GET", "/invitations");
        let endpoint = endpoint().request(request, 200);
        let fixture = Fixture::new().await;
        assert_eq!(handler::ACCESS, Access::ADMIN);
        assert_eq!(endpoint.send(&fixture).await.status, 200);
        let by_ann = TestRequest::new("GET", "/invitations").bearer(&fixture.ann.token);
        let refused = endpoint.answer(&fixture.backend, by_ann).await;
        assert_eq!(refused.problem(), (403, "forbidden"));
    }

    #[tokio::test]
    async fn who_has_not_answered_is_listed() {
        let fixture = Fixture::new().await;
        let backend = &fixture.backend;
        let open = invite(backend, "eve").await;
        let withdrawn = invite(backend, "fay").await;
        backend
            .change(withdrawn.id, User::withdraw_invitation)
            .await;
        let accepted = invite(backend, "gil").await;
        backend.tamper(accepted.id, |user| user.standing = Standing::Settled);
        let answer = list(&fixture, "").await;
        let expires_at = open.updated_at.plus(Duration::from_hours(7 * 24));
        let expected = json!([{
            "id": open.id, "email": "eve@example.com", "name": "eve",
            "sentAt": open.updated_at, "expiresAt": expires_at,
        }]);
        assert_eq!(answer.body["data"], expected);
        backend.advance(Duration::from_hours(7 * 24));
        let answer = list(&fixture, "").await;
        assert_eq!(answer.body["data"], json!([]), "an expired one is not open");
    }

    #[tokio::test]
    async fn more_than_a_page_are_listed_page_by_page() {
        let fixture = Fixture::new().await;
        for number in 0..7 {
            invite(&fixture.backend, &format!("user{number}")).await;
        }
        let (mut query, mut names) = ("limit=3".to_owned(), Vec::new());
        loop {
            let answer = list(&fixture, &query).await;
            let data = answer.body["data"].as_array().unwrap();
            names.extend(
                data.iter()
                    .map(|line| line["name"].as_str().unwrap().to_owned()),
            );
            let Some(next) = answer.body["pagination"]["next"].as_str() else {
                break;
            };
            query = next.split_once('?').unwrap().1.to_owned();
        }
        let expected: Vec<_> = (0..7).rev().map(|number| format!("user{number}")).collect();
        assert_eq!(names, expected);
    }

    #[tokio::test]
    async fn every_wrong_parameter_is_named() {
        let fixture = Fixture::new().await;
        let answer = list(&fixture, "limit=0&cursor=x&page=1").await;
        let expected = [
            ("limit", "out-of-range"),
            ("cursor", "invalid-id"),
            ("page", "unknown-parameter"),
        ];
        assert_eq!(answer.invalid_fields(), expected);
    }
}
