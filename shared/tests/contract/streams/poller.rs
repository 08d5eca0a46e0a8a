//! Reads a stream as Lambda does: a shard after the one it came from, each in order, and again from the
//! record which the function reported.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
};

use serde_json::{Value, json};

/// A DynamoDB, asked without an SDK: the records come in the very shape which Lambda hands on.
#[derive(Clone)]
pub(super) struct Database {
    http: reqwest::Client,
    url: String,
}

impl Database {
    pub(super) fn at(url: &str) -> Self {
        let http = reqwest::Client::new();
        let url = url.to_owned();
        Self { http, url }
    }

    /// What `operation` answers, or the type of its error.
    pub(super) async fn call(&self, operation: &str, body: Value) -> Result<Value, String> {
        let service = match operation {
            "DescribeStream" | "GetShardIterator" | "GetRecords" => "DynamoDBStreams",
            _ => "DynamoDB",
        };
        let sent = self
            .http
            .post(&self.url)
            .header("x-amz-target", format!("{service}_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20260101T000000Z")
            .header(
                "authorization",
                // The key of the SDK's client in the other tests.
                "AWS4-HMAC-SHA256 Credential=contract/20260101/eu-central-1/dynamodb/aws4_request, \
                 SignedHeaders=host, Signature=0",
            )
            .body(body.to_string());
        let response = sent.send().await.unwrap();
        let is_success = response.status().is_success();
        let answer: Value = response.json().await.unwrap();
        if is_success {
            return Ok(answer);
        }
        let kind = answer["__type"].as_str().unwrap_or_default();
        Err(kind.rsplit('#').next().unwrap_or_default().to_owned())
    }
}

/// What happens to streams in hours, at once. Only DynamoDB Local can be asked for it.
pub(super) async fn pass(what: &str) {
    let url = env::var("ROSTER_DYNAMODB_LOCAL_CLOCK").unwrap();
    let post = reqwest::Client::new().post(format!("{url}/{what}"));
    assert_eq!(post.send().await.unwrap().status(), 204);
}

/// Where the poller goes on in a shard.
#[derive(Debug, Clone)]
enum Position {
    At(String),
    After(String),
}

/// A reader of one stream, which remembers where it is.
pub(super) struct Poller {
    database: Database,
    arn: String,
    positions: BTreeMap<String, Position>,
    /// Shards that are closed, and read to their end.
    done: BTreeSet<String>,
}

/// A shard, and the one it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) id: String,
    pub(super) parent: Option<String>,
}

impl Poller {
    /// Follows the stream of `table` from its oldest record.
    pub(super) async fn open(database: &Database, table: &str) -> Self {
        let asked = json!({ "TableName": table });
        let described = database.call("DescribeTable", asked).await.unwrap();
        let arn = described["Table"]["LatestStreamArn"].as_str().unwrap();
        Self {
            database: database.clone(),
            arn: arn.to_owned(),
            positions: BTreeMap::new(),
            done: BTreeSet::new(),
        }
    }

    pub(super) async fn shards(&self) -> Vec<Shard> {
        let (mut shards, mut after) = (Vec::new(), Value::Null);
        loop {
            let mut asked = json!({ "StreamArn": self.arn });
            if !after.is_null() {
                asked["ExclusiveStartShardId"] = after;
            }
            let answer = self.database.call("DescribeStream", asked).await.unwrap();
            let described = &answer["StreamDescription"];
            let text = |shard: &Value, name: &str| shard[name].as_str().map(str::to_owned);
            shards.extend(
                described["Shards"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|shard| Shard {
                        id: text(shard, "ShardId").unwrap(),
                        parent: text(shard, "ParentShardId"),
                    }),
            );
            after = described["LastEvaluatedShardId"].clone();
            if after.is_null() {
                return shards;
            }
        }
    }

    /// Hands all records that are there to `handle`, in batches of at most `batch`. It may name the sequence
    /// number of a record at which the stream has to go on: that shard is left then.
    pub(super) async fn poll(
        &mut self,
        batch: usize,
        mut handle: impl AsyncFnMut(Vec<Value>) -> Option<String>,
    ) {
        let mut seen = BTreeSet::new();
        loop {
            let shards = self.shards().await;
            let known: BTreeSet<_> = shards.iter().map(|shard| shard.id.clone()).collect();
            let is_first = |shard: &Shard| {
                let parent = shard.parent.as_ref();
                parent.is_none_or(|parent| self.done.contains(parent) || !known.contains(parent))
            };
            let next = shards.into_iter().find(|shard| {
                !self.done.contains(&shard.id) && !seen.contains(&shard.id) && is_first(shard)
            });
            let Some(shard) = next else { return };
            let read = self.read(&shard.id, batch, &mut handle).await;
            match read.as_ref().map_err(String::as_str) {
                Ok(()) => {}
                // Older than a day: what is left begins after it.
                Err("TrimmedDataAccessException") if self.positions.remove(&shard.id).is_some() => {
                    continue;
                }
                Err("TrimmedDataAccessException" | "ResourceNotFoundException") => {
                    self.done.insert(shard.id.clone());
                }
                Err(other) => panic!("{other}"),
            }
            seen.insert(shard.id);
        }
    }

    async fn read(
        &mut self,
        shard: &str,
        batch: usize,
        handle: &mut impl AsyncFnMut(Vec<Value>) -> Option<String>,
    ) -> Result<(), String> {
        let mut iterator = Some(self.iterator(shard).await?);
        while let Some(from) = iterator {
            let asked = json!({ "ShardIterator": from, "Limit": batch });
            let answer = self.database.call("GetRecords", asked).await?;
            iterator = answer["NextShardIterator"].as_str().map(str::to_owned);
            let mut records = answer["Records"].as_array().unwrap().clone();
            records.iter_mut().for_each(with_empty_maps);
            let Some(last) = records.last().map(sequence_number) else {
                if iterator.is_some() {
                    return Ok(());
                }
                break;
            };
            let failed = handle(records).await;
            let stays = failed.is_some();
            let position = failed.map_or(Position::After(last), Position::At);
            self.positions.insert(shard.to_owned(), position);
            if stays {
                return Ok(());
            }
        }
        self.done.insert(shard.to_owned());
        Ok(())
    }

    async fn iterator(&self, shard: &str) -> Result<String, String> {
        let mut asked = json!({ "StreamArn": self.arn, "ShardId": shard });
        let (kind, number) = match self.positions.get(shard) {
            None => ("TRIM_HORIZON", None),
            Some(Position::At(number)) => ("AT_SEQUENCE_NUMBER", Some(number)),
            Some(Position::After(number)) => ("AFTER_SEQUENCE_NUMBER", Some(number)),
        };
        asked["ShardIteratorType"] = json!(kind);
        if let Some(number) = number {
            asked["SequenceNumber"] = json!(number);
        }
        let answer = self.database.call("GetShardIterator", asked).await?;
        Ok(answer["ShardIterator"].as_str().unwrap().to_owned())
    }
}

/// DynamoDB Local leaves the type of an empty map out of a record: `{}`, where AWS has `{"M": {}}`.
fn with_empty_maps(record: &mut Value) {
    fn complete(attribute: &mut Value) {
        let value = attribute.as_object_mut().unwrap();
        if value.is_empty() {
            *attribute = json!({ "M": {} });
        } else if let Some(map) = value.get_mut("M") {
            map.as_object_mut().unwrap().values_mut().for_each(complete);
        } else if let Some(list) = value.get_mut("L") {
            list.as_array_mut().unwrap().iter_mut().for_each(complete);
        }
    }
    for image in ["NewImage", "OldImage"] {
        if let Some(image) = record["dynamodb"].get_mut(image) {
            image
                .as_object_mut()
                .unwrap()
                .values_mut()
                .for_each(complete);
        }
    }
}

fn sequence_number(record: &Value) -> String {
    let number = &record["dynamodb"]["SequenceNumber"];
    number.as_str().unwrap().to_owned()
}
