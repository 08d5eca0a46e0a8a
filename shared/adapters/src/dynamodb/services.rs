//! Services and their instances.

use application::ports::{ServiceInstances, ServiceRegistry};
use async_trait::async_trait;
use domain::{
    DomainEvent, Instance, InstanceId, Result, Service, ServiceName,
    service::{Health, delivery::KEPT},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Entity, Key, Table,
    item::{Item, Update, number, text, ttl, value},
    query::Query,
    table::Written,
};

/// The services, in the services table.
#[derive(Debug, Clone)]
pub struct Services {
    table: Table,
}

impl Services {
    /// The services in `table`.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

/// The partition of all services. It is read with each event and takes a write for each change by an
/// administrator; what changes often, the health of instances, stands elsewhere.
const SERVICES: &str = "SERVICE";

/// A service, and in the same item the event of the write that made it so: an outbox of one.
#[derive(Serialize, Deserialize)]
struct ServiceItem {
    #[serde(flatten)]
    service: Service,
    event: DomainEvent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<i64>,
}

impl Entity for ServiceItem {
    type Id = ServiceName;

    fn key(name: &ServiceName) -> Key {
        Key::new(SERVICES, name.as_str())
    }
}

/// An instance of a service.
#[derive(Serialize, Deserialize)]
struct InstanceItem {
    #[serde(flatten)]
    instance: Instance,
}

impl Entity for InstanceItem {
    type Id = (ServiceName, InstanceId);

    fn key((service, id): &(ServiceName, InstanceId)) -> Key {
        Key::new(instances_of(service), id.as_str())
    }
}

fn instances_of(service: &ServiceName) -> String {
    format!("INSTANCE#{service}")
}

#[async_trait]
impl ServiceRegistry for Services {
    /// One query for each started megabyte (some 500 services), consistent.
    async fn list(&self) -> Result<Vec<Service>> {
        let query = Query {
            keys: "#pk = :pk",
            filter: Some("attribute_not_exists(#removedAt)"),
            values: vec![(":pk", text(SERVICES))],
            ..Query::default()
        };
        let items: Vec<ServiceItem> = self.table.read_all(&query).await?;
        Ok(items.into_iter().map(|item| item.service).collect())
    }

    async fn find(&self, name: &ServiceName) -> Result<Option<Service>> {
        let item = self.table.get::<ServiceItem>(name).await?;
        let service = item.map(|item| item.service);
        Ok(service.filter(|service| service.removed_at.is_none()))
    }

    /// One write.
    async fn write(&self, service: &Service, event: &DomainEvent) -> Result<bool> {
        let item = ServiceItem {
            service: service.clone(),
            event: event.clone(),
            ttl: service.removed_at.map(|at| ttl(at.plus(KEPT))),
        };
        let (condition, values) = match service.revision - 1 {
            0 => (
                "attribute_not_exists(#pk) OR attribute_exists(#removedAt)",
                None,
            ),
            before => (
                "#revision = :before AND attribute_not_exists(#removedAt)",
                Some(Item::from([(":before".to_owned(), number(before))])),
            ),
        };
        let other = self
            .table
            .put_if(&service.name, &item, condition, values)
            .await?;
        Ok(match other {
            Written::Done(()) => true,
            // With our event it is ours: the reply to an earlier attempt was lost.
            Written::Refused(other) => other.is_some_and(|other| other.event.id == event.id),
        })
    }
}

#[async_trait]
impl ServiceInstances for Services {
    /// One query.
    async fn list(&self, service: &ServiceName) -> Result<Vec<Instance>> {
        let query = Query {
            keys: "#pk = :pk",
            values: vec![(":pk", text(instances_of(service)))],
            ..Query::default()
        };
        let items: Vec<InstanceItem> = self.table.read_all(&query).await?;
        Ok(items.into_iter().map(|item| item.instance).collect())
    }

    async fn put(&self, service: &ServiceName, instance: &Instance) -> Result<()> {
        let id = (service.clone(), instance.id.clone());
        let item = InstanceItem {
            instance: instance.clone(),
        };
        self.table.put(&id, &item).await
    }

    async fn remove(&self, service: &ServiceName, id: &InstanceId) -> Result<()> {
        let key = InstanceItem::key(&(service.clone(), id.clone()));
        self.table.delete(key).await
    }

    /// One update.
    async fn note_health(
        &self,
        service: &ServiceName,
        instance: &Instance,
        health: &Health,
    ) -> Result<()> {
        let update = Update {
            key: InstanceItem::key(&(service.clone(), instance.id.clone())),
            changes: "SET #health = :health",
            condition: Some("#registeredAt = :registeredAt AND #health.#revision = :revision"),
            values: vec![
                (":health", value(health)?),
                (":registeredAt", text(instance.registered_at)),
                (":revision", number(instance.health.revision)),
            ],
        };
        let (Written::Done(IgnoredAny) | Written::Refused(_)) = self.table.update(update).await?;
        Ok(())
    }
}
