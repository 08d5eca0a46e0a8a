//! People with accounts, and what they do to users.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::contract::SERVICE;
use crate::support::{Answer, PASSWORD, Roster, token_in, unique_email};

/// Somebody who is signed in.
pub struct Person {
    pub id: String,
    pub email: String,
    pub token: String,
}

/// An API key, and what opens it.
pub struct ApiKey {
    pub id: String,
    pub token: String,
    /// The answer that showed the token.
    pub shown: Value,
}

impl Roster {
    /// Somebody signs up and in.
    pub async fn newcomer(&self, who: &str) -> Person {
        let email = unique_email(who);
        let created = self.sign_up(&email).await;
        assert_eq!(created.status, StatusCode::CREATED);
        let token = self.token(&email, PASSWORD).await;
        Person {
            id: created.body["id"].as_str().unwrap().to_owned(),
            email,
            token,
        }
    }

    /// Somebody signs up and in, and confirms the address.
    pub async fn proven(&self, who: &str) -> Person {
        let person = self.newcomer(who).await;
        let token = token_in(&self.mail_to(&person.email).await, "verify");
        let route = "PUT /email-verifications";
        let confirmed = self
            .call(route, &person.token, &json!({"token": token}))
            .await;
        assert_eq!(confirmed.status, StatusCode::NO_CONTENT);
        person
    }

    /// Somebody with a role signs in.
    pub async fn colleague(&self, role: &str) -> Person {
        let person = self.proven(role).await;
        let route = format!("PUT /users/{}/roles", person.id);
        let assigned = self.call_as_admin(&route, &json!({"roles": [role]})).await;
        assert_eq!(assigned.status, StatusCode::OK, "{assigned:?}");
        person
    }

    /// A new API key of this role.
    pub async fn api_key(&self, role: &str) -> ApiKey {
        let service = match role {
            "service" => SERVICE,
            _ => "",
        };
        self.api_key_for(role, service).await
    }

    /// A new API key of this role, for this service if it has a name.
    pub async fn api_key_for(&self, role: &str, service: &str) -> ApiKey {
        let mut body = json!({"name": format!("a test's {role}"), "role": role});
        if !service.is_empty() {
            body["service"] = json!(service);
        }
        let made = self.call_as_admin("POST /api-keys", &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
        ApiKey {
            id: text("id"),
            token: text("token"),
            shown: made.body.clone(),
        }
    }

    /// An access token of a new session.
    pub async fn token(&self, email: &str, password: &str) -> String {
        let body = json!({"email": email, "password": password});
        let session = self.post("/sessions", &body).await;
        assert_eq!(session.status, StatusCode::CREATED, "{:?}", session.body);
        session.body["accessToken"].as_str().unwrap().to_owned()
    }

    /// An access token of a new session whose user signed in long ago: so the session's item says, and
    /// a token that is refreshed says the same.
    pub async fn token_of_long_ago(&self, email: &str) -> String {
        self.tokens_of_long_ago(email).await.0
    }

    /// The same with the refresh token.
    pub async fn tokens_of_long_ago(&self, email: &str) -> (String, String) {
        let session = self.sign_in(email).await.body;
        let access = session["accessToken"].as_str().unwrap();
        let sessions = self.call("GET /users/me/sessions", access, &Value::Null);
        let id = sessions.await.body["data"][0]["id"].take();
        let user = format!("USER#{}", session["user"]["id"].as_str().unwrap());
        let id = format!("SESSION#{}", id.as_str().unwrap());
        let change = json!({
            "TableName": self.stack.model.tables["SessionsTable"].name,
            "Key": {"pk": {"S": user}, "sk": {"S": id}},
            "UpdateExpression": "SET #authTime = :longAgo",
            "ExpressionAttributeNames": {"#authTime": "authTime"},
            "ExpressionAttributeValues": {":longAgo": {"S": "2020-01-01T00:00:00.000000Z"}},
        });
        self.database("UpdateItem", &change).await;
        let body = json!({"refreshToken": session["refreshToken"]});
        let refreshed = self.post("/sessions/refresh", &body).await.body;
        let text = |name: &str| refreshed[name].as_str().unwrap().to_owned();
        (text("accessToken"), text("refreshToken"))
    }

    /// `METHOD /path` with a token, and with a body unless it is null.
    pub async fn call(&self, route: &str, token: &str, body: &Value) -> Answer {
        self.call_at(route, token, body, None).await
    }

    /// The same with an `If-Match`.
    pub async fn call_at(
        &self,
        route: &str,
        token: &str,
        body: &Value,
        if_match: Option<&str>,
    ) -> Answer {
        let (method, path) = route.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let mut request = self.request(method, path).bearer_auth(token);
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        self.send(request).await
    }

    /// The same by the administrator.
    pub async fn call_as_admin(&self, route: &str, body: &Value) -> Answer {
        let token = self.admin().await;
        self.call(route, &token, body).await
    }
}
