//! Our tables on a DynamoDB that is not AWS's, made from the template which is deployed.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
        Projection, ProjectionType, ScalarAttributeType,
    },
};
use serde::Deserialize;

const TEMPLATE: &str = include_str!("../../../template.yaml");

/// A client of the DynamoDB at `url`.
pub(crate) fn client(url: &str) -> Client {
    Client::from_conf(config(url).build())
}

/// The configuration of such a client.
pub(crate) fn config(url: &str) -> aws_sdk_dynamodb::config::Builder {
    Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(Credentials::new("contract", "contract", None, None, "test"))
        .region(Region::new("eu-central-1"))
        .endpoint_url(url)
        .http_client(adapters::https::client())
}

/// An in-memory DynamoDB in this process. Gives its address.
pub(crate) async fn embedded() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let database = dynoxide::Database::memory().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    url
}

/// The tables of the template, under names of their own.
#[derive(Clone)]
pub(crate) struct Tables {
    client: Client,
    prefix: String,
}

impl Tables {
    /// Makes the tables; `prefix` begins their names.
    pub(crate) async fn create(client: Client, prefix: String) -> Self {
        for (name, table) in declared() {
            create(&client, format!("{prefix}{name}"), &table).await;
        }
        Self { client, prefix }
    }

    /// The name of the table with this logical id in the template.
    pub(crate) fn name(&self, logical_id: &str) -> String {
        format!("{}{logical_id}", self.prefix)
    }

    /// Removes the tables.
    pub(crate) async fn delete(&self) {
        for name in declared().keys() {
            let name = self.name(name);
            self.client
                .delete_table()
                .table_name(name)
                .send()
                .await
                .unwrap();
        }
    }
}

/// The tables which the template declares.
fn declared() -> BTreeMap<String, Declared> {
    let template: Template = yaml_serde::from_str(TEMPLATE).unwrap();
    template
        .resources
        .into_iter()
        .filter(|(_, resource)| resource.kind == "AWS::DynamoDB::Table")
        .map(|(name, resource)| (name, yaml_serde::from_value(resource.properties).unwrap()))
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Template {
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    properties: yaml_serde::Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Declared {
    attribute_definitions: Vec<Attribute>,
    key_schema: Vec<KeyPart>,
    #[serde(default)]
    global_secondary_indexes: Vec<Index>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyPart {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Index {
    #[serde(rename = "IndexName")]
    name: String,
    key_schema: Vec<KeyPart>,
    projection: Projected,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Projected {
    projection_type: String,
    #[serde(default)]
    non_key_attributes: Option<Vec<String>>,
}

async fn create(client: &Client, name: String, table: &Declared) {
    let attributes = table.attribute_definitions.iter().map(|attribute| {
        AttributeDefinition::builder()
            .attribute_name(&attribute.attribute_name)
            .attribute_type(ScalarAttributeType::from(attribute.attribute_type.as_str()))
            .build()
            .unwrap()
    });
    let indexes = table
        .global_secondary_indexes
        .iter()
        .map(index)
        .collect::<Vec<_>>();
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.collect()))
        .set_key_schema(Some(key_schema(&table.key_schema)))
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
        .send()
        .await
        .unwrap();
}

fn index(index: &Index) -> GlobalSecondaryIndex {
    let projection = Projection::builder()
        .projection_type(ProjectionType::from(
            index.projection.projection_type.as_str(),
        ))
        .set_non_key_attributes(index.projection.non_key_attributes.clone())
        .build();
    GlobalSecondaryIndex::builder()
        .index_name(&index.name)
        .set_key_schema(Some(key_schema(&index.key_schema)))
        .projection(projection)
        .build()
        .unwrap()
}

fn key_schema(parts: &[KeyPart]) -> Vec<KeySchemaElement> {
    let element = |part: &KeyPart| {
        KeySchemaElement::builder()
            .attribute_name(&part.attribute_name)
            .key_type(KeyType::from(part.key_type.as_str()))
            .build()
            .unwrap()
    };
    parts.iter().map(element).collect()
}
