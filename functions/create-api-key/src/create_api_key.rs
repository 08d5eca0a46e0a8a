//! The use case: an administrator makes an API key.

use std::sync::Arc;

use shared::{
    application::ports::{ApiKeys, Env},
    domain::{ApiKey, ApiKeyId, ApiKeyToken, Origin, Result, api_key::NewApiKey},
};

pub struct CreateApiKey {
    pub keys: Arc<dyn ApiKeys>,
    pub env: Env,
}

/// The key to be made.
#[derive(Debug)]
pub struct Command {
    pub new: NewApiKey,
    pub origin: Origin,
}

impl CreateApiKey {
    /// Returns the key and the token that opens it, which nobody can show again. A repetition makes
    /// another key: one whose token got lost with the answer opens nothing, and is listed.
    pub async fn execute(&self, command: Command) -> Result<(ApiKey, ApiKeyToken)> {
        let metadata = self.env.metadata(command.origin)?;
        let random = &self.env.random;
        let id = ApiKeyId::new(metadata.now, random.bytes()?);
        let token = ApiKeyToken::new(id, random.bytes()?);
        let (key, event) = ApiKey::create(command.new, &token, &metadata);
        self.keys.create(&key, &event).await?;
        Ok((key, token))
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{Actor, EventKind},
        lambda::http::Access,
    };
    use testing::{Answer, Endpoint, Fixture, TestRequest, Value, json};

    use super::*;
    use crate::handler;

    fn endpoint(body: &Value) -> Endpoint {
        let request = TestRequest::new("POST", "/api-keys").json(body);
        Endpoint::new(handler::ACCESS, handler::handle, |backend| CreateApiKey {
            keys: backend.clone(),
            env: backend.env(),
        })
        .request(request, 201)
        .events(1..=2)
    }

    fn nightly() -> Value {
        json!({"name": " Nightly export ", "role": "reader"})
    }

    async fn create(fixture: &Fixture, body: &Value) -> Answer {
        endpoint(body).send(fixture).await
    }

    #[tokio::test]
    async fn administrators_may() {
        endpoint(&nightly()).admits(Access::ADMIN.recent()).await;
    }

    #[tokio::test]
    async fn a_key_survives_every_fault() {
        let is_done = async |fixture: &Fixture| !fixture.backend.api_keys().is_empty();
        let endpoint = endpoint(&nightly());
        let calls = endpoint.survives_every_fault(is_done).await;
        assert_eq!(calls.last(), Some(&"api_keys.create"));
    }

    #[tokio::test]
    async fn the_token_is_shown_once_and_opens_the_key() {
        let fixture = Fixture::new().await;
        let answer = create(&fixture, &nightly()).await;
        let key = fixture.backend.api_keys().remove(0).key;
        let token = answer.body["token"].as_str().unwrap();
        assert!(ApiKeyToken::decode(token).unwrap().opens(&key));
        let expected = json!({
            "id": key.id, "name": "Nightly export", "role": "reader", "service": null, "createdAt": key.created_at,
            "createdBy": format!("user:{}", fixture.admin.id), "expiresAt": key.expires_at,
            "revokedAt": null, "lastUsedOn": null, "token": token,
        });
        assert_eq!(answer.body, expected, "and no hash");
        assert_eq!(answer.header("cache-control"), Some("no-store"));

        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::ApiKeyCreated);
        assert_eq!(event.actor, Actor::User(fixture.admin.id));
        assert_eq!((event.user_id, event.data.api_key_id), (None, Some(key.id)));
    }

    #[tokio::test]
    async fn a_key_expires_after_90_days_or_as_it_says() {
        let fixture = Fixture::new().await;
        create(&fixture, &nightly()).await;
        let body = json!({"name": "a", "role": "service", "expiresInDays": 365});
        create(&fixture, &body).await;
        let keys = fixture.backend.api_keys().into_iter().map(|key| key.key);
        let days = keys.map(|key| key.created_at.until(key.expires_at).as_secs() / 86_400);
        let mut days: Vec<_> = days.collect();
        days.sort_unstable();
        assert_eq!(days, [90, 365]);
    }

    #[tokio::test]
    async fn everything_wrong_is_pointed_at() {
        let fixture = Fixture::new().await;
        for (body, wrong) in [
            (
                json!({}),
                vec![("/name", "required"), ("/role", "required")],
            ),
            (
                json!({"name": "", "role": "admin", "expiresInDays": 366}),
                vec![
                    ("/name", "required"),
                    ("/role", "invalid-role"),
                    ("/expiresInDays", "out-of-range"),
                ],
            ),
            (
                json!({"name": "a", "role": "reader", "expiresInDays": "90"}),
                vec![("/expiresInDays", "wrong-type")],
            ),
            (
                json!({"name": "a", "role": "reader", "expiresInDays": 0.5}),
                vec![("/expiresInDays", "wrong-type")],
            ),
            (
                json!({"name": "a", "role": "reader", "expiresInDays": 0}),
                vec![("/expiresInDays", "out-of-range")],
            ),
            (
                json!({"name": "a", "role": "reader", "service": "profiles"}),
                vec![("/service", "not-for-role")],
            ),
            (
                json!({"name": "a", "role": "service", "service": "Profiles"}),
                vec![("/service", "invalid-service-name")],
            ),
            // CVE-2025-61928: a user id in the body made a key of that user's.
            (
                json!({"name": "a", "role": "reader", "userId": fixture.ann.id}),
                vec![("/userId", "unknown-field")],
            ),
        ] {
            let answer = create(&fixture, &body).await;
            assert_eq!(answer.problem(), (422, "invalid"), "{body}");
            assert_eq!(answer.invalid_fields(), wrong, "{body}");
        }
        assert!(fixture.backend.api_keys().is_empty());
    }
}
