//! HTTP to the query and back.

use std::sync::Arc;

use shared::lambda::http::{
    Access, Request, Response, StatusCode, header,
    pagination::{self, Body},
    response,
};

use crate::list_users::ListUsers;

/// Addresses and names of everybody.
pub const ACCESS: Access = Access::Admin;

/// `GET /users`.
pub async fn handle(list: Arc<ListUsers>, request: Request) -> Response {
    let asked = pagination::parse(request.query())?;
    let listed = list.execute(&asked.listing).await?;
    let body = Body::new(&request.path, &asked, listed);
    let response = response::json(StatusCode::OK, &body)?;
    match body.link_header() {
        Some(links) => response::with_header(response, header::LINK, &links),
        None => Ok(response),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use shared::{
        application::ports::UserRepository as _,
        domain::{Origin, PasswordHash, Roles, User, UserId, user::NewUser},
        lambda::http::{Authenticator, answer},
    };
    use testing::{FakeBackend, sample::Sample};

    use super::*;

    async fn world_with(users: &[&str]) -> Arc<FakeBackend> {
        let backend = FakeBackend::new();
        for (number, name) in (0..).zip(users) {
            let metadata = backend.env().metadata(Origin::system("test")).unwrap();
            let new = NewUser {
                id: UserId::new(metadata.now, [number; 10]),
                email: format!("{}@example.com", name.to_lowercase())
                    .parse()
                    .unwrap(),
                name: name.parse().unwrap(),
                password: PasswordHash::from_phc("hash"),
                roles: Roles::new(),
            };
            backend.commit(&User::create(new, &metadata)).await.unwrap();
        }
        backend
    }

    /// Past the authenticator, which `answer` would ask otherwise: the list is what is tested here.
    async fn list(backend: &Arc<FakeBackend>, query: &str) -> (u16, Option<String>, Value) {
        let list = Arc::new(ListUsers {
            directory: backend.clone(),
        });
        let request = Sample::new("GET", "/users")
            .query(query)
            .into_request()
            .unwrap();
        let response = answer(
            Access::Anyone,
            &Authenticator::open(""),
            list,
            &handle,
            request,
        )
        .await;
        let links = response.headers().get(header::LINK);
        (
            response.status().as_u16(),
            links.map(|links| links.to_str().unwrap().to_owned()),
            serde_json::from_slice(response.body()).unwrap(),
        )
    }

    #[tokio::test]
    async fn a_page_says_where_it_stands() {
        let backend = world_with(&["Ann", "Bob", "Cid"]).await;
        let (status, links, body) = list(&backend, "page=1&limit=2&sort=name").await;
        assert_eq!(status, 200);
        assert_eq!(body["data"][0]["name"], "Ann");
        assert_eq!(body["pagination"]["total"], 3);
        assert_eq!(body["pagination"]["pages"], 2);
        let next = body["pagination"]["next"].as_str().unwrap();
        assert!(
            links
                .unwrap()
                .starts_with(&format!("<{next}>; rel=\"next\""))
        );
        let (_, _, body) = list(&backend, next.split_once('?').unwrap().1).await;
        assert_eq!(body["data"][0]["name"], "Cid");
        assert_eq!(body["pagination"]["next"], Value::Null);
    }

    #[tokio::test]
    async fn nobody_without_a_token_sees_it() {
        let list = Arc::new(ListUsers {
            directory: FakeBackend::new(),
        });
        let request = Sample::new("GET", "/users").into_request().unwrap();
        let response = answer(ACCESS, &Authenticator::open(""), list, &handle, request).await;
        assert_eq!(response.status().as_u16(), 401);
    }
}
