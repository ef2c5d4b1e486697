//! The parts of a template that the local service reads. Names and nesting are those of CloudFormation
//! and SAM.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ApiProperties {
    pub(super) stage_name: String,
    #[serde(default)]
    pub(super) binary_media_types: Vec<String>,
    pub(super) auth: Auth,
    pub(super) method_settings: Vec<MethodSettings>,
    pub(super) gateway_responses: BTreeMap<String, GatewayResponseProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Auth {
    pub(super) api_key_required: bool,
    pub(super) resource_policy: ResourcePolicy,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ResourcePolicy {
    pub(super) custom_statements: Vec<PolicyStatement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyStatement {
    pub(super) effect: String,
    pub(super) resource: String,
    #[serde(default)]
    pub(super) condition: Condition,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Condition {
    #[serde(default)]
    pub(super) not_ip_address: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MethodSettings {
    pub(super) resource_path: String,
    pub(super) http_method: String,
    pub(super) throttling_rate_limit: Value,
    pub(super) throttling_burst_limit: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GatewayResponseProperties {
    pub(super) status_code: u16,
    pub(super) response_parameters: ResponseParameters,
    pub(super) response_templates: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ResponseParameters {
    pub(super) headers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FunctionProperties {
    pub(super) code_uri: String,
    pub(super) role: Value,
    pub(super) timeout: Option<u64>,
    pub(super) memory_size: Option<u32>,
    #[serde(default)]
    pub(super) environment: Environment,
    pub(super) events: BTreeMap<String, FunctionEvent>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Environment {
    #[serde(default)]
    pub(super) variables: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FunctionEvent {
    pub(super) r#type: String,
    pub(super) properties: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ApiEvent {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) auth: Option<EventAuth>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EventAuth {
    pub(super) api_key_required: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StreamEvent {
    pub(super) starting_position: String,
    pub(super) batch_size: Option<usize>,
    pub(super) parallelization_factor: Option<u32>,
    pub(super) maximum_retry_attempts: Option<i64>,
    pub(super) maximum_record_age_in_seconds: Option<i64>,
    #[serde(default)]
    pub(super) bisect_batch_on_function_error: bool,
    #[serde(default)]
    pub(super) function_response_types: Vec<String>,
    pub(super) destination_config: Option<Value>,
    #[serde(default)]
    pub(super) filter_criteria: FilterCriteria,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FilterCriteria {
    #[serde(default)]
    pub(super) filters: Vec<FilterProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FilterProperties {
    pub(super) pattern: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FunctionGlobals {
    pub(super) timeout: Option<u64>,
    pub(super) memory_size: Option<u32>,
    #[serde(default)]
    pub(super) environment: Environment,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoleProperties {
    #[serde(default)]
    pub(super) managed_policy_arns: Vec<String>,
    #[serde(default)]
    pub(super) policies: Vec<RolePolicy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RolePolicy {
    pub(super) policy_document: PolicyDocument,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyDocument {
    pub(super) statement: Vec<RoleStatement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoleStatement {
    pub(super) effect: String,
    pub(super) action: OneOrMany,
    pub(super) resource: Option<Value>,
    /// All resources except this one.
    pub(super) not_resource: Option<Value>,
    pub(super) condition: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TableProperties {
    pub(super) billing_mode: String,
    #[serde(rename = "SSESpecification", default)]
    pub(super) encryption: Encryption,
    pub(super) attribute_definitions: Vec<AttributeDefinition>,
    pub(super) key_schema: Vec<KeyElement>,
    pub(super) global_secondary_indexes: Vec<IndexProperties>,
    pub(super) stream_specification: StreamSpecification,
    pub(super) time_to_live_specification: TimeToLive,
}

#[derive(Default, Deserialize)]
pub(super) struct Encryption {
    #[serde(rename = "SSEEnabled")]
    pub(super) enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttributeDefinition {
    pub(super) attribute_name: String,
    pub(super) attribute_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KeyElement {
    pub(super) attribute_name: String,
    pub(super) key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct IndexProperties {
    pub(super) index_name: String,
    pub(super) key_schema: Vec<KeyElement>,
    pub(super) projection: Projection,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Projection {
    pub(super) projection_type: String,
    #[serde(default)]
    pub(super) non_key_attributes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StreamSpecification {
    pub(super) stream_view_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TimeToLive {
    pub(super) attribute_name: String,
}
