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
    use testing::{Answer, Endpoint, Fixture, TestRequest, Value};

    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint::new(ACCESS, handle, |backend| ListUsers {
            directory: backend.clone(),
        })
    }

    /// The users Admin, Ann and Bob, as the administrator lists them.
    async fn list(fixture: &Fixture, query: &str) -> Answer {
        let request = TestRequest::new("GET", "/users").query(query);
        let request = request.bearer(&fixture.admin.token);
        endpoint().answer(&fixture.backend, request).await
    }

    #[tokio::test]
    async fn a_page_says_where_it_stands() {
        let fixture = Fixture::new().await;
        let answer = list(&fixture, "page=1&limit=2&sort=name").await;
        assert_eq!(answer.status, 200);
        let body = &answer.body;
        assert_eq!(body["data"][0]["name"], "Admin");
        assert_eq!(body["pagination"]["total"], 3);
        assert_eq!(body["pagination"]["pages"], 2);
        let next = body["pagination"]["next"].as_str().unwrap();
        let links = answer.header("link").unwrap();
        assert!(links.starts_with(&format!("<{next}>; rel=\"next\"")));
        let body = list(&fixture, next.split_once('?').unwrap().1).await.body;
        assert_eq!(body["data"][0]["name"], "Bob");
        assert_eq!(body["pagination"]["next"], Value::Null);
    }

    #[tokio::test]
    async fn only_administrators_see_it() {
        let fixture = Fixture::new().await;
        let request = || TestRequest::new("GET", "/users");
        for (request, status) in [
            (request(), 401),
            (request().bearer(&fixture.ann.token), 403),
        ] {
            let answer = endpoint().answer(&fixture.backend, request).await;
            assert_eq!(answer.status, status);
        }
    }
}
