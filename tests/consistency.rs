//! What stands in more than one place says the same everywhere.

use std::collections::BTreeSet;

use functions::ENDPOINTS;
use local::template::{Function, Template};
use serde_json::json;

use crate::harness::root;

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

#[test]
fn every_call_has_one_binary_one_event_and_one_function() {
    let template = template();
    let functions: BTreeSet<_> = template.functions.iter().map(|f| f.name.clone()).collect();
    assert_eq!(functions, call_names());
    assert_eq!(functions.len(), template.functions.len());
    assert_eq!(names_in("functions/src/bin", ".rs"), call_names());
    assert_eq!(names_in("events", ".json"), call_names());
}

#[test]
fn every_call_has_a_file_of_tests() {
    let tested: BTreeSet<String> = ["tests/users", "tests/usernames", "tests/emails"]
        .into_iter()
        .flat_map(|folder| names_in(folder, ".rs"))
        .filter(|name| name != "mod")
        .collect();
    assert_eq!(tested, call_names());
}

#[test]
fn every_binary_serves_the_call_of_its_name() {
    for endpoint in ENDPOINTS {
        let path = root().join(format!("functions/src/bin/{}.rs", endpoint.name));
        let main = std::fs::read_to_string(path).unwrap();
        let served = format!("::{}::ENDPOINT", endpoint.name);
        assert!(
            main.contains(&served),
            "{} serves another call",
            endpoint.name
        );
    }
}

#[test]
fn the_template_routes_what_the_calls_say() {
    let template = template();
    for endpoint in ENDPOINTS {
        let function = function(&template, endpoint.name);
        let routes: Vec<_> = function
            .routes
            .iter()
            .map(|(m, p)| (m.clone(), p.as_str()))
            .collect();
        assert_eq!(routes, endpoint.routes, "{}", endpoint.name);
        let logical_id: String = endpoint
            .name
            .split('_')
            .map(|word| word[..1].to_uppercase() + &word[1..])
            .collect();
        assert_eq!(function.logical_id, logical_id);
    }
}

#[test]
fn every_role_may_do_what_its_call_needs_and_nothing_else() {
    let template = template();
    for endpoint in ENDPOINTS {
        let table = json!({ "Fn::GetAtt": ["Table", "Arn"] });
        let log = json!({ "Fn::GetAtt": ["FunctionLog", "Arn"] });
        let mut wanted: Vec<_> = endpoint
            .actions
            .iter()
            .map(|action| (action.iam_name(), table.clone()))
            .collect();
        wanted.push(("logs:CreateLogStream".to_owned(), log.clone()));
        wanted.push(("logs:PutLogEvents".to_owned(), log));
        let function = function(&template, endpoint.name);
        assert_eq!(function.permissions, wanted, "{}", endpoint.name);
        assert!(function.managed_policies.is_empty(), "{}", endpoint.name);
    }
}

#[test]
fn every_function_connects_by_what_its_role_allows() {
    for endpoint in ENDPOINTS {
        assert!(
            endpoint.actions.contains(&endpoint.connect.action),
            "{}",
            endpoint.name
        );
    }
}

#[test]
fn functions_that_hash_have_a_whole_core_and_the_others_the_least() {
    for function in template().functions {
        let hashes = function.name == "create_user";
        assert_eq!(
            function.memory,
            if hashes { 1769 } else { 128 },
            "{}",
            function.name
        );
    }
}

#[test]
fn the_gateway_shows_its_own_answers_as_problems() {
    let template = template();
    for (kind, status) in [
        ("INVALID_API_KEY", 401),
        ("MISSING_AUTHENTICATION_TOKEN", 404),
        ("ACCESS_DENIED", 403),
        ("REQUEST_TOO_LARGE", 413),
        ("THROTTLED", 429),
        ("DEFAULT_4XX", 400),
        ("DEFAULT_5XX", 500),
    ] {
        assert_eq!(template.gateway_responses[kind].status, status, "{kind}");
    }
    for (kind, response) in template.gateway_responses {
        let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
        assert_eq!(body["status"], response.status, "{kind}");
        assert_eq!(
            body["type"],
            format!("https://httpstatuses.io/{}", response.status)
        );
        assert!(!body["title"].as_str().unwrap().is_empty(), "{kind}");
        assert_eq!(body["trace_id"], "$context.requestId");
        assert_eq!(response.headers["Content-Type"], "application/problem+json");
        assert_eq!(
            response.headers.contains_key("Retry-After"),
            response.status == 429
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
fn what_is_generated_is_up_to_date() {
    local::generate::generate(&root(), ENDPOINTS, true).unwrap();
}

#[test]
fn what_an_answer_shows_has_every_member_and_no_other() {
    let document = local::openapi::document(ENDPOINTS);
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let is_answer = schema["additionalProperties"] == false;
        let is_request = ENDPOINTS.iter().any(|endpoint| {
            let (method, path) = endpoint.route();
            let method = method.as_str().to_lowercase();
            let body = &document["paths"][path][method]["requestBody"]["content"];
            let reference = format!("#/components/schemas/{name}");
            body["application/json"]["schema"]["$ref"] == reference
        });
        let Some(members) = schema["properties"].as_object() else {
            continue;
        };
        assert_ne!(is_answer, is_request, "{name}");
        if is_answer && name != "Problem" {
            let required = schema["required"].as_array().unwrap();
            assert_eq!(required.len(), members.len(), "{name}");
        }
    }
}
