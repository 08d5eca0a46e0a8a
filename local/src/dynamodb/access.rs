//! Reads out of a request what it touches: tables, indexes, partition keys.

use serde_json::Value;

use super::{Table, calls::Access};

/// The attribute that is the partition key of a table or of one of its indexes.
fn partition_key<'a>(tables: &'a [Table], name: &str, index: Option<&str>) -> Option<&'a str> {
    let Table { properties, .. } = tables.iter().find(|table| table.name == name)?;
    let described = match index {
        None => properties,
        Some(index) => ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"]
            .iter()
            .flat_map(|kind| elements(&properties[kind]))
            .find(|candidate| candidate["IndexName"] == index)?,
    };
    let mut schema = elements(&described["KeySchema"]);
    schema.find(|element| element["KeyType"] == "HASH")?["AttributeName"].as_str()
}

/// True if `operation` changes items.
pub(super) fn writes(operation: &str) -> bool {
    matches!(
        operation,
        "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems"
    )
}

/// What `operation` with `body` touches, in the request's order. `PartiQL` statements are not read.
pub(super) fn accesses(operation: &str, body: &Value, tables: &[Table]) -> Vec<Access> {
    let one = |action: &str, request: &Value, item: &Value| -> Access {
        let table = request["TableName"].as_str().unwrap_or_default();
        Access {
            action: action.to_owned(),
            table: table.to_owned(),
            index: request["IndexName"].as_str().map(str::to_owned),
            leading_keys: leading_key(item, partition_key(tables, table, None)),
        }
    };
    match operation {
        "GetItem" | "UpdateItem" | "DeleteItem" => vec![one(operation, body, &body["Key"])],
        "PutItem" => vec![one(operation, body, &body["Item"])],
        "Query" => {
            let mut access = one(operation, body, &Value::Null);
            let key = partition_key(tables, &access.table, access.index.as_deref());
            access.leading_keys = key.map_or_else(Vec::new, |key| queried(body, key));
            vec![access]
        }
        "TransactWriteItems" | "TransactGetItems" => elements(&body["TransactItems"])
            .filter_map(Value::as_object)
            .flatten()
            .filter_map(|(kind, item)| {
                let (action, part) = match kind.as_str() {
                    "Put" => ("PutItem", "Item"),
                    "Update" => ("UpdateItem", "Key"),
                    "Delete" => ("DeleteItem", "Key"),
                    "ConditionCheck" => ("ConditionCheckItem", "Key"),
                    "Get" => ("GetItem", "Key"),
                    _ => return None,
                };
                Some(one(action, item, &item[part]))
            })
            .collect(),
        "BatchGetItem" | "BatchWriteItem" => batched(operation, body, tables),
        _ if body["TableName"].is_string() => vec![one(operation, body, &Value::Null)],
        _ => Vec::new(),
    }
}

fn batched(operation: &str, body: &Value, tables: &[Table]) -> Vec<Access> {
    let requested = body["RequestItems"].as_object().into_iter().flatten();
    requested
        .map(|(table, requests)| {
            let key = partition_key(tables, table, None);
            let put_or_deleted = elements(requests).flat_map(|request| {
                let [put, deleted] = [&request["PutRequest"], &request["DeleteRequest"]];
                [&put["Item"], &deleted["Key"]]
            });
            // A list of requests has no `Keys`, and their object is no list.
            let items = elements(&requests["Keys"]).chain(put_or_deleted);
            Access {
                action: operation.to_owned(),
                table: table.clone(),
                index: None,
                leading_keys: items.flat_map(|item| leading_key(item, key)).collect(),
            }
        })
        .collect()
}

fn leading_key(item: &Value, key: Option<&str>) -> Vec<String> {
    key.and_then(|key| scalar(&item[key])).into_iter().collect()
}

/// The text of an attribute value: `{"S": "a"}` is `a`.
fn scalar(attribute: &Value) -> Option<String> {
    ["S", "N", "B"]
        .iter()
        .find_map(|kind| attribute[*kind].as_str())
        .map(str::to_owned)
}

/// The value to which a query binds the partition key `key`.
fn queried(body: &Value, key: &str) -> Vec<String> {
    // The partition key stands in a condition `name = :value`, which AND joins to at most one
    // other; the second half of a BETWEEN has no equals sign.
    let condition = body["KeyConditionExpression"].as_str().unwrap_or_default();
    let condition = condition.replace(['(', ')'], " ");
    let words: Vec<&str> = condition.split_whitespace().collect();
    words
        .split(|word| word.eq_ignore_ascii_case("and"))
        .filter_map(|clause| {
            let clause = clause.concat();
            let (name, value) = clause.split_once('=')?;
            let name = body["ExpressionAttributeNames"][name]
                .as_str()
                .unwrap_or(name);
            (name == key).then(|| scalar(&body["ExpressionAttributeValues"][value]))?
        })
        .collect()
}

fn elements(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tables() -> [Table; 1] {
        [Table {
            id: "UsersTable".to_owned(),
            name: "users".to_owned(),
            arn: String::new(),
            properties: json!({
                "KeySchema": [
                    { "AttributeName": "pk", "KeyType": "HASH" },
                    { "AttributeName": "sk", "KeyType": "RANGE" }
                ],
                "GlobalSecondaryIndexes": [{
                    "IndexName": "feed",
                    "KeySchema": [{ "AttributeName": "feed", "KeyType": "HASH" }]
                }]
            }),
        }]
    }

    fn leading(operation: &str, body: &Value) -> Vec<String> {
        accesses(operation, body, &tables())
            .into_iter()
            .flat_map(|access| access.leading_keys)
            .collect()
    }

    #[test]
    fn a_query_of_an_index_has_the_index_key() {
        let body = json!({
            "TableName": "users",
            "IndexName": "feed",
            "KeyConditionExpression": "(#f = :f) AND (updatedAt BETWEEN :a AND :b)",
            "ExpressionAttributeNames": { "#f": "feed" },
            "ExpressionAttributeValues": { ":f": { "S": "FEED#1" }, ":a": { "S": "x" } }
        });
        assert_eq!(leading("Query", &body), ["FEED#1"]);
        let access = &accesses("Query", &body, &tables())[0];
        assert_eq!(access.index.as_deref(), Some("feed"));
    }

    #[test]
    fn a_query_without_spaces_is_read_too() {
        let body = json!({
            "TableName": "users",
            "KeyConditionExpression": "sk>=:s and pk=:p",
            "ExpressionAttributeValues": { ":p": { "S": "USER#1" }, ":s": { "S": "x" } }
        });
        assert_eq!(leading("Query", &body), ["USER#1"]);
    }

    #[test]
    fn a_transaction_is_the_actions_of_its_items() {
        let body = json!({ "TransactItems": [
            { "Put": { "TableName": "users", "Item": { "pk": { "S": "a" } } } },
            { "ConditionCheck": { "TableName": "users", "Key": { "pk": { "S": "b" } } } }
        ]});
        let found = accesses("TransactWriteItems", &body, &tables());
        let actions: Vec<_> = found.iter().map(|access| access.action.as_str()).collect();
        assert_eq!(actions, ["PutItem", "ConditionCheckItem"]);
        assert_eq!(leading("TransactWriteItems", &body), ["a", "b"]);
    }

    #[test]
    fn batches_have_the_keys_of_all_their_items() {
        let body = json!({ "RequestItems": { "users": [
            { "PutRequest": { "Item": { "pk": { "S": "a" } } } },
            { "DeleteRequest": { "Key": { "pk": { "S": "b" } } } }
        ]}});
        assert_eq!(leading("BatchWriteItem", &body), ["a", "b"]);
        let body = json!({ "RequestItems": { "users": { "Keys": [{ "pk": { "S": "c" } }] } } });
        assert_eq!(leading("BatchGetItem", &body), ["c"]);
    }

    #[test]
    fn a_scan_has_no_leading_keys() {
        let found = accesses("Scan", &json!({ "TableName": "users" }), &tables());
        assert_eq!(found.len(), 1);
        assert!(found[0].leading_keys.is_empty());
    }
}
