//! What the local service needs of template.yaml.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use roster_http::{AccountSettings, KeyIds, Method, Misconfigured};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::schema::{Index, Schema};

use crate::filter::Filter;
use crate::{StartError, yaml};

/// The template, its parameters and references resolved: a resource's reference is its logical
/// id, as if CloudFormation had made it under that name.
#[derive(Clone, Debug)]
pub struct Template {
    /// The functions that the API calls, in the template's order.
    pub functions: Vec<Function>,
    /// The functions that the table's stream calls, in the template's order.
    pub consumers: Vec<StreamFunction>,
    /// API Gateway's own answers, by response type.
    pub gateway_responses: BTreeMap<String, GatewayResponse>,
    /// Logical ids of the API keys that are in the usage plan.
    pub key_ids: Vec<String>,
    /// What the resource policy keeps for some addresses.
    pub restriction: Restriction,
    /// Whether bodies reach functions base64-encoded, byte for byte.
    pub has_binary_bodies: bool,
    /// The stage's name.
    pub stage: String,
    /// How much of each route is let through, but for those with a limit of their own.
    pub limit: Limit,
    /// How much of each API key is let through, on all routes together.
    pub key_limit: Option<Limit>,
    /// The table.
    pub table: Schema,
    /// The parameters' values.
    pub parameters: BTreeMap<String, String>,
}

/// A part of the API that is for some addresses only.
#[derive(Clone, Debug)]
pub struct Restriction {
    path_start: String,
    allowed: Vec<IpNet>,
}

impl Restriction {
    /// Whether a request to `path` from this address is let in.
    pub fn lets_in(&self, source_ip: IpAddr, path: &str) -> bool {
        !path.starts_with(&self.path_start)
            || self.allowed.iter().any(|range| range.contains(&source_ip))
    }
}

/// One function.
#[derive(Clone, Debug)]
pub struct Function {
    /// The call that it runs: the folder of its code.
    pub name: String,
    /// Its logical id.
    pub logical_id: String,
    /// How long it may run.
    pub timeout: Duration,
    /// Memory in MB; CPU comes with it.
    pub memory: u32,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// What is routed to it; nothing to a consumer of the stream.
    pub routes: Vec<Route>,
    /// What its role may do: actions and the resource that each is for.
    pub permissions: Vec<(String, Value)>,
    /// Managed policies of its role.
    pub managed_policies: Vec<String>,
}

/// One route to a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, such as `/api/users/{user_id}`.
    pub path: String,
    /// Whether callers need an API key.
    pub needs_key: bool,
    /// A limit of its own.
    pub limit: Option<Limit>,
}

/// A throttle's setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Requests a second.
    pub rate: f64,
    /// Requests at once.
    pub burst: f64,
}

/// A function that the table's stream calls.
#[derive(Clone, Debug)]
pub struct StreamFunction {
    /// What it has like any other function.
    pub function: Function,
    /// The most records that it gets at once.
    pub batch_size: usize,
    /// Where it starts on a stream that is new to it, such as `TRIM_HORIZON`.
    pub starting_position: String,
    /// The filters' patterns, as written. A record comes that one of them fits.
    pub patterns: Vec<String>,
    /// How many batches of one shard it works on at once; the records of one item stay in order.
    pub parallelization_factor: u32,
    /// How often a batch comes again that failed; without a number, as long as it lives.
    pub maximum_retry_attempts: Option<u32>,
    /// How old a record may be to come; without a number, as old as the stream keeps any.
    pub maximum_record_age: Option<Duration>,
    /// Whether a batch that failed comes again in halves.
    pub bisects: bool,
    /// What its answer may say, such as `ReportBatchItemFailures`.
    pub response_types: Vec<String>,
    /// Whether records that are given up go somewhere.
    pub has_destination: bool,
    pub(crate) filters: Vec<Filter>,
}

impl StreamFunction {
    /// Whether a record is for it.
    pub(crate) fn wants(&self, record: &Value) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| filter.fits(record))
    }

    /// Whether a filter looks at more of an item than its keys.
    pub(crate) fn looks_at_images(&self) -> bool {
        self.filters.iter().any(Filter::looks_at_images)
    }

    /// Whether it says which records failed; else Lambda takes all for done.
    pub fn reports_failures(&self) -> bool {
        self.response_types
            .iter()
            .any(|kind| kind == "ReportBatchItemFailures")
    }
}

/// One of API Gateway's own answers.
#[derive(Clone, Debug)]
pub struct GatewayResponse {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body, in which `$context.requestId` is replaced.
    pub body: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiProperties {
    stage_name: String,
    #[serde(default)]
    binary_media_types: Vec<String>,
    auth: Auth,
    method_settings: Vec<MethodSettings>,
    gateway_responses: BTreeMap<String, GatewayResponseProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Auth {
    api_key_required: bool,
    resource_policy: ResourcePolicy,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResourcePolicy {
    custom_statements: Vec<PolicyStatement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyStatement {
    effect: String,
    resource: String,
    #[serde(default)]
    condition: Condition,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Condition {
    #[serde(default)]
    not_ip_address: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MethodSettings {
    resource_path: String,
    http_method: String,
    throttling_rate_limit: Value,
    throttling_burst_limit: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GatewayResponseProperties {
    status_code: u16,
    response_parameters: ResponseParameters,
    response_templates: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResponseParameters {
    headers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionProperties {
    code_uri: String,
    role: Value,
    timeout: Option<u64>,
    memory_size: Option<u32>,
    #[serde(default)]
    environment: Environment,
    events: BTreeMap<String, FunctionEvent>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    #[serde(default)]
    variables: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionEvent {
    r#type: String,
    properties: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiEvent {
    method: String,
    path: String,
    auth: Option<EventAuth>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EventAuth {
    api_key_required: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamEvent {
    starting_position: String,
    batch_size: Option<usize>,
    parallelization_factor: Option<u32>,
    maximum_retry_attempts: Option<i64>,
    maximum_record_age_in_seconds: Option<i64>,
    #[serde(default)]
    bisect_batch_on_function_error: bool,
    #[serde(default)]
    function_response_types: Vec<String>,
    destination_config: Option<Value>,
    #[serde(default)]
    filter_criteria: FilterCriteria,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterCriteria {
    #[serde(default)]
    filters: Vec<FilterProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterProperties {
    pattern: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionGlobals {
    timeout: Option<u64>,
    memory_size: Option<u32>,
    #[serde(default)]
    environment: Environment,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleProperties {
    #[serde(default)]
    managed_policy_arns: Vec<String>,
    #[serde(default)]
    policies: Vec<RolePolicy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RolePolicy {
    policy_document: PolicyDocument,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyDocument {
    statement: Vec<RoleStatement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleStatement {
    effect: String,
    action: OneOrMany,
    resource: Option<Value>,
    /// All but this.
    not_resource: Option<Value>,
    condition: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TableProperties {
    attribute_definitions: Vec<AttributeDefinition>,
    key_schema: Vec<KeyElement>,
    global_secondary_indexes: Vec<IndexProperties>,
    stream_specification: StreamSpecification,
    time_to_live_specification: TimeToLive,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeDefinition {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyElement {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexProperties {
    index_name: String,
    key_schema: Vec<KeyElement>,
    projection: Projection,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Projection {
    projection_type: String,
    #[serde(default)]
    non_key_attributes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamSpecification {
    stream_view_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimeToLive {
    attribute_name: String,
}

impl Template {
    /// Reads the template at `path`, with other values for some of its parameters.
    pub fn read(path: &Path, parameters: &[(String, String)]) -> Result<Self, StartError> {
        let failed = |reason: String| StartError::Template {
            path: path.display().to_string(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        Self::parse(&text, parameters).map_err(failed)
    }

    /// Which API keys may do what, as the functions' environment has it.
    pub fn keys(&self) -> KeyIds {
        let ids = |name| self.environment(name).unwrap_or_default();
        KeyIds::parse(ids("ADMINISTRATOR_KEY_IDS"), ids("READ_ONLY_KEY_IDS"))
    }

    /// What the functions' environment has under `name`, if it has a value.
    pub fn environment(&self, name: &str) -> Option<&str> {
        let consumers = self.consumers.iter().map(|consumer| &consumer.function);
        self.functions
            .iter()
            .chain(consumers)
            .filter_map(|function| function.environment.get(name))
            .map(String::as_str)
            .find(|value| !value.is_empty())
    }

    /// How people's own calls work, as the functions' environment has it.
    pub fn account_settings(&self) -> Result<AccountSettings, Misconfigured> {
        AccountSettings::read(|name| self.environment(name).map(str::to_owned))
    }

    fn parse(text: &str, parameters: &[(String, String)]) -> Result<Self, String> {
        let template = yaml::parse(text)?;
        let parameters = parameter_values(&template, parameters)?;
        let template = Conditions::of(&template, &parameters)?
            .decide(template)
            .unwrap_or_default();
        let template = resolve(template, &parameters);
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
        let (id, table) = only("AWS::DynamoDB::Table")?;
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
        Ok(Self {
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
            table: table_of(typed(id, table)?),
            parameters: parameters
                .into_iter()
                .filter_map(|(name, value)| Some((name, scalar(&value)?)))
                .collect(),
        })
    }
}

fn typed<T: DeserializeOwned>(id: &str, value: &Value) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|error| format!("{id}: {error}"))
}

fn number(value: &Value) -> Result<f64, String> {
    scalar(value)
        .and_then(|text| text.parse().ok())
        .ok_or(format!("{value} is not a number"))
}

/// A text, number or truth value as the text that CloudFormation makes of it.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A method, a path, and the throttle's setting for them.
type RouteLimit = (String, String, Limit);

/// The limit of each key in a usage plan.
fn key_limit(throttle: &Value) -> Result<Limit, String> {
    Ok(Limit {
        rate: number(&throttle["RateLimit"])?,
        burst: number(&throttle["BurstLimit"])?,
    })
}

/// The limit of every route and those of single ones.
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

    /// What stays of a value: of an `Fn::If` the branch that is meant, of a resource nothing where
    /// its condition does not hold, and of `AWS::NoValue` nothing either.
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

/// Whether a condition holds, of which the parameters are resolved.
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

/// `Ref` and `Fn::Split` where the local service reads; everything else stays as it is.
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
        // The API's own default is yes.
        needs_key: needs_key.unwrap_or(true),
        limit: None,
    })
}

fn stream_function(function: Function, event: StreamEvent) -> Result<StreamFunction, String> {
    // Lambda's own defaults.
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
        // -1 stands for no end.
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
        stream_view: properties.stream_specification.stream_view_type,
        time_to_live: properties.time_to_live_specification.attribute_name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roster_http::PublicUrl;

    const TEXT: &str = include_str!("../tests/service/template.yaml");

    fn template(parameters: &[(&str, &str)]) -> Result<Template, String> {
        let parameters: Vec<_> = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Template::parse(TEXT, &parameters)
    }

    fn refused(text: &str) -> String {
        Template::parse(text, &[]).unwrap_err()
    }

    #[test]
    fn a_route_says_whether_it_needs_a_key_and_what_limit_is_its_own() {
        let template = template(&[("Rate", "5")]).unwrap();
        let route = |method, path: &str, needs_key, limit| Route {
            method,
            path: path.to_owned(),
            needs_key,
            limit,
        };
        let routes: Vec<_> = template
            .functions
            .iter()
            .map(|f| f.routes.clone())
            .collect();
        let own = Limit {
            rate: 0.001,
            burst: 2.0,
        };
        assert_eq!(
            routes,
            [
                vec![
                    route(Method::GET, "/open/{token}", false, None),
                    route(Method::HEAD, "/open/{token}", false, None),
                    route(Method::POST, "/open/{token}", false, Some(own)),
                ],
                vec![route(Method::GET, "/keyed", true, None)],
            ]
        );
        let everybodys = Limit {
            rate: 5.0,
            burst: 5.0,
        };
        assert_eq!(template.limit, everybodys);
    }

    #[test]
    fn a_consumer_of_the_stream_is_no_call() {
        let template = template(&[]).unwrap();
        let names: Vec<_> = template.functions.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["open_call", "keyed_call"]);
        let [consumer] = template.consumers.as_slice() else {
            panic!("{:?}", template.consumers);
        };
        let function = &consumer.function;
        assert_eq!(
            (function.name.as_str(), function.logical_id.as_str()),
            ("consume", "Consume")
        );
        assert_eq!(
            (function.memory, function.timeout),
            (256, Duration::from_mins(1))
        );
        assert_eq!(function.environment["TABLE_NAME"], "Table");
        assert_eq!(function.permissions[0].0, "dynamodb:GetItem");
        assert_eq!(
            (consumer.batch_size, consumer.parallelization_factor),
            (3, 4)
        );
        assert_eq!(
            (consumer.maximum_retry_attempts, consumer.maximum_record_age),
            (Some(2), Some(Duration::from_hours(1)))
        );
        assert_eq!(consumer.starting_position, "TRIM_HORIZON");
        assert_eq!(consumer.patterns.len(), 1);
        assert!(consumer.bisects && consumer.has_destination && consumer.reports_failures());
    }

    #[test]
    fn what_hangs_on_a_condition_is_there_when_it_holds() {
        let actions = |template: &Template| -> Vec<String> {
            let permissions = template.functions[0].permissions.iter();
            permissions.map(|(action, _)| action.clone()).collect()
        };
        let wide = template(&[]).unwrap();
        assert_eq!(wide.key_ids, ["AdministratorKey", "ReadOnlyKey"]);
        assert_eq!(actions(&wide), ["dynamodb:GetItem"]);
        let narrow = template(&[("Narrow", "true")]).unwrap();
        assert_eq!(narrow.key_ids, ["AdministratorKey"]);
        assert_eq!(actions(&narrow), ["dynamodb:GetItem", "dynamodb:Query"]);
    }

    #[test]
    fn the_environment_follows_the_parameters() {
        let usual = template(&[]).unwrap().account_settings().unwrap();
        assert_eq!(usual.public_url, None);
        assert_eq!(usual.lifetimes.link, Duration::from_mins(1));
        assert_eq!(usual.limits.of_a_pair, 7);
        assert!(!usual.link_get_acts && !usual.behind_cloudfront);
        assert!(!usual.host_cookie_alone);

        let other = template(&[
            ("PublicUrl", "https://a.example.org/"),
            ("LinkGet", "act"),
            ("BehindCloudFront", "true"),
            ("LinkTtlSeconds", "5"),
            ("PlainSessionCookies", "off"),
        ]);
        let other = other.unwrap().account_settings().unwrap();
        assert!(other.host_cookie_alone);
        assert_eq!(other.public_url, PublicUrl::parse("https://a.example.org"));
        assert_eq!(other.lifetimes.link, Duration::from_secs(5));
        assert!(other.link_get_acts && other.behind_cloudfront);

        let malformed = template(&[("PublicUrl", "nowhere")]).unwrap();
        assert!(malformed.account_settings().is_err());
        let consumers_own = template(&[]).unwrap();
        assert_eq!(
            consumers_own.environment("NO_REPLY_EMAIL"),
            Some("no-reply@roster.example")
        );
        assert_eq!(consumers_own.environment("PUBLIC_URL"), None);
    }

    #[test]
    fn the_lists_of_keys_are_the_templates_own_and_those_of_its_parameters() {
        let usual = template(&[]).unwrap().keys();
        assert_eq!(usual, KeyIds::parse("AdministratorKey", "ReadOnlyKey"));
        let more = [("AdministratorKeyIds", "a,b"), ("ReaderKeyIds", "c")];
        let more = template(&more).unwrap().keys();
        assert_eq!(more, KeyIds::parse("AdministratorKey,a,b", "ReadOnlyKey,c"));
    }

    #[test]
    fn a_value_that_a_parameter_does_not_allow_is_refused() {
        let reason = template(&[("LinkGet", "perhaps")]).unwrap_err();
        assert_eq!(reason, "LinkGet must be one of page, act");
    }

    #[test]
    fn what_can_not_be_followed_is_refused() {
        for (present, other, reason) in [
            ("/~1open~1{token}", "/~1elsewhere", "POST /elsewhere"),
            (
                "ResourcePath: \"/*\"",
                "ResourcePath: /~1keyed",
                "all routes",
            ),
            ("\"eventName\":[\"INSERT\"]", "\"eventName\":[1]", "pattern"),
            ("!Ref LinkGet", "!GetAtt Table.Arn", "LINK_GET"),
            (
                "Effect: Allow\n                Action",
                "Effect: Deny\n                Action",
                "Role",
            ),
            ("!Not [!Equals", "!Contains [!Equals", "Fn::Contains"),
        ] {
            assert!(TEXT.contains(present), "{present}");
            let refused = refused(&TEXT.replace(present, other));
            assert!(refused.contains(reason), "{refused}");
        }
    }
}
