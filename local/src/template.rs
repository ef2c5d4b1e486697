//! The parts of template.yaml that the local service needs.

mod cloudformation;
mod read;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use roster_http::{AccountSettings, KeyIds, Method, Misconfigured};
use serde_json::Value;
use store::schema::Schema;

use crate::StartError;
use crate::filter::Filter;

/// The template with its parameters and references resolved. A resource's reference is its logical id,
/// as if CloudFormation had given it that name.
#[derive(Clone, Debug)]
pub struct Template {
    /// The file that it was read from.
    pub path: PathBuf,
    /// The functions that the API calls, in the template's order.
    pub functions: Vec<Function>,
    /// The functions that the table's stream calls, in the template's order.
    pub consumers: Vec<StreamFunction>,
    /// API Gateway's own answers, by response type.
    pub gateway_responses: BTreeMap<String, GatewayResponse>,
    /// Logical ids of the API keys that are in the usage plan.
    pub key_ids: Vec<String>,
    /// The paths that the resource policy allows only some addresses.
    pub restriction: Restriction,
    /// Whether bodies reach functions base64-encoded, so that their bytes don't change.
    pub has_binary_bodies: bool,
    /// The stage's name.
    pub stage: String,
    /// The throttle of each route without a limit of its own.
    pub limit: Limit,
    /// The throttle of each API key, on all routes together.
    pub key_limit: Option<Limit>,
    /// The table.
    pub table: Schema,
    /// The parameters' values.
    pub parameters: BTreeMap<String, String>,
}

/// A part of the API that only some addresses may use.
#[derive(Clone, Debug)]
pub struct Restriction {
    path_start: String,
    allowed: Vec<IpNet>,
}

impl Restriction {
    /// Whether a request to `path` may come from this address.
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
    /// Its routes; empty for a consumer of the stream.
    pub routes: Vec<Route>,
    /// What its role may do: actions, and the resource of each.
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
    /// What it has in common with other functions.
    pub function: Function,
    /// The largest number of records that it gets at once.
    pub batch_size: usize,
    /// Where it starts on a stream that it has not read before, such as `TRIM_HORIZON`.
    pub starting_position: String,
    /// The filters' patterns, as written. It gets the records that fit at least one of them.
    pub patterns: Vec<String>,
    /// On how many batches of one shard it works at once. The records of one item stay in order.
    pub parallelization_factor: u32,
    /// How often a failed batch comes again; `None`: as long as the records exist.
    pub maximum_retry_attempts: Option<u32>,
    /// The greatest age of a record that it gets; `None`: as old as the stream has any.
    pub maximum_record_age: Option<Duration>,
    /// Whether a failed batch comes again in halves.
    pub bisects: bool,
    /// What its answer may say, such as `ReportBatchItemFailures`.
    pub response_types: Vec<String>,
    /// Whether a queue gets the records that are given up.
    pub has_destination: bool,
    pub(crate) filters: Vec<Filter>,
}

impl StreamFunction {
    /// Whether a record is for it.
    pub(crate) fn wants(&self, record: &Value) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| filter.fits(record))
    }

    /// Whether a filter needs an item's images, and not only its keys.
    pub(crate) fn looks_at_images(&self) -> bool {
        self.filters.iter().any(Filter::looks_at_images)
    }

    /// Whether its answer names the failed records. If not, Lambda treats all records as processed.
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

impl Template {
    /// Reads the template at `path`, with other values for some of its parameters.
    pub fn read(path: &Path, parameters: &[(String, String)]) -> Result<Self, StartError> {
        let failed = |reason: String| StartError::Template {
            path: path.display().to_string(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let template = read::parse(&text, parameters).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            ..template
        })
    }

    /// Which API keys may do what, by the functions' environment.
    pub fn keys(&self) -> KeyIds {
        let ids = |name| self.environment(name).unwrap_or_default();
        KeyIds::parse(ids("ADMINISTRATOR_KEY_IDS"), ids("READ_ONLY_KEY_IDS"))
    }

    /// The value of `name` in the functions' environment, if it has one.
    pub fn environment(&self, name: &str) -> Option<&str> {
        let consumers = self.consumers.iter().map(|consumer| &consumer.function);
        self.functions
            .iter()
            .chain(consumers)
            .filter_map(|function| function.environment.get(name))
            .map(String::as_str)
            .find(|value| !value.is_empty())
    }

    /// The settings of people's own calls, by the functions' environment.
    pub fn account_settings(&self) -> Result<AccountSettings, Misconfigured> {
        AccountSettings::read(|name| self.environment(name).map(str::to_owned))
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
        read::parse(TEXT, &parameters)
    }

    fn refused(text: &str) -> String {
        read::parse(text, &[]).unwrap_err()
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
    fn a_conditional_part_is_there_when_its_condition_holds() {
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
    fn a_template_with_an_unknown_feature_is_refused() {
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
