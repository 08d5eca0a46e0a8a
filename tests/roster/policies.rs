//! What each function did, held against what its `Policies` in the template let it do, both ways: what it
//! did is permitted, and what is permitted some test needed. The local services let everybody do
//! everything; AWS does not.

mod exceptions;

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use local::{
    dynamodb::Access,
    template::{Model, arn},
};
use serde_json::Value;

use self::exceptions::EXCEPTIONS;
use crate::support::Roster;

/// What the stacks of this run permit, and what their functions needed of it.
static SEEN: Mutex<Seen> = Mutex::new(Seen {
    granted: BTreeSet::new(),
    needed: BTreeSet::new(),
});

struct Seen {
    granted: BTreeSet<String>,
    needed: BTreeSet<String>,
}

impl Seen {
    /// Of the functions that may make a key or a secret, whichever needs it first does.
    fn another_came_first(&self, grant: &str) -> bool {
        let of = |grant: &str| grant.split_once(' ').map(|(_, rest)| rest.to_owned());
        let made = of(grant).filter(|rest| rest.starts_with("dynamodb:PutItem KeysTable "));
        made.is_some() && self.needed.iter().any(|needed| of(needed) == made)
    }
}

/// Panics at the first call that AWS would have refused. Notes what the others needed.
pub fn assert_permitted(roster: &Roster) {
    let model = &roster.stack.model;
    let mut needed = BTreeSet::new();
    for call in roster.stack.services.dynamo.calls().since(0) {
        // Others than functions are the tests and commands of this machine.
        let Some(function) = model.functions.get(&call.caller) else {
            continue;
        };
        for access in &call.accesses {
            let statements = function.statements.iter();
            let permitting: Vec<_> = statements
                .flat_map(|statement| grants_for(statement, access, model))
                .collect();
            assert!(!permitting.is_empty(), "{} may not {access:?}", call.caller);
            needed.extend(permitting.iter().map(|grant| label(&call.caller, grant)));
        }
    }
    for (caller, action, arn) in other_calls(roster) {
        let Some(function) = model.functions.get(&caller) else {
            continue;
        };
        let statements = function.statements.iter();
        let grants = statements.flat_map(|statement| grants(statement, model));
        let is_of_it = |grant: &Grant<'_>| {
            grant.action == action && arn.as_ref().is_none_or(|arn| grant.arn == arn)
        };
        let permitting: Vec<_> = grants.filter(is_of_it).collect();
        assert!(!permitting.is_empty(), "{caller} may not {action} {arn:?}");
        needed.extend(permitting.iter().map(|grant| label(&caller, grant)));
    }
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.needed.extend(needed);
    for (name, function) in &model.functions {
        for statement in &function.statements {
            let grants = grants(statement, model);
            seen.granted.extend(grants.map(|grant| label(name, &grant)));
        }
    }
    let of_service = needed_by_service(model);
    for need in &of_service {
        // SAM permits what queues take; a function that reads a stream has a role of its own, for SAM's
        // would read every stream.
        let is_permitted = seen.granted.contains(need) || need.contains(" sqs:");
        assert!(is_permitted, "the Lambda service may not: {need}");
    }
    seen.needed.extend(of_service);
}

/// What the Lambda service does with the roles of functions that read streams and queues. No call of theirs
/// shows it.
fn needed_by_service(model: &Model) -> Vec<String> {
    let streams = model.streams.iter().flat_map(|mapping| {
        let actions = ["DescribeStream", "GetRecords", "GetShardIterator"];
        let (function, table) = (&mapping.function, &mapping.table);
        let arn = format!("{table}/stream/2000-01-01T00:00:00.000");
        let reads = actions.map(|action| format!("{function} dynamodb:{action} {arn} -"));
        let failures = mapping.destination_config.as_ref();
        let failures = failures
            .map(|to| format!("{function} sqs:SendMessage {} -", to.on_failure.destination));
        reads.into_iter().chain(failures)
    });
    let queues = model.queue_mappings.iter().flat_map(|mapping| {
        let actions = ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"];
        let (function, queue) = (&mapping.function, &mapping.queue);
        actions.map(|action| format!("{function} sqs:{action} {queue} -"))
    });
    streams.chain(queues).collect()
}

/// Calls of services other than the database: caller, action, and the resource where there are several.
fn other_calls(roster: &Roster) -> BTreeSet<(String, String, Option<String>)> {
    let (model, services) = (&roster.stack.model, &roster.stack.services);
    let of_queues = services.queues.calls().into_iter().map(|call| {
        let arn = arn("sqs", &model.queues[&call.queue].name);
        (call.caller, format!("sqs:{}", call.action), Some(arn))
    });
    let others = services.callers.all().into_iter();
    let others = others.map(|(caller, action)| (caller, action, None));
    others.chain(of_queues).collect()
}

/// Whether everything that is permitted was needed, or is an exception; and no exception is idle.
pub fn verdict() -> Result<(), String> {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let excepted = EXCEPTIONS.iter().flat_map(|exception| {
        let functions = exception.functions.iter();
        functions.map(|function| format!("{function} {}", exception.grant))
    });
    let excepted: BTreeSet<String> = excepted.collect();
    let idle = seen.granted.difference(&seen.needed);
    let idle = idle.filter(|grant| !excepted.contains(*grant) && !seen.another_came_first(grant));
    let idle = idle.map(|grant| format!("{grant}: permitted, and no test needs it"));
    let is_stale = |grant: &&String| !seen.granted.contains(*grant) || seen.needed.contains(*grant);
    let stale = excepted.iter().filter(is_stale);
    let stale = stale.map(|grant| format!("{grant}: an exception, and needed or not permitted"));
    let complaints: Vec<_> = idle.chain(stale).collect();
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(format!("template.yaml:\n{}", complaints.join("\n")))
    }
}

/// The smallest part of a statement: one action on one resource, for keys of one form.
struct Grant<'a> {
    action: &'a str,
    arn: &'a str,
    /// The logical id of a table, with the index; or the end of the ARN.
    resource: String,
    /// None without a condition on keys.
    key: Option<&'a str>,
}

/// Sids differ where a managed policy and one of the function permit the same, so they are left out.
fn label(function: &str, grant: &Grant<'_>) -> String {
    let Grant {
        action, resource, ..
    } = grant;
    let key = grant.key.unwrap_or("-");
    format!("{function} {action} {resource} {key}")
}

fn grants<'a>(statement: &'a Value, model: &'a Model) -> impl Iterator<Item = Grant<'a>> {
    assert_eq!(statement["Effect"], "Allow", "{statement}");
    let keys = leading_keys(&statement["Condition"]);
    texts(&statement["Action"]).flat_map(move |action| {
        let keys = keys.clone();
        texts(&statement["Resource"]).flat_map(move |arn| {
            let resource = name_of(arn, model);
            let keys = keys.clone();
            keys.into_iter().map(move |key| Grant {
                action,
                arn,
                resource: resource.clone(),
                key,
            })
        })
    })
}

fn grants_for<'a>(statement: &'a Value, access: &Access, model: &'a Model) -> Vec<Grant<'a>> {
    let tables = &mut model.tables.values();
    let table = tables.find(|table| table.name == access.table);
    let arn = table.map_or_else(String::new, |table| match &access.index {
        Some(index) => format!("{}/index/{index}", table.arn),
        None => table.arn.clone(),
    });
    let action = format!("dynamodb:{}", access.action);
    let of_it = grants(statement, model).filter(|grant| grant.action == action && grant.arn == arn);
    let of_it: Vec<_> = of_it.collect();
    let matching = |key: &str| {
        let mut keys = of_it.iter().filter_map(|grant| grant.key);
        keys.any(|pattern| is_like(key, pattern))
    };
    let is_unconditional = of_it.iter().any(|grant| grant.key.is_none());
    // `Null` is false only if the call names keys, and `ForAllValues` only looks at those it names.
    let names_permitted_keys =
        !access.leading_keys.is_empty() && access.leading_keys.iter().all(|key| matching(key));
    if !is_unconditional && !names_permitted_keys {
        return Vec::new();
    }
    let used = |grant: &Grant<'_>| {
        grant.key.is_none_or(|pattern| {
            let mut keys = access.leading_keys.iter();
            keys.any(|key| is_like(key, pattern))
        })
    };
    of_it.into_iter().filter(used).collect()
}

/// The forms of keys that a condition lets pass; one `None` if it is not about keys.
///
/// # Panics
/// If it is about keys and does not say what happens without any: `ForAllValues` lets that pass.
fn leading_keys(condition: &Value) -> Vec<Option<&str>> {
    const KEYS: &str = "dynamodb:LeadingKeys";
    let operators = condition.as_object().into_iter().flatten();
    let on_keys = operators.filter(|(_, operands)| !operands[KEYS].is_null());
    let (absent, present): (Vec<_>, Vec<_>) =
        on_keys.partition(|(operator, _)| *operator == "Null");
    if present.is_empty() {
        return vec![None];
    }
    let names_keys = absent.iter().any(|(_, operands)| operands[KEYS] == "false");
    assert!(names_keys, "a call without keys would pass: {condition}");
    let patterns = present.into_iter().flat_map(|(operator, operands)| {
        assert!(operator.starts_with("ForAllValues:String"), "{condition}");
        texts(&operands[KEYS])
    });
    patterns.map(Some).collect()
}

fn name_of(arn: &str, model: &Model) -> String {
    let tables = model.tables.iter();
    let mut named = tables.filter_map(|(id, table)| {
        let rest = arn.strip_prefix(&table.arn)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{id}{rest}"))
    });
    let end = || arn.rsplit(':').next().unwrap_or(arn).to_owned();
    named.next().unwrap_or_else(end)
}

/// `StringLike` with a star at the end at most, which is all that the template uses.
fn is_like(key: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => key.starts_with(prefix),
        None => key == pattern,
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> + Clone {
    let many = value.as_array().into_iter().flatten();
    many.chain(Some(value)).filter_map(Value::as_str)
}
