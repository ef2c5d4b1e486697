//! Reads a template. Conditions are decided and references resolved, and the rest is converted into
//! what the local service works with.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use roster_http::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::schema::{Index, Schema};

use super::cloudformation::{
    ApiEvent, ApiProperties, FunctionGlobals, FunctionProperties, GatewayResponseProperties,
    KeyElement, MethodSettings, OneOrMany, ResourcePolicy, RoleProperties, StreamEvent,
    TableProperties,
};
use super::{Function, GatewayResponse, Limit, Restriction, Route, StreamFunction, Template};
use crate::filter::Filter;
use crate::yaml;

/// The template in `text`, with other values for some of its parameters.
pub(super) fn parse(text: &str, parameters: &[(String, String)]) -> Result<Template, String> {
    let template = yaml::parse(text)?;
    let parameters = parameter_values(&template, parameters)?;
    let (template, table) = decided(template, &parameters)?;
    let resources = template["Resources"]
        .as_object()
        .ok_or("it has no Resources")?;
    let of_type = |wanted: &'static str| {
        resources
            .iter()
            .filter(move |(_, resource)| resource["Type"] == wanted)
            .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
    };
    let only = |wanted| of_type(wanted).next().ok_or(format!("it has no {wanted}"));

    let (id, api) = only("AWS::Serverless::Api")?;
    let api: ApiProperties = typed(id, api)?;
    if !api.auth.api_key_required {
        return Err(format!("{id} does not require API keys"));
    }
    let (limit, limits) = limits(&api.method_settings).map_err(|why| format!("{id}: {why}"))?;
    let globals: FunctionGlobals = match &template["Globals"]["Function"] {
        Value::Null => FunctionGlobals::default(),
        globals => typed("Globals.Function", globals)?,
    };
    let (mut functions, mut consumers) = (Vec::new(), Vec::new());
    for (id, properties) in of_type("AWS::Serverless::Function") {
        let (function, stream) = function(id, properties, &globals, resources)?;
        match stream {
            None => functions.push(function),
            Some(stream) if function.routes.is_empty() => {
                consumers.push(stream_function(function, stream)?);
            }
            Some(_) => return Err(format!("{id} has both routes and a stream")),
        }
    }
    give_limits(&mut functions, limits)?;
    Ok(Template {
        path: PathBuf::new(),
        functions,
        consumers,
        key_ids: of_type("AWS::ApiGateway::UsagePlanKey")
            .filter_map(|(_, properties)| properties["KeyId"].as_str())
            .map(str::to_owned)
            .collect(),
        restriction: restriction(&api.auth.resource_policy)?,
        has_binary_bodies: api.binary_media_types.iter().any(|media| media == "*~1*"),
        limit,
        key_limit: of_type("AWS::ApiGateway::UsagePlan")
            .filter_map(|(id, plan)| Some((id, plan.get("Throttle")?)))
            .map(|(id, throttle)| key_limit(throttle).map_err(|why| format!("{id}: {why}")))
            .next()
            .transpose()?,
        stage: api.stage_name,
        gateway_responses: api
            .gateway_responses
            .into_iter()
            .map(|(kind, response)| Ok((kind, gateway_response(response)?)))
            .collect::<Result<_, String>>()?,
        table: table_of(typed("the table", &table)?),
        parameters: parameters
            .into_iter()
            .filter_map(|(name, value)| Some((name, scalar(&value)?)))
            .collect(),
    })
}

/// The template with its conditions decided and its references resolved, and the properties of its table.
/// A table that another one takes the place of is not in the template then, but the other one has to be
/// like it.
fn decided(
    template: Value,
    parameters: &BTreeMap<String, Value>,
) -> Result<(Value, Value), String> {
    const TABLE: &str = "AWS::DynamoDB::Table";
    let conditions = Conditions::of(&template, parameters)?;
    let decide = |value| resolve(conditions.decide(value).unwrap_or_default(), parameters);
    let mut resources = template["Resources"].as_object().into_iter().flatten();
    let table = resources.find(|(_, resource)| resource["Type"] == TABLE);
    let (_, table) = table.ok_or(format!("it has no {TABLE}"))?;
    let table = decide(table["Properties"].clone());
    Ok((decide(template), table))
}

fn typed<T: DeserializeOwned>(id: &str, value: &Value) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|error| format!("{id}: {error}"))
}

fn number(value: &Value) -> Result<f64, String> {
    scalar(value)
        .and_then(|text| text.parse().ok())
        .ok_or(format!("{value} is not a number"))
}

/// A text, number or truth value as text, as CloudFormation converts it.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A method, a path, and their throttle.
type RouteLimit = (String, String, Limit);

/// The limit of each key in a usage plan.
fn key_limit(throttle: &Value) -> Result<Limit, String> {
    Ok(Limit {
        rate: number(&throttle["RateLimit"])?,
        burst: number(&throttle["BurstLimit"])?,
    })
}

/// The limit of all routes, and those of single routes.
fn limits(settings: &[MethodSettings]) -> Result<(Limit, Vec<RouteLimit>), String> {
    let (mut general, mut of_routes) = (None, Vec::new());
    for entry in settings {
        let limit = Limit {
            rate: number(&entry.throttling_rate_limit)?,
            burst: number(&entry.throttling_burst_limit)?,
        };
        match (entry.resource_path.as_str(), entry.http_method.as_str()) {
            ("/*", "*") => general = Some(limit),
            (path, method) => {
                let path = path.strip_prefix('/').unwrap_or(path).replace("~1", "/");
                of_routes.push((method.to_owned(), path, limit));
            }
        }
    }
    let general = general.ok_or("it has no MethodSettings for all routes")?;
    Ok((general, of_routes))
}

fn give_limits(functions: &mut [Function], limits: Vec<RouteLimit>) -> Result<(), String> {
    for (method, path, limit) in limits {
        functions
            .iter_mut()
            .flat_map(|function| &mut function.routes)
            .find(|route| route.method == *method && route.path == path)
            .ok_or(format!(
                "it limits {method} {path}, which it has no route for"
            ))?
            .limit = Some(limit);
    }
    Ok(())
}

fn parameter_values(
    template: &Value,
    given: &[(String, String)],
) -> Result<BTreeMap<String, Value>, String> {
    let declared = template["Parameters"]
        .as_object()
        .ok_or("it has no Parameters")?;
    let mut values: BTreeMap<String, Value> = declared
        .iter()
        .map(|(name, parameter)| {
            let default = parameter.get("Default").cloned();
            (name.clone(), default.unwrap_or_else(|| "".into()))
        })
        .collect();
    for (name, value) in given {
        let known = values
            .get_mut(name)
            .ok_or(format!("it has no parameter {name}"))?;
        *known = Value::from(value.as_str());
        if let Some(allowed) = declared[name]["AllowedValues"].as_array() {
            let allowed: Vec<String> = allowed.iter().filter_map(scalar).collect();
            if !allowed.contains(value) {
                return Err(format!("{name} must be one of {}", allowed.join(", ")));
            }
        }
    }
    Ok(values)
}

/// The template's conditions: whether each holds.
struct Conditions(BTreeMap<String, bool>);

impl Conditions {
    fn of(template: &Value, parameters: &BTreeMap<String, Value>) -> Result<Self, String> {
        let conditions = &template["Conditions"];
        let named = conditions.as_object().into_iter().flatten();
        named
            .map(|(name, condition)| {
                let condition = resolve(condition.clone(), parameters);
                Ok((name.clone(), holds(&condition, conditions, parameters)?))
            })
            .collect::<Result<_, String>>()
            .map(Self)
    }

    /// What is left of a value after its conditions are decided: of an `Fn::If` the chosen branch; of a
    /// resource whose condition does not hold, and of `AWS::NoValue`, nothing.
    fn decide(&self, value: Value) -> Option<Value> {
        match value {
            Value::Array(values) => {
                Some(values.into_iter().filter_map(|v| self.decide(v)).collect())
            }
            Value::Object(mut members) => {
                if let Some(Value::Array(choice)) = members.get_mut("Fn::If")
                    && let [Value::String(name), yes, no] = choice.as_mut_slice()
                {
                    let holds = self.0.get(name).copied().unwrap_or_default();
                    return self.decide(if holds { yes.take() } else { no.take() });
                }
                let is_left_out = |name: &Value| {
                    let name = name.as_str().unwrap_or_default();
                    self.0.get(name).is_some_and(|holds| !holds)
                };
                if members
                    .get("Ref")
                    .is_some_and(|name| name == "AWS::NoValue")
                    || members.contains_key("Type")
                        && members.get("Condition").is_some_and(is_left_out)
                {
                    return None;
                }
                let members = members.into_iter();
                let kept = members.filter_map(|(name, value)| Some((name, self.decide(value)?)));
                Some(Value::Object(kept.collect()))
            }
            scalar => Some(scalar),
        }
    }
}

/// Whether a condition holds. Its parameters are resolved already.
fn holds(
    condition: &Value,
    all: &Value,
    parameters: &BTreeMap<String, Value>,
) -> Result<bool, String> {
    let unknown = || format!("the condition {condition} can not be followed");
    let (function, operand) = condition
        .as_object()
        .and_then(|members| members.iter().next())
        .ok_or_else(unknown)?;
    let holds = |condition: &Value| holds(condition, all, parameters);
    match (function.as_str(), operand) {
        ("Condition", Value::String(name)) => holds(&resolve(all[name].clone(), parameters)),
        ("Fn::Equals", Value::Array(sides)) => match sides.as_slice() {
            [one, other] => Ok(scalar(one) == scalar(other)),
            _ => Err(unknown()),
        },
        ("Fn::Not", Value::Array(conditions)) => match conditions.as_slice() {
            [condition] => Ok(!holds(condition)?),
            _ => Err(unknown()),
        },
        ("Fn::And", Value::Array(conditions)) => {
            let all = conditions
                .iter()
                .map(holds)
                .collect::<Result<Vec<_>, _>>()?;
            Ok(all.into_iter().all(|holds| holds))
        }
        ("Fn::Or", Value::Array(conditions)) => {
            let all = conditions
                .iter()
                .map(holds)
                .collect::<Result<Vec<_>, _>>()?;
            Ok(all.into_iter().any(|holds| holds))
        }
        _ => Err(unknown()),
    }
}

/// Resolves `Ref`, `Fn::Split`, `Fn::Select` and `Fn::Join` where the local service reads them. Everything
/// else stays unchanged.
fn resolve(value: Value, parameters: &BTreeMap<String, Value>) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(|v| resolve(v, parameters)).collect(),
        Value::Object(members) => {
            let mut members: serde_json::Map<String, Value> = members
                .into_iter()
                .map(|(name, value)| (name, resolve(value, parameters)))
                .collect();
            if members.len() != 1 {
                return members.into();
            }
            if let Some(Value::String(name)) = members.get("Ref") {
                return parameters
                    .get(name)
                    .cloned()
                    .unwrap_or_else(|| name.as_str().into());
            }
            if let Some(Value::Array(arguments)) = members.get_mut("Fn::Split")
                && let [Value::String(separator), Value::String(text)] = arguments.as_slice()
            {
                return text.split(separator.as_str()).map(Value::from).collect();
            }
            if let Some(Value::Array(arguments)) = members.get_mut("Fn::Select")
                && let [index, Value::Array(values)] = arguments.as_mut_slice()
                && let Some(index) = index.as_u64().and_then(|index| usize::try_from(index).ok())
                && index < values.len()
            {
                return values.swap_remove(index);
            }
            if let Some(Value::Array(arguments)) = members.get("Fn::Join")
                && let [Value::String(separator), Value::Array(values)] = arguments.as_slice()
                && let Some(texts) = values.iter().map(Value::as_str).collect::<Option<Vec<_>>>()
            {
                return texts.join(separator).into();
            }
            members.into()
        }
        scalar => scalar,
    }
}

fn restriction(policy: &ResourcePolicy) -> Result<Restriction, String> {
    let [everything, restricted] = policy.custom_statements.as_slice() else {
        return Err("the resource policy needs two statements".to_owned());
    };
    if (everything.effect.as_str(), everything.resource.as_str()) != ("Allow", "execute-api:/*") {
        return Err("the resource policy's first statement must allow all".to_owned());
    }
    let path = restricted.resource.strip_prefix("execute-api:/*/*");
    let path_start = path.and_then(|path| path.strip_suffix('*'));
    let (Some(path_start), "Deny") = (path_start, restricted.effect.as_str()) else {
        return Err("the resource policy's second statement must deny a path".to_owned());
    };
    let ranges = restricted.condition.not_ip_address.get("aws:SourceIp");
    let allowed = ranges
        .into_iter()
        .flatten()
        .map(|range| {
            let range = range.trim();
            range
                .parse()
                .or_else(|_| range.parse().map(|address: IpAddr| address.into()))
                .map_err(|_| format!("{range} is not an address range"))
        })
        .collect::<Result<_, String>>()?;
    Ok(Restriction {
        path_start: path_start.to_owned(),
        allowed,
    })
}

fn function(
    id: &str,
    properties: &Value,
    globals: &FunctionGlobals,
    resources: &serde_json::Map<String, Value>,
) -> Result<(Function, Option<StreamEvent>), String> {
    let properties: FunctionProperties = typed(id, properties)?;
    let name = properties
        .code_uri
        .strip_prefix("target/lambda/")
        .and_then(|rest| rest.strip_suffix('/'))
        .ok_or(format!("{id}: CodeUri must be target/lambda/<name>/"))?;
    let role_id = properties.role["Fn::GetAtt"][0]
        .as_str()
        .ok_or(format!("{id}: Role must be a role of this template"))?;
    let role = resources
        .get(role_id)
        .ok_or(format!("it has no {role_id}"))?;
    let role: RoleProperties = typed(role_id, &role["Properties"])?;
    let policies = role.policies.iter();
    let mut statements = policies.flat_map(|policy| &policy.policy_document.statement);
    if statements.any(|statement| statement.effect != "Allow") {
        return Err(format!(
            "{role_id} must say what is allowed, and nothing else"
        ));
    }
    let mut routes = Vec::new();
    let mut stream = None;
    for event in properties.events.into_values() {
        match event.r#type.as_str() {
            "Api" => routes.push(route(id, &event.properties)?),
            "DynamoDB" => stream = Some(typed(id, &event.properties)?),
            _ => {}
        }
    }
    let function = Function {
        name: name.to_owned(),
        logical_id: id.to_owned(),
        timeout: Duration::from_secs(properties.timeout.or(globals.timeout).unwrap_or(3)),
        memory: properties
            .memory_size
            .or(globals.memory_size)
            .unwrap_or(128),
        environment: globals
            .environment
            .variables
            .iter()
            .chain(&properties.environment.variables)
            .map(|(name, value)| {
                let value = scalar(value).ok_or(format!("{id}: {name} is no text"))?;
                Ok((name.clone(), value))
            })
            .collect::<Result<_, String>>()?,
        routes,
        permissions: role
            .policies
            .into_iter()
            .flat_map(|policy| policy.policy_document.statement)
            .flat_map(|statement| {
                let actions = match statement.action {
                    OneOrMany::One(action) => vec![action],
                    OneOrMany::Many(actions) => actions,
                };
                let mut on = statement.resource.unwrap_or_default();
                if let Some(others) = statement.not_resource {
                    on = json!({ "NotResource": others });
                }
                if let Some(condition) = statement.condition {
                    on = json!({ "Resource": on, "Condition": condition });
                }
                actions.into_iter().map(move |action| (action, on.clone()))
            })
            .collect(),
        managed_policies: role.managed_policy_arns,
    };
    Ok((function, stream))
}

fn route(id: &str, event: &Value) -> Result<Route, String> {
    let event: ApiEvent = typed(id, event)?;
    let needs_key = event.auth.and_then(|auth| auth.api_key_required);
    Ok(Route {
        method: Method::from_bytes(event.method.as_bytes())
            .map_err(|_| format!("{id}: {} is no method", event.method))?,
        path: event.path,
        // The API's own default: a key is needed.
        needs_key: needs_key.unwrap_or(true),
        limit: None,
    })
}

fn stream_function(function: Function, event: StreamEvent) -> Result<StreamFunction, String> {
    // Lambda's defaults.
    const BATCH_SIZE: usize = 100;
    const PARALLELIZATION_FACTOR: u32 = 1;
    let filters = event.filter_criteria.filters;
    let patterns: Vec<String> = filters.into_iter().map(|filter| filter.pattern).collect();
    let id = &function.logical_id;
    Ok(StreamFunction {
        filters: patterns
            .iter()
            .map(|pattern| Filter::parse(pattern).map_err(|why| format!("{id}: {why}")))
            .collect::<Result<_, _>>()?,
        function,
        batch_size: event.batch_size.unwrap_or(BATCH_SIZE).max(1),
        starting_position: event.starting_position,
        patterns,
        parallelization_factor: event
            .parallelization_factor
            .unwrap_or(PARALLELIZATION_FACTOR),
        // -1 means without an end.
        maximum_retry_attempts: event
            .maximum_retry_attempts
            .and_then(|attempts| attempts.try_into().ok()),
        maximum_record_age: event
            .maximum_record_age_in_seconds
            .and_then(|seconds| seconds.try_into().ok())
            .map(Duration::from_secs),
        bisects: event.bisect_batch_on_function_error,
        response_types: event.function_response_types,
        has_destination: event
            .destination_config
            .is_some_and(|config| config["OnFailure"].is_object()),
    })
}

fn gateway_response(response: GatewayResponseProperties) -> Result<GatewayResponse, String> {
    let literal = |value: &str| {
        value
            .strip_prefix('\'')
            .and_then(|value| value.strip_suffix('\''))
            .map(str::to_owned)
            .ok_or(format!(
                "the header value {value} must stand in single quotes"
            ))
    };
    Ok(GatewayResponse {
        status: response.status_code,
        headers: response
            .response_parameters
            .headers
            .into_iter()
            .map(|(name, value)| Ok((name, literal(&value)?)))
            .collect::<Result<_, String>>()?,
        body: response
            .response_templates
            .get("application/json")
            .cloned()
            .ok_or("a gateway response needs a template for application/json")?,
    })
}

fn table_of(properties: TableProperties) -> Schema {
    let key = |elements: Vec<KeyElement>| {
        elements
            .into_iter()
            .map(|element| (element.attribute_name, element.key_type))
            .collect()
    };
    Schema {
        attributes: properties
            .attribute_definitions
            .into_iter()
            .map(|attribute| (attribute.attribute_name, attribute.attribute_type))
            .collect(),
        key: key(properties.key_schema),
        indexes: properties
            .global_secondary_indexes
            .into_iter()
            .map(|index| Index {
                name: index.index_name,
                key: key(index.key_schema),
                projection: index.projection.projection_type,
                attributes: index.projection.non_key_attributes,
            })
            .collect(),
        billing_mode: properties.billing_mode,
        has_account_key: properties.encryption.enabled,
        stream_view: properties.stream_specification.stream_view_type,
        time_to_live: properties.time_to_live_specification.attribute_name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../../template.yaml");
    const STREAM: &str =
        "arn:aws:dynamodb:eu-west-1:000000000000:table/restored/stream/2026-01-01T00:00:00.000";

    #[test]
    fn with_another_table_no_part_of_the_template_names_its_own() {
        let given = [("ExistingTableStream".to_owned(), STREAM.to_owned())];
        let template = yaml::parse(TEMPLATE).unwrap();
        let parameters = parameter_values(&template, &given).unwrap();
        let (template, table) = decided(template, &parameters).unwrap();
        assert_eq!(table["KeySchema"][0]["AttributeName"], "PK");
        assert!(template["Resources"].get("Table").is_none());
        let text = template.to_string();
        for reference in ["\"Table\"", "Table.Arn", "Table.StreamArn"] {
            assert!(!text.contains(reference), "{reference}");
        }
        let name = &template["Globals"]["Function"]["Environment"]["Variables"]["TABLE_NAME"];
        assert_eq!(name, "restored");
        let alarm = &template["Resources"]["WriteThrottleAlarm"]["Properties"];
        assert_eq!(alarm["Dimensions"][0]["Value"], "restored");
        assert_eq!(template["Outputs"]["TableName"]["Value"], "restored");
        let consumer = &template["Resources"]["ApplyChanges"]["Properties"]["Events"]["Stream"];
        assert_eq!(consumer["Properties"]["Stream"], STREAM);
    }
}
