//! Every answer of a test is held against openapi.yaml's document.

use std::sync::LazyLock;

use functions::ENDPOINTS;
use jsonschema::Validator;
use reqwest::Method;
use roster_http::Endpoint;
use serde_json::{Value, json};

use super::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| local::openapi::document(ENDPOINTS));
static USER: LazyLock<Validator> = LazyLock::new(|| validator("User"));
static PROBLEM: LazyLock<Validator> = LazyLock::new(|| validator("Problem"));

fn validator(schema: &str) -> Validator {
    let root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/components/schemas/{schema}"),
        "components": DOCUMENT["components"],
    });
    jsonschema::validator_for(&root).unwrap()
}

/// Fails where status, headers or body are not as documented.
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let endpoint = ENDPOINTS
        .iter()
        .find(|endpoint| routes_to(endpoint, method, path));
    let body = &answer.body;
    if let Some(endpoint) = endpoint {
        let operation = &DOCUMENT["paths"][endpoint.route().1][method.as_str().to_lowercase()];
        let documented = &operation["responses"][answer.status.to_string()];
        assert!(
            documented.is_object(),
            "undocumented status: {method} {path} {answer:#?}"
        );
        for header in documented["headers"]
            .as_object()
            .into_iter()
            .flat_map(|h| h.keys())
        {
            assert!(answer.header(header).is_some(), "no {header}: {answer:#?}");
        }
    }
    let media_type = answer.header("content-type");
    match answer.status {
        204 | 304 => assert_eq!(*body, Value::Null),
        200..300 => {
            assert_eq!(media_type, Some("application/json"));
            conforms(&USER, body);
        }
        status => {
            assert_eq!(media_type, Some("application/problem+json"), "{answer:#?}");
            conforms(&PROBLEM, body);
            assert_eq!(body["status"], status, "{answer:#?}");
        }
    }
}

fn conforms(validator: &Validator, body: &Value) {
    let errors: Vec<String> = validator
        .iter_errors(body)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?} in {body:#}");
}

fn routes_to(endpoint: &Endpoint, method: &Method, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let path = path.strip_suffix('/').unwrap_or(path);
    let (wanted_method, wanted) = endpoint.route();
    wanted_method.as_str() == method.as_str()
        && wanted.split('/').count() == path.split('/').count()
        && wanted
            .split('/')
            .zip(path.split('/'))
            .all(|(wanted, segment)| wanted.starts_with('{') || wanted == segment)
}
