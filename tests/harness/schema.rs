//! Checks every answer of a test against openapi.yaml's document.

use std::sync::LazyLock;

use jsonschema::Validator;
use local::calls::ENDPOINTS;
use local::generate::openapi::resolved;
use reqwest::Method;
use roster_http::Access;
use serde_json::{Value, json};

use super::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| local::generate::openapi::document(&ENDPOINTS));
static USER: LazyLock<Validator> = LazyLock::new(|| validator("User"));
static PROBLEM: LazyLock<Validator> = LazyLock::new(|| validator("Problem"));

fn validator(schema: &str) -> Validator {
    validator_of(json!({ "$ref": format!("#/components/schemas/{schema}") }))
}

fn validator_of(mut schema: Value) -> Validator {
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["components"] = DOCUMENT["components"].clone();
    jsonschema::validator_for(&schema).unwrap()
}

/// Fails where status, headers or body are not as documented.
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let body = &answer.body;
    let operation = ENDPOINTS.iter().find_map(|endpoint| {
        let route = endpoint
            .routes
            .iter()
            .find(|route| routes_to(route, method, path))?;
        let operation = &DOCUMENT["paths"][route.1][method.as_str().to_lowercase()];
        Some((*endpoint, operation))
    });
    let documented = operation.map(|(_, operation)| {
        resolved(
            &DOCUMENT,
            &operation["responses"][answer.status.to_string()],
        )
    });
    if let Some(documented) = documented {
        assert!(
            documented.is_object(),
            "undocumented status: {method} {path} {answer:#?}"
        );
        let headers = documented["headers"].as_object().into_iter().flatten();
        let always = headers.filter(|(_, header)| resolved(&DOCUMENT, header)["required"] != false);
        for (header, _) in always {
            assert!(answer.header(header).is_some(), "no {header}: {answer:#?}");
        }
        check_content_of_headers(documented, answer);
    }
    let media_type = answer.header("content-type");
    if media_type == Some("text/html; charset=utf-8") {
        let is_link = operation.is_some_and(|(endpoint, _)| endpoint.access == Access::Link);
        assert!(is_link, "a page: {method} {path} {answer:#?}");
        return;
    }
    if *method == Method::HEAD {
        return;
    }
    match answer.status {
        204 | 304 => assert_eq!(*body, Value::Null),
        200..300 => {
            let schema = documented.map(|it| &it["content"]["application/json"]["schema"]);
            match schema {
                Some(schema) if schema.is_object() => {
                    assert_eq!(media_type, Some("application/json"));
                    if schema["$ref"] == "#/components/schemas/User" {
                        conforms(&USER, body);
                    } else {
                        conforms(&validator_of(schema.clone()), body);
                    }
                }
                _ => assert_eq!(*body, Value::Null, "{method} {path}"),
            }
        }
        status => {
            assert_eq!(media_type, Some("application/problem+json"), "{answer:#?}");
            conforms(&PROBLEM, body);
            assert_eq!(body["status"], status, "{answer:#?}");
        }
    }
}

/// Of headers whose text is JSON.
fn check_content_of_headers(documented: &Value, answer: &Answer) {
    for (name, header) in documented["headers"].as_object().into_iter().flatten() {
        let schema = &resolved(&DOCUMENT, header)["schema"];
        if schema["contentMediaType"] == "application/json" {
            let text = answer.header(name).unwrap_or_default();
            let content = serde_json::from_str(text).unwrap();
            conforms(&validator_of(schema["contentSchema"].clone()), &content);
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

fn routes_to((wanted_method, wanted): &(Method, &str), method: &Method, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let path = path.strip_suffix('/').unwrap_or(path);
    wanted_method == method
        && wanted.split('/').count() == path.split('/').count()
        && wanted
            .split('/')
            .zip(path.split('/'))
            .all(|(wanted, segment)| wanted.starts_with('{') || wanted == segment)
}
