//! The query: what became of deliveries to a service.

use std::sync::Arc;

use shared::{
    application::ports::{DeliveryLog, DeliveryPage, ServiceRegistry},
    domain::{EventId, Refusal, Result, ServiceName, service::DeliveryState},
};

pub struct ListDeliveries {
    pub services: Arc<dyn ServiceRegistry>,
    pub log: Arc<dyn DeliveryLog>,
}

/// Which deliveries to list.
#[derive(Debug)]
pub struct Query {
    pub service: ServiceName,
    /// Only those in this state.
    pub state: Option<DeliveryState>,
    /// Only those of events before this one.
    pub before: Option<EventId>,
    pub limit: usize,
}

impl ListDeliveries {
    /// A page of deliveries, newest events first. A page may have fewer than `limit` if a state is given.
    ///
    /// # Errors
    /// `NotFound` if there is no such service.
    pub async fn execute(&self, query: &Query) -> Result<DeliveryPage> {
        let service = self.services.find(&query.service).await?;
        service.ok_or(Refusal::NotFound)?;
        let (state, before) = (query.state, query.before);
        self.log
            .list(&query.service, state, before, query.limit)
            .await
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{
            EventKind, Service,
            service::{Attempt, EventFilter, Outcome, SecretSalt},
        },
        lambda::http::Access,
    };
    use testing::{Answer, Endpoint, Fixture, TestRequest, json};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("GET", "/services/{name}/deliveries");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| ListDeliveries {
            services: backend.clone(),
            log: backend.clone(),
        })
        .request(request.parameter("name", "profiles"), 200)
        .given(async |fixture, request| {
            let metadata = fixture.backend.metadata();
            let (filter, salt) = (EventFilter::everything(), SecretSalt::new([1; 16]));
            let name = "profiles".parse().unwrap();
            let (service, _) = Service::register(name, filter, salt, &metadata);
            fixture.backend.add_service(&service, &[]);
            request
        })
    }

    /// Deliveries of three events, each in another state; gives the ids.
    async fn deliveries(fixture: &Fixture) -> Vec<EventId> {
        let name = "profiles".parse().unwrap();
        let log: &dyn DeliveryLog = &*fixture.backend;
        let mut ids = Vec::new();
        for state in [
            DeliveryState::Delivered,
            DeliveryState::Dead,
            DeliveryState::Waiting,
        ] {
            fixture.backend.advance(std::time::Duration::from_secs(1));
            let metadata = fixture.backend.metadata();
            let attempt = Attempt {
                at: metadata.now,
                instance: "a".parse().unwrap(),
                outcome: match state {
                    DeliveryState::Delivered => Outcome::Answered(200),
                    _ => Outcome::TimedOut,
                },
                millis: 12,
            };
            let event = (metadata.event_id, EventKind::UserCreated);
            log.note(&name, event, state, Some(&attempt)).await.unwrap();
            ids.push(metadata.event_id);
        }
        ids
    }

    async fn list(fixture: &Fixture, query: &str) -> Answer {
        let request = TestRequest::new("GET", "/services/{name}/deliveries");
        let request = request.parameter("name", "profiles").query(query);
        let request = request.bearer(&fixture.admin.token);
        endpoint().answer(&fixture.backend, request).await
    }

    #[tokio::test]
    async fn administrators_may() {
        endpoint().admits(Access::ADMIN).await;
    }

    #[tokio::test]
    async fn attempts_are_shown_without_what_was_said() {
        let fixture = Fixture::new().await;
        endpoint().send(&fixture).await;
        let ids = deliveries(&fixture).await;
        let answer = list(&fixture, "").await;
        let data = answer.body["data"].as_array().unwrap();
        assert_eq!(data.len(), 3);
        assert_eq!(data[0]["eventId"], json!(ids[2]), "newest first");
        let delivered = &data[2];
        let at = &delivered["attempts"][0]["at"];
        let expected = json!({
            "eventId": ids[0], "type": "UserCreated", "state": "delivered",
            "attempts": [{"at": at, "instance": "a", "status": 200, "failure": null, "millis": 12}],
        });
        assert_eq!(*delivered, expected);
        assert_eq!(data[1]["attempts"][0]["failure"], "timed-out");
    }

    #[tokio::test]
    async fn they_are_listed_by_state_and_page_by_page() {
        let fixture = Fixture::new().await;
        endpoint().send(&fixture).await;
        let ids = deliveries(&fixture).await;
        let dead = list(&fixture, "state=dead").await;
        assert_eq!(dead.body["data"].as_array().unwrap().len(), 1);
        assert_eq!(dead.body["data"][0]["eventId"], json!(ids[1]));
        let (mut query, mut seen) = ("limit=2".to_owned(), Vec::new());
        loop {
            let page = list(&fixture, &query).await;
            let data = page.body["data"].as_array().unwrap().clone();
            seen.extend(data.into_iter().map(|delivery| delivery["eventId"].clone()));
            let Some(next) = page.body["pagination"]["next"].as_str() else {
                break;
            };
            query = next.split_once('?').unwrap().1.to_owned();
        }
        let expected: Vec<_> = ids.iter().rev().map(|id| json!(id)).collect();
        assert_eq!(seen, expected);
    }

    #[tokio::test]
    async fn every_wrong_parameter_is_named() {
        let fixture = Fixture::new().await;
        endpoint().send(&fixture).await;
        let answer = list(&fixture, "limit=0&state=lost&cursor=x&page=1").await;
        let expected = [
            ("limit", "out-of-range"),
            ("state", "invalid-state"),
            ("cursor", "invalid-id"),
            ("page", "unknown-parameter"),
        ];
        assert_eq!(answer.invalid_fields(), expected);
    }
}
