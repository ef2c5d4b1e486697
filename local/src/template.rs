//! What the local service needs of template.yaml.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use roster_http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::table::{Index, Table};

use crate::{StartError, yaml};

/// The template, its parameters and references resolved: a resource's reference is its logical
/// id, as if CloudFormation had made it under that name.
#[derive(Debug)]
pub struct Template {
    /// The functions, in the template's order.
    pub functions: Vec<Function>,
    /// API Gateway's own answers, by response type.
    pub gateway_responses: BTreeMap<String, GatewayResponse>,
    /// Logical ids of the API keys that are in the usage plan.
    pub key_ids: Vec<String>,
    /// The address ranges that the resource policy lets in.
    pub allowed_addresses: Vec<IpNet>,
    /// Whether bodies reach functions base64-encoded, byte for byte.
    pub has_binary_bodies: bool,
    /// The stage's name.
    pub stage: String,
    /// Requests a second.
    pub rate_limit: f64,
    /// Requests at once.
    pub burst_limit: f64,
    /// The table.
    pub table: Table,
}

/// One function.
#[derive(Debug)]
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
    /// What is routed to it.
    pub routes: Vec<(Method, String)>,
    /// What its role may do: actions and the resource that each is for.
    pub permissions: Vec<(String, Value)>,
    /// Managed policies of its role.
    pub managed_policies: Vec<String>,
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
    condition: Condition,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Condition {
    ip_address: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MethodSettings {
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

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionEvent {
    r#type: String,
    properties: ApiEvent,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiEvent {
    method: String,
    path: String,
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
    action: OneOrMany,
    resource: Value,
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

    /// The ids of the keys that may only read, as the functions' environment has them.
    pub fn read_only_key_ids(&self) -> Vec<String> {
        self.functions
            .iter()
            .find_map(|function| function.environment.get("READ_ONLY_KEY_IDS"))
            .into_iter()
            .flat_map(|ids| ids.split(',').map(str::to_owned))
            .collect()
    }

    fn parse(text: &str, parameters: &[(String, String)]) -> Result<Self, String> {
        let template = yaml::parse(text)?;
        let parameters = parameter_values(&template, parameters)?;
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
        let settings = api
            .method_settings
            .first()
            .ok_or(format!("{id} has no MethodSettings"))?;
        let (id, table) = only("AWS::DynamoDB::Table")?;
        let globals: FunctionGlobals = match &template["Globals"]["Function"] {
            Value::Null => FunctionGlobals::default(),
            globals => typed("Globals.Function", globals)?,
        };
        Ok(Self {
            functions: of_type("AWS::Serverless::Function")
                .map(|(id, properties)| function(id, properties, &globals, resources))
                .collect::<Result<_, _>>()?,
            key_ids: of_type("AWS::ApiGateway::UsagePlanKey")
                .filter_map(|(_, properties)| properties["KeyId"].as_str())
                .map(str::to_owned)
                .collect(),
            allowed_addresses: allowed_addresses(&api.auth.resource_policy)?,
            has_binary_bodies: api.binary_media_types.iter().any(|media| media == "*~1*"),
            rate_limit: number(&settings.throttling_rate_limit)?,
            burst_limit: number(&settings.throttling_burst_limit)?,
            stage: api.stage_name,
            gateway_responses: api
                .gateway_responses
                .into_iter()
                .map(|(kind, response)| Ok((kind, gateway_response(response)?)))
                .collect::<Result<_, String>>()?,
            table: table_of(typed(id, table)?),
        })
    }
}

fn typed<T: DeserializeOwned>(id: &str, value: &Value) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|error| format!("{id}: {error}"))
}

fn number(value: &Value) -> Result<f64, String> {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    text.parse().map_err(|_| format!("{text} is not a number"))
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
        .map(|(name, parameter)| (name.clone(), parameter["Default"].clone()))
        .collect();
    for (name, value) in given {
        let known = values
            .get_mut(name)
            .ok_or(format!("it has no parameter {name}"))?;
        *known = Value::from(value.as_str());
    }
    Ok(values)
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
            members.into()
        }
        scalar => scalar,
    }
}

fn allowed_addresses(policy: &ResourcePolicy) -> Result<Vec<IpNet>, String> {
    let [statement] = policy.custom_statements.as_slice() else {
        return Err("the resource policy needs exactly one statement".to_owned());
    };
    if statement.effect != "Allow" {
        return Err("the resource policy must allow".to_owned());
    }
    let ranges = statement.condition.ip_address.get("aws:SourceIp");
    ranges
        .into_iter()
        .flatten()
        .map(|range| {
            let range = range.trim();
            range
                .parse()
                .or_else(|_| {
                    range
                        .parse()
                        .map(|address: std::net::IpAddr| address.into())
                })
                .map_err(|_| format!("{range} is not an address range"))
        })
        .collect()
}

fn function(
    id: &str,
    properties: &Value,
    globals: &FunctionGlobals,
    resources: &serde_json::Map<String, Value>,
) -> Result<Function, String> {
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
    let mut environment = globals.environment.variables.clone();
    environment.extend(properties.environment.variables);
    Ok(Function {
        name: name.to_owned(),
        logical_id: id.to_owned(),
        timeout: Duration::from_secs(properties.timeout.or(globals.timeout).unwrap_or(3)),
        memory: properties
            .memory_size
            .or(globals.memory_size)
            .unwrap_or(128),
        environment,
        routes: properties
            .events
            .into_values()
            .filter(|event| event.r#type == "Api")
            .map(|event| {
                let method = Method::from_bytes(event.properties.method.as_bytes())
                    .map_err(|_| format!("{id}: {} is no method", event.properties.method))?;
                Ok((method, event.properties.path))
            })
            .collect::<Result<_, String>>()?,
        permissions: role
            .policies
            .into_iter()
            .flat_map(|policy| policy.policy_document.statement)
            .flat_map(|statement| {
                let actions = match statement.action {
                    OneOrMany::One(action) => vec![action],
                    OneOrMany::Many(actions) => actions,
                };
                let resource = statement.resource;
                actions
                    .into_iter()
                    .map(move |action| (action, resource.clone()))
            })
            .collect(),
        managed_policies: role.managed_policy_arns,
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

fn table_of(properties: TableProperties) -> Table {
    let key = |elements: Vec<KeyElement>| {
        elements
            .into_iter()
            .map(|element| (element.attribute_name, element.key_type))
            .collect()
    };
    Table {
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
