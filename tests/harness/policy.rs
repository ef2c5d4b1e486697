//! What template.yaml's roles let their functions do, judged by IAM's rules. The local stores don't
//! check what a caller may do.

use std::collections::BTreeMap;

use ::tests::run::Used;
use hyper::HeaderMap;
use local::template::{Function, Template};
use serde_json::{Map, Value};
use store::Credentials;

/// The region, the account and the table's logical id that policies name.
const ACCOUNT: &str = "eu-west-1:000000000000";
const TABLE: &str = "Table";
/// Actions that Lambda, and no function, does with a role: it reads the stream.
const LAMBDAS_OWN: [&str; 4] = [
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
];
/// Requests to other services are not judged.
const SERVICES: [&str; 2] = ["dynamodb:", "ssm:"];

/// The policies of all functions.
pub(crate) struct Policies {
    statements: BTreeMap<String, Vec<Statement>>,
    names: Names,
    /// The name of the partition key of the table and of each index.
    partition_keys: BTreeMap<Option<String>, String>,
}

/// The values of references in policies.
struct Names {
    table: String,
    parameters: BTreeMap<String, String>,
}

/// One action that is allowed.
struct Statement {
    action: String,
    resources: Vec<String>,
    /// The partition keys that it is limited to; `None` without a limit.
    leading_keys: Option<LeadingKeys>,
}

struct LeadingKeys {
    allowed: Vec<String>,
    /// The operator is `StringLike`, and not `StringEquals`.
    has_wildcards: bool,
}

/// An action of a request on one resource.
struct Part {
    action: String,
    resource: String,
    index: Option<String>,
    leading_keys: Vec<String>,
}

/// The credentials by which a function signs its requests.
pub(crate) fn credentials(function: &Function) -> Credentials {
    Credentials::new(&function.logical_id, "secret", None, None, "tests")
}

/// What the template's roles let functions do to the table.
pub(crate) fn allowed(template: &Template) -> Vec<Used> {
    let consumers = template.consumers.iter().map(|consumer| &consumer.function);
    let mut allowed = Vec::new();
    for function in template.functions.iter().chain(consumers) {
        let of_table = function.permissions.iter().filter(|(action, _)| {
            // The proxy in front of the table can't see these: logs, mail, SMS, the queue, and link
            // keys, which most tests get without the Systems Manager.
            action.starts_with("dynamodb:") && !LAMBDAS_OWN.contains(&action.as_str())
        });
        for (action, on) in of_table {
            let resources = on.get("Resource").unwrap_or(on);
            let all = resources.as_array().cloned();
            for resource in all.unwrap_or(vec![resources.clone()]) {
                allowed.push(Used::Action {
                    function: function.logical_id.clone(),
                    action: action.clone(),
                    index: index_of(&resource),
                });
            }
            let kinds = &on["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            let kinds = kinds.as_array().into_iter().flatten();
            // Every function may use one kind of partition to connect, and most connect only where they
            // run as processes.
            let kinds = kinds
                .filter_map(Value::as_str)
                .filter(|kind| *kind != "OPERATION#*");
            allowed.extend(kinds.map(|kind| Used::Partition {
                function: function.logical_id.clone(),
                kind: kind.to_owned(),
            }));
        }
    }
    allowed
}

/// The index that a resource of a policy names, if it is one.
fn index_of(resource: &Value) -> Option<String> {
    let (_, index) = resource["Fn::Sub"][0].as_str()?.split_once("/index/")?;
    Some(index.to_owned())
}

impl Policies {
    /// The policies of the template, for its table under this name.
    pub(crate) fn of(template: &Template, table: &str) -> Self {
        let names = Names {
            table: table.to_owned(),
            parameters: template.parameters.clone(),
        };
        let consumers = template.consumers.iter().map(|consumer| &consumer.function);
        let functions = template.functions.iter().chain(consumers);
        let statements = functions
            .map(|function| {
                let permissions = function.permissions.iter();
                let statements = permissions
                    .filter(|(action, _)| SERVICES.iter().any(|start| action.starts_with(start)))
                    .map(|(action, on)| Statement::parse(action, on, &names).unwrap())
                    .collect();
                (function.logical_id.clone(), statements)
            })
            .collect();
        let hash = |key: &[(String, String)]| {
            let mut attributes = key.iter();
            let (name, _) = attributes.find(|(_, kind)| kind == "HASH").unwrap();
            name.clone()
        };
        let mut partition_keys: BTreeMap<_, _> = template
            .table
            .indexes
            .iter()
            .map(|index| (Some(index.name.clone()), hash(&index.key)))
            .collect();
        partition_keys.insert(None, hash(&template.table.key));
        Self {
            statements,
            names,
            partition_keys,
        }
    }

    /// The parts of the request, if the role of the function that signed it allows all of them.
    pub(crate) fn judge(
        &self,
        headers: &HeaderMap,
        action: &str,
        body: &[u8],
    ) -> Result<Vec<Used>, String> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let function = text("authorization")
            .and_then(|signed| signed.split_once("Credential="))
            .and_then(|(_, credential)| credential.split('/').next())
            .ok_or("the request has no signature")?;
        let statements = self
            .statements
            .get(function)
            .ok_or(format!("no function is called {function}"))?;
        let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let target = text("x-amz-target").unwrap_or_default();
        let parts = match target.split_once('_').unwrap_or((target, "")).0 {
            "DynamoDB" => self.parts(action, &body)?,
            _ if target == "AmazonSSM.GetParameters" => parameters(&body),
            _ => return Err(format!("no rule here says what {target} needs")),
        };
        let mut used = Vec::new();
        for part in parts {
            if !statements.iter().any(|statement| statement.allows(&part)) {
                let Part {
                    action, resource, ..
                } = part;
                return Err(format!(
                    "{function} is not authorized to {action} on {resource}"
                ));
            }
            let kinds = part.leading_keys.iter().filter_map(|key| kind_of(key));
            used.extend(kinds.map(|kind| Used::Partition {
                function: function.to_owned(),
                kind,
            }));
            used.push(Used::Action {
                function: function.to_owned(),
                action: part.action,
                index: part.index,
            });
        }
        Ok(used)
    }

    /// The actions of a request on the table, by IAM's names.
    fn parts(&self, action: &str, body: &Value) -> Result<Vec<Part>, String> {
        let item = |action: &str, request: &Value, item: &Value| {
            let keys = self.partition_key(None, item).into_iter().collect();
            Part::of(action, request["TableName"].as_str(), None, keys)
        };
        match action {
            "GetItem" | "UpdateItem" | "DeleteItem" => Ok(vec![item(action, body, &body["Key"])?]),
            "PutItem" => Ok(vec![item(action, body, &body["Item"])?]),
            "Query" => {
                let index = body["IndexName"].as_str();
                let keys = vec![self.queried_key(index, body)?];
                Ok(vec![Part::of(
                    action,
                    body["TableName"].as_str(),
                    index,
                    keys,
                )?])
            }
            "BatchGetItem" => entries(&body["RequestItems"])
                .map(|(table, request)| {
                    let keys = values(&request["Keys"]);
                    let keys = keys.filter_map(|key| self.partition_key(None, key));
                    Part::of(action, Some(table), None, keys.collect())
                })
                .collect(),
            // It is no action itself: its parts are.
            "TransactWriteItems" => values(&body["TransactItems"])
                .flat_map(entries)
                .map(|(kind, request)| match kind.as_str() {
                    "Put" => item("PutItem", request, &request["Item"]),
                    "Update" => item("UpdateItem", request, &request["Key"]),
                    "Delete" => item("DeleteItem", request, &request["Key"]),
                    "ConditionCheck" => item("ConditionCheckItem", request, &request["Key"]),
                    kind => Err(format!("no rule here says what a {kind} needs")),
                })
                .collect(),
            "TransactGetItems" => values(&body["TransactItems"])
                .map(|part| item("GetItem", &part["Get"], &part["Get"]["Key"]))
                .collect(),
            action => Err(format!("no rule here says what {action} needs")),
        }
    }

    /// The partition key of an item or of its key.
    fn partition_key(&self, index: Option<&str>, item: &Value) -> Option<String> {
        let name = self.partition_keys.get(&index.map(str::to_owned))?;
        scalar(&item[name])
    }

    /// The partition key that a query is for.
    fn queried_key(&self, index: Option<&str>, request: &Value) -> Result<String, String> {
        let name = self.partition_keys.get(&index.map(str::to_owned));
        let name = name.ok_or(format!("there is no index {index:?}"))?;
        let condition = request["KeyConditionExpression"].as_str();
        condition
            .unwrap_or_default()
            .split(" AND ")
            .filter_map(|part| part.trim_matches(['(', ')', ' ']).split_once(" = "))
            .find(|(left, _)| {
                let named = request["ExpressionAttributeNames"][*left].as_str();
                named.unwrap_or(left) == name
            })
            .and_then(|(_, value)| scalar(&request["ExpressionAttributeValues"][value]))
            .ok_or(format!("the query has no partition key: {condition:?}"))
    }
}

/// The kind of a partition, as a policy names it.
fn kind_of(key: &str) -> Option<String> {
    let (kind, _) = key.split_once('#')?;
    Some(format!("{kind}#*"))
}

impl Part {
    fn of(
        action: &str,
        table: Option<&str>,
        index: Option<&str>,
        leading_keys: Vec<String>,
    ) -> Result<Self, String> {
        let table = table.ok_or("the request names no table")?;
        let mut resource = format!("arn:aws:dynamodb:{ACCOUNT}:table/{table}");
        if let Some(index) = index {
            resource = format!("{resource}/index/{index}");
        }
        Ok(Self {
            action: format!("dynamodb:{action}"),
            resource,
            index: index.map(str::to_owned),
            leading_keys,
        })
    }
}

impl Statement {
    /// An action, and the resources and conditions that the template gives it.
    fn parse(action: &str, on: &Value, names: &Names) -> Result<Self, String> {
        let (resources, condition) = match on.get("Condition") {
            Some(condition) => (&on["Resource"], Some(condition)),
            None => (on, None),
        };
        Ok(Self {
            action: action.to_owned(),
            resources: names.texts(resources)?,
            leading_keys: condition
                .map(|condition| LeadingKeys::parse(condition, names))
                .transpose()?,
        })
    }

    fn allows(&self, part: &Part) -> bool {
        let has_key = |keys: &LeadingKeys| part.leading_keys.iter().all(|key| keys.allow(key));
        matches(&self.action, &part.action)
            && self
                .resources
                .iter()
                .any(|resource| matches(resource, &part.resource))
            && self.leading_keys.as_ref().is_none_or(has_key)
    }
}

impl LeadingKeys {
    fn parse(condition: &Value, names: &Names) -> Result<Self, String> {
        let unknown = || format!("the condition {condition} is not understood");
        let mut operators = entries(condition);
        let (Some((operator, keys)), None) = (operators.next(), operators.next()) else {
            return Err(unknown());
        };
        let has_wildcards = match operator.as_str() {
            "ForAllValues:StringLike" => true,
            "ForAllValues:StringEquals" => false,
            _ => return Err(unknown()),
        };
        let mut keys = entries(keys);
        match (keys.next(), keys.next()) {
            (Some((key, allowed)), None) if key == "dynamodb:LeadingKeys" => Ok(Self {
                allowed: names.texts(allowed)?,
                has_wildcards,
            }),
            _ => Err(unknown()),
        }
    }

    fn allow(&self, key: &str) -> bool {
        self.allowed.iter().any(|allowed| {
            if self.has_wildcards {
                matches(allowed, key)
            } else {
                allowed == key
            }
        })
    }
}

impl Names {
    /// One text or several.
    fn texts(&self, value: &Value) -> Result<Vec<String>, String> {
        match value {
            Value::Array(values) => values.iter().map(|value| self.text(value)).collect(),
            value => Ok(vec![self.text(value)?]),
        }
    }

    fn text(&self, value: &Value) -> Result<String, String> {
        if let Value::String(text) = value {
            return Ok(text.clone());
        }
        match &value["Fn::Sub"] {
            Value::String(text) => return self.substitute(text, &Value::Null),
            Value::Array(arguments) => {
                if let [Value::String(text), own @ Value::Object(_)] = arguments.as_slice() {
                    return self.substitute(text, own);
                }
            }
            _ => {}
        }
        let attribute = &value["Fn::GetAtt"];
        match (attribute[0].as_str(), attribute[1].as_str()) {
            (Some(resource), Some(attribute)) => self.reference(&format!("{resource}.{attribute}")),
            _ => Err(format!("{value} is not understood")),
        }
    }

    /// `own` are the names that the substitution itself gives values.
    fn substitute(&self, text: &str, own: &Value) -> Result<String, String> {
        let Some((before, rest)) = text.split_once("${") else {
            return Ok(text.to_owned());
        };
        let (name, rest) = rest.split_once('}').ok_or("a reference has no end")?;
        let rest = self.substitute(rest, own)?;
        let value = match own.get(name) {
            Some(value) => self.text(value)?,
            None => self.reference(name)?,
        };
        Ok(format!("{before}{value}{rest}"))
    }

    fn reference(&self, name: &str) -> Result<String, String> {
        let (region, account) = ACCOUNT.split_once(':').unwrap();
        if let Some(attribute) = name
            .strip_prefix(TABLE)
            .and_then(|rest| rest.strip_prefix('.'))
        {
            let table = format!("arn:aws:dynamodb:{ACCOUNT}:table/{}", self.table);
            return match attribute {
                "Arn" => Ok(table),
                "StreamArn" => Ok(format!("{table}/stream/*")),
                _ => Err(format!("{name} is not understood")),
            };
        }
        let value = match name {
            "AWS::Partition" => Some("aws"),
            "AWS::Region" => Some(region),
            "AWS::AccountId" => Some(account),
            name => self.parameters.get(name).map(String::as_str),
        };
        value
            .map(str::to_owned)
            .ok_or(format!("{name} is not understood"))
    }
}

/// The parameters that a request reads. Each is a resource.
fn parameters(body: &Value) -> Vec<Part> {
    let names = values(&body["Names"]).filter_map(Value::as_str);
    names
        .map(|name| Part {
            action: "ssm:GetParameters".to_owned(),
            resource: format!("arn:aws:ssm:{ACCOUNT}:parameter{name}"),
            index: None,
            leading_keys: vec![],
        })
        .collect()
}

/// A key's value as a policy writes it.
fn scalar(attribute: &Value) -> Option<String> {
    let value = attribute.get("S").or(attribute.get("N"))?;
    value.as_str().map(str::to_owned)
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn values(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// IAM's wildcards: `*` for any characters, `?` for one.
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = text.chars();
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let pattern = &pattern[1..];
            let mut ends = text.char_indices().map(|(index, _)| index);
            ends.any(|index| matches(pattern, &text[index..])) || matches(pattern, "")
        }
        Some(first) => {
            let next = rest.next();
            next.is_some_and(|next| first == '?' || first == next)
                && matches(&pattern[first.len_utf8()..], rest.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::root;
    use serde_json::json;

    /// The policies of one function that may do only this, with a table named `roster`.
    fn policies(permissions: &[(&str, Value)]) -> Policies {
        let template = Template::read(&root().join("template.yaml"), &[]).unwrap();
        let mut policies = Policies::of(&template, "roster");
        let statements = permissions
            .iter()
            .map(|(action, on)| Statement::parse(action, on, &policies.names).unwrap())
            .collect();
        policies.statements = [("Caller".to_owned(), statements)].into();
        policies
    }

    fn ask(policies: &Policies, action: &str, body: &Value) -> Result<Vec<String>, String> {
        ask_as("Caller", policies, action, body)
    }

    fn ask_as(
        function: &str,
        policies: &Policies,
        action: &str,
        body: &Value,
    ) -> Result<Vec<String>, String> {
        let signed =
            format!("AWS4-HMAC-SHA256 Credential={function}/20260101/eu-west-1/dynamodb/x");
        let mut headers = HeaderMap::new();
        headers.insert("authorization", signed.parse().unwrap());
        let target = format!("DynamoDB_20120810.{action}");
        headers.insert("x-amz-target", target.parse().unwrap());
        let used = policies.judge(&headers, action, body.to_string().as_bytes())?;
        let actions = used.into_iter().filter_map(|used| match used {
            Used::Action { action, .. } => Some(action),
            Used::Partition { .. } => None,
        });
        Ok(actions.collect())
    }

    fn table() -> Value {
        json!({ "Fn::GetAtt": ["Table", "Arn"] })
    }

    fn get(key: &str) -> Value {
        json!({ "TableName": "roster", "Key": { "PK": { "S": key }, "SK": { "S": "USER" } } })
    }

    #[test]
    fn a_function_may_do_what_its_role_names_and_nothing_else() {
        let policies = policies(&[("dynamodb:GetItem", table())]);
        assert_eq!(
            ask(&policies, "GetItem", &get("a")).unwrap(),
            ["dynamodb:GetItem"]
        );
        let refused = ask(&policies, "DeleteItem", &get("a")).unwrap_err();
        assert!(
            refused.contains("Caller is not authorized to dynamodb:DeleteItem"),
            "{refused}"
        );
        let mut elsewhere = get("a");
        elsewhere["TableName"] = "another".into();
        assert!(ask(&policies, "GetItem", &elsewhere).is_err());
        assert!(ask_as("Stranger", &policies, "GetItem", &get("a")).is_err());
        assert!(ask(&policies, "ExecuteStatement", &json!({})).is_err());
    }

    #[test]
    fn a_transaction_is_judged_by_its_parts() {
        let put = json!({ "Put": { "TableName": "roster", "Item": { "PK": { "S": "a" } } } });
        let parts = |kind: &str| json!({ "TransactItems": [put, { kind: get("a") }] });
        let allowed = [
            ("dynamodb:PutItem", table()),
            ("dynamodb:UpdateItem", table()),
        ];
        let policies = policies(&allowed);
        let done = ask(&policies, "TransactWriteItems", &parts("Update")).unwrap();
        assert_eq!(done, ["dynamodb:PutItem", "dynamodb:UpdateItem"]);
        for (kind, needs) in [
            ("Delete", "dynamodb:DeleteItem"),
            ("ConditionCheck", "dynamodb:ConditionCheckItem"),
        ] {
            let refused = ask(&policies, "TransactWriteItems", &parts(kind)).unwrap_err();
            assert!(refused.contains(needs), "{refused}");
        }
    }

    #[test]
    fn an_index_is_another_resource_than_its_table() {
        let query = json!({
            "TableName": "roster",
            "IndexName": "by_creation",
            "KeyConditionExpression": "#0 = :0",
            "ExpressionAttributeNames": { "#0": "list_shard" },
            "ExpressionAttributeValues": { ":0": { "N": "3" } },
        });
        let of_table = policies(&[("dynamodb:Query", table())]);
        assert!(ask(&of_table, "Query", &query).is_err());
        let index = json!({ "Fn::Sub": ["${Arn}/index/by_creation", { "Arn": table() }] });
        let of_index = policies(&[("dynamodb:Query", index)]);
        assert_eq!(ask(&of_index, "Query", &query).unwrap(), ["dynamodb:Query"]);
    }

    #[test]
    fn with_another_table_every_role_is_for_that_one() {
        let stream = format!("arn:aws:dynamodb:{ACCOUNT}:table/restored/stream/2026");
        let given = [("ExistingTableStream".to_owned(), stream)];
        let template = Template::read(&root().join("template.yaml"), &given).unwrap();
        // The stack's own table has this name, where there is one.
        let policies = Policies::of(&template, "roster");
        let mut get = get("USER#a");
        let refused = ask_as("GetUser", &policies, "GetItem", &get).unwrap_err();
        assert!(refused.contains("table/roster"), "{refused}");
        get["TableName"] = "restored".into();
        ask_as("GetUser", &policies, "GetItem", &get).unwrap();
        let query = json!({
            "TableName": "restored",
            "IndexName": "by_creation",
            "KeyConditionExpression": "list_shard = :0",
            "ExpressionAttributeValues": { ":0": { "S": "1#3" } },
        });
        ask_as("ListUsers", &policies, "Query", &query).unwrap();
        assert_eq!(
            allowed(&template),
            allowed(&Template::read(&root().join("template.yaml"), &[]).unwrap())
        );
    }

    #[test]
    fn leading_keys_narrow_what_a_role_allows() {
        let on = |operator: &str, keys: Value| {
            let condition = json!({ operator: { "dynamodb:LeadingKeys": keys } });
            policies(&[
                (
                    "dynamodb:GetItem",
                    json!({ "Resource": table(), "Condition": condition }),
                ),
                (
                    "dynamodb:BatchGetItem",
                    json!({ "Resource": table(), "Condition": condition }),
                ),
            ])
        };
        let like = on("ForAllValues:StringLike", json!(["EMAIL#*", "LAYOUT"]));
        for (key, is_allowed) in [("EMAIL#a", true), ("LAYOUT", true), ("USER#a", false)] {
            assert_eq!(
                ask(&like, "GetItem", &get(key)).is_ok(),
                is_allowed,
                "{key}"
            );
        }
        let exactly = on("ForAllValues:StringEquals", json!("LAYOUT"));
        assert!(ask(&exactly, "GetItem", &get("LAYOUT")).is_ok());
        assert!(ask(&exactly, "GetItem", &get("LAYOUT#1")).is_err());
        let keys = |second: &str| {
            let keys = ["EMAIL#a", second].map(|key| json!({ "PK": { "S": key } }));
            json!({ "RequestItems": { "roster": { "Keys": keys } } })
        };
        assert!(ask(&like, "BatchGetItem", &keys("EMAIL#b")).is_ok());
        assert!(ask(&like, "BatchGetItem", &keys("USER#b")).is_err());
    }

    #[test]
    fn a_policy_with_an_unknown_feature_is_refused() {
        let names = policies(&[]).names;
        for condition in [
            json!({ "StringEquals": { "dynamodb:LeadingKeys": "a" } }),
            json!({ "ForAllValues:StringEquals": { "dynamodb:Attributes": "a" } }),
            json!({ "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": "a" }, "Bool": {} }),
        ] {
            let on = json!({ "Resource": table(), "Condition": condition });
            let parsed = Statement::parse("dynamodb:GetItem", &on, &names);
            assert!(parsed.is_err(), "{condition}");
        }
        for on in [
            json!({ "NotResource": table() }),
            json!({ "Fn::GetAtt": ["Other", "Arn"] }),
            json!({ "Fn::Sub": "${Nothing}" }),
        ] {
            assert!(
                Statement::parse("dynamodb:GetItem", &on, &names).is_err(),
                "{on}"
            );
        }
    }
}
