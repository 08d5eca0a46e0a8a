//! What became of deliveries.

use application::ports::{DeliveryLog, DeliveryPage, Env};
use async_trait::async_trait;
use domain::{
    Error, EventId, EventKind, Result, ServiceName, Timestamp,
    service::{
        Attempt, Delivery, DeliveryRecord, DeliveryState,
        delivery::{GIVE_UP, KEPT},
    },
};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Entity, Key, Table,
    item::{Update, number, text, ttl, value},
    query::Query,
    table::Written,
};

/// The deliveries, in the services table.
#[derive(Clone)]
pub struct Deliveries {
    table: Table,
    env: Env,
}

impl Deliveries {
    /// The deliveries in `table`.
    pub fn new(table: Table, env: Env) -> Self {
        Self { table, env }
    }
}

/// A delivery with its attempts. A delivery has some forty at most, each time it is sent; so its item
/// stays small.
#[derive(Serialize, Deserialize)]
struct DeliveryItem {
    /// The id of the event.
    sk: String,
    #[serde(rename = "type")]
    kind: EventKind,
    state: DeliveryState,
    attempts: Vec<Attempt>,
}

/// The key of a delivery. A partition for each service: it takes a write for each attempt.
fn key_of(service: &ServiceName, event: EventId) -> Key {
    Key::new(deliveries_to(service), event.to_string())
}

fn deliveries_to(service: &ServiceName) -> String {
    format!("DELIVERY#{service}")
}

/// The event of a dead delivery.
#[derive(Serialize, Deserialize)]
struct DeadItem {
    delivery: Delivery,
    ttl: i64,
}

impl Entity for DeadItem {
    type Id = (ServiceName, EventId);

    fn key((service, event): &(ServiceName, EventId)) -> Key {
        Key::new(dead_of(service), event.to_string())
    }
}

fn dead_of(service: &ServiceName) -> String {
    format!("DEAD#{service}")
}

#[async_trait]
impl DeliveryLog for Deliveries {
    /// One update.
    async fn note(
        &self,
        service: &ServiceName,
        (event, kind): (EventId, EventKind),
        state: DeliveryState,
        attempt: Option<&Attempt>,
    ) -> Result<()> {
        let attempts: Vec<_> = attempt.into_iter().collect();
        let expires = self.env.clock.now().plus(KEPT.saturating_add(GIVE_UP));
        let update = Update {
            key: key_of(service, event),
            changes: "SET #type = :type, #state = :state, #ttl = :ttl, \
                      #attempts = list_append(if_not_exists(#attempts, :none), :attempts)",
            condition: Some("attribute_not_exists(#state) OR #state <> :delivered"),
            values: vec![
                (":type", text(kind)),
                (":state", text(state.as_str())),
                (":ttl", number(ttl(expires))),
                (":none", value(&Vec::<Attempt>::new())?),
                (":attempts", value(&attempts)?),
                (":delivered", text(DeliveryState::Delivered.as_str())),
            ],
        };
        let (Written::Done(IgnoredAny) | Written::Refused(_)) = self.table.update(update).await?;
        Ok(())
    }

    /// One query.
    async fn list(
        &self,
        service: &ServiceName,
        state: Option<DeliveryState>,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<DeliveryPage> {
        let mut values = vec![(":pk", text(deliveries_to(service)))];
        values.extend(state.map(|state| (":state", text(state.as_str()))));
        values.extend(before.map(|event| (":before", text(event))));
        let query = Query {
            keys: match before {
                Some(_) => "#pk = :pk AND #sk < :before",
                None => "#pk = :pk",
            },
            filter: state.map(|_| "#state = :state"),
            values,
            descending: true,
            limit: Some(limit),
            ..Query::default()
        };
        let page = self.table.query::<DeliveryItem>(&query, None).await?;
        let last = page.next.map(super::from_item::<Key>).transpose()?;
        Ok(DeliveryPage {
            records: page
                .items
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_>>()?,
            next: last.map(|key| event_of(&key.sk)).transpose()?,
        })
    }

    async fn keep_dead(&self, delivery: &Delivery, now: Timestamp) -> Result<()> {
        let item = DeadItem {
            delivery: delivery.clone(),
            ttl: ttl(now.plus(KEPT)),
        };
        let id = (delivery.service.clone(), delivery.event.id);
        self.table.put(&id, &item).await
    }

    /// One query.
    async fn dead(&self, service: &ServiceName, limit: usize) -> Result<Vec<Delivery>> {
        let query = Query {
            keys: "#pk = :pk",
            values: vec![(":pk", text(dead_of(service)))],
            limit: Some(limit),
            ..Query::default()
        };
        let page = self.table.query::<DeadItem>(&query, None).await?;
        Ok(page.items.into_iter().map(|item| item.delivery).collect())
    }

    async fn remove_dead(&self, service: &ServiceName, event: EventId) -> Result<()> {
        let key = DeadItem::key(&(service.clone(), event));
        self.table.delete(key).await
    }
}

impl TryFrom<DeliveryItem> for DeliveryRecord {
    type Error = Error;

    fn try_from(item: DeliveryItem) -> Result<Self> {
        Ok(Self {
            event_id: event_of(&item.sk)?,
            kind: item.kind,
            state: item.state,
            attempts: item.attempts,
        })
    }
}

fn event_of(sk: &str) -> Result<EventId> {
    let event = sk.parse();
    event.map_err(|_| Error::internal("a delivery has a key that is no id"))
}
