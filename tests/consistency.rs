//! Facts that are written down in several places are the same everywhere.

use std::collections::BTreeSet;
use std::time::Duration;

use local::calls::{CONSUMERS, ENDPOINTS, PACKAGES};
use local::template::{Function, StreamFunction, Template};
use serde_json::{Value, json};
use store::{Index, NOTIFICATION_SORT_KEY};

use crate::harness::{cargo, root};

fn template() -> Template {
    Template::read(&root().join("template.yaml"), &[]).unwrap()
}

fn function<'a>(template: &'a Template, name: &str) -> &'a Function {
    let function = template
        .functions
        .iter()
        .find(|function| function.name == name);
    function.unwrap_or_else(|| panic!("template.yaml has no function for {name}"))
}

fn names_in(folder: &str, extension: &str) -> BTreeSet<String> {
    std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(extension).map(str::to_owned))
        .collect()
}

fn call_names() -> BTreeSet<String> {
    ENDPOINTS
        .iter()
        .map(|endpoint| endpoint.name.to_owned())
        .collect()
}

/// The calls, and the consumers of the stream.
fn all_names() -> BTreeSet<String> {
    let mut names = call_names();
    names.extend(CONSUMERS.iter().map(|consumer| consumer.name.to_owned()));
    names
}

#[test]
fn every_call_has_a_file_of_tests() {
    let entries = std::fs::read_dir(root().join("tests/calls")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let tested: BTreeSet<String> = paths
        .filter(|path| path.is_dir())
        .flat_map(|folder| names_in(folder.to_str().unwrap(), ".rs"))
        .filter(|name| name != "mod")
        .collect();
    assert_eq!(tested, all_names());
}

#[test]
fn people_need_no_key_and_are_throttled_more_strictly_than_programs() {
    let template = template();
    assert!(template.key_limit.is_some());
    for endpoint in ENDPOINTS.iter() {
        for route in &function(&template, endpoint.name).routes {
            assert_eq!(
                route.needs_key,
                endpoint.access.needs_key(),
                "{}",
                endpoint.name
            );
            let is_stricter = route.limit.is_some_and(|limit| {
                limit.rate < template.limit.rate && limit.burst < template.limit.burst
            });
            assert_eq!(
                is_stricter, !route.needs_key,
                "{} {}",
                endpoint.name, route.path
            );
        }
    }
}

#[test]
fn a_call_ends_before_its_function_is_ended() {
    let template = template();
    for endpoint in ENDPOINTS.iter() {
        let function = function(&template, endpoint.name);
        assert_eq!(function.timeout, endpoint.time(), "{}", endpoint.name);
    }
}

#[test]
fn failures_are_counted_and_every_alarm_notifies_the_alarm_topic() {
    let template = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    // `send_notifications` and an attempt with a password log these fields.
    for field in ["notification", "sign_in"] {
        let pattern = format!(r#"FilterPattern: '{{ $.{field} = "failed" }}'"#);
        assert!(template.contains(&pattern), "{field}");
    }
    let alarms = template.matches("Type: AWS::CloudWatch::Alarm\n").count();
    let actions = "AlarmActions: !If [HasAlarmTopic, [!Ref AlarmTopic], !Ref AWS::NoValue]\n";
    assert!(alarms >= 8, "{alarms}");
    assert_eq!(template.matches(actions).count(), alarms);
}

#[test]
fn what_only_aws_can_do_is_set_by_its_parameter() {
    let template = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let lines: Vec<&str> = template.lines().map(str::trim).collect();
    for wiring in [
        &["DisablesDefaultEndpoint: !Equals [!Ref DisableDefaultEndpoint, \"true\"]"][..],
        &["DisableExecuteApiEndpoint: !If [DisablesDefaultEndpoint, true, false]"],
        &[
            "RateLimit: !Ref KeyRateLimit",
            "BurstLimit: !Ref KeyBurstLimit",
        ],
        &["MetricName: FailedSignIns"],
        &["Threshold: !Ref FailedSignInsAlarmThreshold"],
        &["- !Ref LoginReservedConcurrency", "- !Ref AWS::NoValue"],
        &[
            "- !Ref SendNotificationsReservedConcurrency",
            "- !Ref AWS::NoValue",
        ],
    ] {
        let is_there = lines.windows(wiring.len()).any(|lines| lines == wiring);
        assert!(is_there, "{wiring:?}");
    }
}

fn consumer<'a>(template: &'a Template, name: &str) -> &'a StreamFunction {
    let mut consumers = template.consumers.iter();
    consumers.find(|one| one.function.name == name).unwrap()
}

#[test]
fn what_follows_from_changes_is_never_given_up_and_its_own_events_and_counters_do_not_come_back() {
    let template = template();
    let consumer = consumer(&template, "apply_changes");
    let wanted = [
        json!({
            "eventName": ["INSERT", "MODIFY", "REMOVE"],
            "dynamodb": { "Keys": { "SK": { "S": ["USER"] } } },
        }),
        json!({
            "eventName": ["INSERT", "REMOVE"],
            "dynamodb": { "Keys": { "SK": { "S": [{ "prefix": "MEMBER#" }] } } },
        }),
        json!({
            "eventName": ["INSERT", "MODIFY"],
            "dynamodb": { "Keys": { "SK": { "S": ["DELETION"] } } },
        }),
    ];
    let patterns = consumer.patterns.iter();
    let patterns: Vec<Value> = patterns
        .map(|pattern| serde_json::from_str(pattern).unwrap())
        .collect();
    assert_eq!(patterns, wanted);
    assert!(consumer.reports_failures() && consumer.bisects && !consumer.has_destination);
    assert_eq!(consumer.maximum_record_age, None);
    assert_eq!(consumer.maximum_retry_attempts, None);
}

#[test]
fn the_stream_brings_new_notifications_and_gives_up_after_an_hour() {
    let template = template();
    let consumer = consumer(&template, "send_notifications");
    let [pattern] = consumer.patterns.as_slice() else {
        panic!("one filter is enough: {:?}", consumer.patterns);
    };
    let wanted = json!({
        "eventName": ["INSERT"],
        "dynamodb": { "Keys": { "SK": { "S": [{ "prefix": NOTIFICATION_SORT_KEY }] } } },
    });
    assert_eq!(serde_json::from_str::<Value>(pattern).unwrap(), wanted);
    assert!(consumer.reports_failures() && consumer.bisects && consumer.has_destination);
    assert_eq!(consumer.maximum_record_age, Some(Duration::from_hours(1)));
    // There may be any number of retries while the lease of a dead sender lasts.
    assert_eq!(consumer.maximum_retry_attempts, None);
    assert_eq!(consumer.parallelization_factor, 10);
    assert_eq!(consumer.starting_position, "TRIM_HORIZON");
}

#[test]
fn the_table_and_each_index_have_an_alarm_for_writes_that_are_throttled() {
    let text = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let (_, table_name) = text.split_once("TABLE_NAME: ").unwrap();
    let table_name = table_name.lines().next().unwrap();
    let indexes = template().table.indexes.into_iter();
    let names: BTreeSet<_> = indexes.map(|index| index.name).collect();
    let asked = Index::ALL.iter().map(|index| index.name().to_owned());
    assert_eq!(names, asked.collect());
    let mut watched = BTreeSet::new();
    let mut watches_the_table = false;
    for alarm in text.split("MetricName: WriteThrottleEvents\n").skip(1) {
        let (dimensions, _) = alarm.split_once("Statistic: Sum").unwrap();
        let of_table = format!("- Name: TableName\n          Value: {table_name}\n");
        assert!(dimensions.contains(&of_table), "{dimensions}");
        match dimensions.split_once("GlobalSecondaryIndexName, Value: ") {
            Some((_, rest)) => {
                watched.insert(rest.split(' ').next().unwrap().to_owned());
            }
            None => watches_the_table = true,
        }
    }
    assert!(watches_the_table);
    assert_eq!(watched, names);
}

#[test]
fn the_gateway_shows_its_own_answers_as_problems() {
    for (kind, response) in template().gateway_responses {
        let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
        assert_eq!(body["status"], response.status, "{kind}");
        assert_eq!(
            body["type"],
            format!("https://httpstatuses.io/{}", response.status)
        );
        assert!(!body["title"].as_str().unwrap().is_empty(), "{kind}");
        for id in ["trace_id", "traceId"] {
            assert_eq!(body[id], "$context.requestId", "{kind}");
        }
        for (name, value) in [
            ("Cache-Control", "no-store"),
            ("Content-Type", "application/problem+json"),
            ("Strict-Transport-Security", "max-age=63072000"),
            ("X-Content-Type-Options", "nosniff"),
        ] {
            assert_eq!(response.headers[name], value, "{kind}");
        }
        assert_eq!(
            response.headers.contains_key("Retry-After"),
            [429, 503].contains(&response.status),
            "{kind}"
        );
    }
}

fn template_with(parameters: &[(&str, &str)]) -> Result<Template, local::StartError> {
    let parameters: Vec<_> = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Template::read(&root().join("template.yaml"), &parameters)
}

#[test]
fn a_key_of_ones_own_may_be_used_by_those_that_read_the_keys_of_links_and_for_them_alone() {
    const KEY: &str = "arn:aws:kms:eu-west-1:000000000000:key/00000000-0000-4000-8000-000000000000";
    let decrypts = |function: &Function| {
        let mut permissions = function.permissions.iter();
        permissions
            .find(|(action, _)| action.starts_with("kms:"))
            .cloned()
    };
    let functions = |template: Template| {
        let consumers = template.consumers.into_iter();
        let consumers = consumers.map(|consumer| consumer.function);
        template.functions.into_iter().chain(consumers)
    };
    assert!(functions(template()).all(|function| decrypts(&function).is_none()));
    for function in functions(template_with(&[("LinkKeyKmsKeyArn", KEY)]).unwrap()) {
        let parameters = function.permissions.iter();
        let parameters = parameters.filter(|(action, _)| action == "ssm:GetParameters");
        let mut wanted = parameters.map(|(_, parameters)| {
            let condition =
                json!({ "StringEquals": { "kms:EncryptionContext:PARAMETER_ARN": parameters } });
            let on = json!({ "Resource": KEY, "Condition": condition });
            ("kms:Decrypt".to_owned(), on)
        });
        assert_eq!(decrypts(&function), wanted.next_back(), "{}", function.name);
    }
}

#[test]
fn e_mails_may_go_out_by_the_configuration_set_that_is_named_and_by_no_other() {
    let resources = |parameters: &[(&str, &str)]| {
        let template = template_with(parameters).unwrap();
        let function = &consumer(&template, "send_notifications").function;
        let mut permissions = function.permissions.iter();
        let (_, on) = permissions
            .find(|(action, _)| action == "ses:SendEmail")
            .unwrap();
        let set = function.environment["SES_CONFIGURATION_SET"].clone();
        (set, on["Resource"].as_array().unwrap().clone())
    };
    let arn = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:";
    let identities = json!({ "Fn::Sub": format!("{arn}identity/*") });
    assert_eq!(resources(&[]), (String::new(), vec![identities.clone()]));
    let set = json!({ "Fn::Sub": format!("{arn}configuration-set/${{SesConfigurationSet}}") });
    assert_eq!(
        resources(&[("SesConfigurationSet", "bounces")]),
        ("bounces".to_owned(), vec![identities, set])
    );
}

/// The lines of a parameter in the template.
fn declaration(parameter: &str) -> String {
    let text = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let (_, rest) = text.split_once(&format!("\n  {parameter}:\n")).unwrap();
    let lines = rest.split_inclusive('\n');
    lines.take_while(|line| line.starts_with("    ")).collect()
}

#[test]
fn invalid_address_lists_and_log_retentions_are_refused_before_the_deployment() {
    let declared = declaration("AllowedAddresses");
    let (_, pattern) = declared.split_once("AllowedPattern: ").unwrap();
    let (pattern, _) = pattern.split_once('\n').unwrap();
    let schema = jsonschema::validator_for(&json!({ "pattern": pattern })).unwrap();
    for good in [
        "0.0.0.0/0,::/0",
        "203.0.113.7",
        "203.0.113.0/24,198.51.100.255/32",
        "2001:db8::/32",
        "::ffff:203.0.113.7/128",
        "2001:DB8:0:0:0:0:0:1",
    ] {
        assert!(schema.is_valid(&json!(good)), "{good}");
    }
    for bad in [
        "",
        "10.0.0.0/8, 10.1.0.0/16",
        "10.0.0.0/8,",
        "10.0.0.0/33",
        "10.0.0/8",
        "256.0.0.1",
        "2001:db8::/129",
        "10.0.0.0-10.0.0.9",
        "example.org",
        "*",
    ] {
        assert!(!schema.is_valid(&json!(bad)), "{bad}");
    }
    assert!(template_with(&[("LogRetentionDays", "365")]).is_ok());
    assert!(template_with(&[("LogRetentionDays", "31")]).is_err());
}

#[test]
fn the_stage_is_made_after_api_gateway_may_write_logs() {
    let text = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let (_, api) = text.split_once("\n  Api:\n").unwrap();
    let (api, _) = api.split_once("StageName:").unwrap();
    // A reference orders; in one branch alone, it asks for nothing that isn't there.
    assert!(
        api.contains("- SetsCloudWatchRole\n        - !Sub"),
        "{api}"
    );
    assert!(api.contains("${CloudWatchSetting}"), "{api}");
    for kept in ["CloudWatchRole", "CloudWatchSetting"] {
        let declared = declaration(kept);
        assert!(declared.contains("DeletionPolicy: Retain\n"), "{kept}");
        assert!(
            declared.contains("Condition: SetsCloudWatchRole\n"),
            "{kept}"
        );
    }
}

#[test]
fn the_logs_hold_no_path_query_or_address() {
    let template = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    for personal in [
        "$context.path",
        "$context.identity.sourceIp",
        "$context.requestOverride",
        "$context.domainName",
        "queryString",
        "TracingEnabled: true",
        "DataTraceEnabled: true",
    ] {
        assert!(!template.contains(personal), "{personal}");
    }
}

#[test]
fn what_an_answer_shows_has_every_member_and_no_other() {
    let document = local::generate::openapi::document(&ENDPOINTS);
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let is_answer = schema["additionalProperties"] == false;
        let reference = format!("#/components/schemas/{name}");
        let is_request = ENDPOINTS.iter().any(|endpoint| {
            endpoint.routes.iter().any(|(method, path)| {
                let method = method.as_str().to_lowercase();
                let body = &document["paths"][path][method]["requestBody"]["content"];
                let mut media = body.as_object().into_iter().flat_map(|it| it.values());
                media.any(|media| {
                    let schema = &media["schema"];
                    schema["$ref"] == reference || schema["items"]["$ref"] == reference
                })
            })
        });
        let Some(members) = schema["properties"].as_object() else {
            continue;
        };
        assert_ne!(is_answer, is_request, "{name}");
        // A problem has members that only some problems have.
        if is_answer && !matches!(name.as_str(), "Problem" | "ImportedLine") {
            let required = schema["required"].as_array().unwrap();
            assert_eq!(required.len(), members.len(), "{name}");
        }
    }
}

/// The crates that `package` links, or the default members with their tests, each with its features.
/// The workspace's own crates are left out.
fn linked(package: Option<&str>) -> BTreeSet<String> {
    let mut tree = cargo(&[
        "tree", "--locked", "--prefix", "none", "--format", "{p}|{f}",
    ]);
    match package {
        Some(package) => tree.args(["--edges", "normal,no-proc-macro", "--package", package]),
        None => tree.args(["--edges", "normal,dev,no-proc-macro"]),
    };
    let output = tree.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(|line| line.trim_end_matches(" (*)"));
    let foreign = lines.filter(|line| !line.contains(" (/"));
    foreign.map(str::to_owned).collect()
}

#[test]
fn the_functions_and_the_tests_share_the_build_of_each_dependency() {
    let by_tests = linked(None);
    for package in PACKAGES {
        let by_functions = linked(Some(package.name));
        assert!(by_functions.len() > 100, "{by_functions:?}");
        let other: Vec<_> = by_functions.difference(&by_tests).collect();
        assert!(
            other.is_empty(),
            "{} needs more features of shared/unified: {other:#?}",
            package.name
        );
    }
}

#[test]
fn every_call_says_what_a_caller_must_know() {
    let silent = ENDPOINTS.iter().filter(|call| call.description.is_empty());
    let silent: Vec<_> = silent.map(|call| call.name).collect();
    assert!(silent.is_empty(), "without a description: {silent:?}");
}
