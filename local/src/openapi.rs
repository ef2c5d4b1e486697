//! openapi.yaml: the contract, made from the calls' facts and the wire's types.

use domain::{Timestamp, sample};
use roster_http::{Access, Endpoint, Method, ProblemBody, UserBody};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The whole document.
pub fn document(endpoints: &[&Endpoint]) -> Value {
    let settings = || {
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        settings
    };
    let mut requests = settings().for_deserialize().into_generator();
    let mut answers = settings().for_serialize().into_generator();
    let problem = answers.subschema_for::<ProblemBody<'_>>().to_value();
    let mut paths = Map::new();
    for endpoint in endpoints {
        for (method, path) in endpoint.routes {
            let operation = operation(
                endpoint,
                method,
                path,
                &mut requests,
                &mut answers,
                &problem,
            );
            let item = paths.entry(*path).or_insert_with(|| json!({}));
            item[method.as_str().to_lowercase()] = operation;
        }
    }
    let mut schemas = requests.take_definitions(true);
    schemas.append(&mut answers.take_definitions(true));
    schemas.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Roster",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A user directory that runs serverless. Times are Unix seconds. \
                Errors are problem+json (RFC 9457).",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [
            {
                "url": "https://{api}.execute-api.{region}.amazonaws.com/prod",
                "description": "A deployment.",
                "variables": {
                    "api": { "default": "example" },
                    "region": { "default": "eu-west-1" },
                },
            },
            { "url": "http://127.0.0.1:9080", "description": "`cargo run`." },
        ],
        "security": [{ "api_key": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "api_key": { "type": "apiKey", "in": "header", "name": "X-API-KEY" },
            },
            "schemas": schemas,
        },
    })
}

fn operation(
    endpoint: &Endpoint,
    method: &Method,
    path: &str,
    requests: &mut SchemaGenerator,
    answers: &mut SchemaGenerator,
    problem: &Value,
) -> Value {
    let mut operation = json!({
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [tag(path)],
        "parameters": parameters(endpoint, method, path),
    });
    if let Some(schema) = endpoint.body.generate(requests) {
        let example: Value = serde_json::from_str(endpoint.example).unwrap_or_default();
        operation["requestBody"] = json!({
            "content": { "application/json": { "schema": schema, "example": example } },
        });
    }
    let mut responses = Map::new();
    let mut statuses = [endpoint.statuses, Endpoint::SHARED_STATUSES].concat();
    statuses.sort_unstable();
    for status in statuses {
        let mut response = json!({ "description": description(status) });
        match status {
            200 | 201 => {
                if let Some(schema) = endpoint.answer.generate(answers) {
                    response["content"] = json!({
                        "application/json": { "schema": schema, "example": user_example() },
                    });
                    response["headers"] = headers(status);
                }
            }
            204 | 304 => response["headers"] = headers(status),
            _ => {
                response["content"] = json!({
                    "application/problem+json": {
                        "schema": problem,
                        "example": problem_example(status, path),
                    },
                });
                response["headers"] = headers(status);
            }
        }
        responses.insert(status.to_string(), response);
    }
    operation["responses"] = responses.into();
    operation
}

/// The resource that a path is about: its last literal plural, or the users.
fn tag(path: &str) -> &'static str {
    if path.contains("/emails") {
        "emails"
    } else if path.contains("/username") {
        "usernames"
    } else {
        "users"
    }
}

fn parameters(endpoint: &Endpoint, method: &Method, path: &str) -> Value {
    let header = |name: &str, description: &str| {
        json!({
            "name": name, "in": "header", "required": false, "description": description,
            "schema": { "type": "string" },
        })
    };
    let mut parameters: Vec<Value> = path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let schema = if name == "user_id" {
                json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" })
            } else {
                json!({ "type": "string", "format": "uuid" })
            };
            json!({
                "name": name, "in": "path", "required": true, "schema": schema,
                "example": example_parameter(name),
            })
        })
        .collect();
    if *method == Method::GET {
        parameters.push(header(
            "If-None-Match",
            "Entity tags; 304 when the user has one of them.",
        ));
    }
    if endpoint.statuses.contains(&412) {
        parameters.push(header(
            "If-Match",
            "Entity tags; 412 unless the user has one of them.",
        ));
    }
    if endpoint.access == Access::Write {
        parameters.push(header(
            "Idempotency-Key",
            "1 to 255 printable characters that name this request: a repeat answers success and \
             changes nothing.",
        ));
    }
    parameters.into()
}

/// The id that documentation and sample events use for a path parameter.
pub fn example_parameter(name: &str) -> String {
    let user = sample::published();
    match name {
        "user_id" => user.id.to_string(),
        _ => user
            .emails
            .keys()
            .map(ToString::to_string)
            .next()
            .unwrap_or_default(),
    }
}

/// A route's path with the sample user's ids in place of its parameters.
pub fn example_path(route: &str) -> String {
    ["user_id", "identifier_id"]
        .into_iter()
        .fold(route.to_owned(), |path, name| {
            path.replace(&format!("{{{name}}}"), &example_parameter(name))
        })
}

fn user_example() -> Value {
    let user = sample::published();
    let now = Timestamp::from_unix(user.creation_time.as_unix());
    serde_json::to_value(UserBody::of(&user, now)).unwrap_or_default()
}

fn description(status: u16) -> &'static str {
    match status {
        200 => "The user after this very write, or as it is.",
        201 => "The new user.",
        204 => "Done; there is no body.",
        304 => "The caller has the current version.",
        400 => "The body or a header is malformed.",
        401 => "The API key is missing or not valid.",
        403 => "The key may not do this, or the caller's address may not use the API.",
        404 => "No such user, or the user has no such part.",
        409 => {
            "Other writers were in the way; or, for the repeat of a create, its user has been \
                deleted since."
        }
        412 => "The user has another version than If-Match names.",
        413 => "The body is too large.",
        422 => {
            "Members that are not valid (#validation-error), or broken rules \
                (#identity-validation-error)."
        }
        429 => "Too many requests.",
        503 => "The store can't be reached.",
        _ => "A fault of the service.",
    }
}

fn headers(status: u16) -> Value {
    let header =
        |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    let mut headers = json!({ "Cache-Control": header("Always no-store.") });
    if matches!(status, 200 | 201 | 304) {
        headers["ETag"] = header("The user's version, a strong entity tag.");
    }
    if status == 201 {
        headers["Location"] = header("The new user's path.");
    }
    if status == 429 {
        headers["Retry-After"] = header("Seconds.");
    }
    headers
}

fn problem_example(status: u16, path: &str) -> Value {
    let (title, detail) = match status {
        400 => ("Bad Request", "The body is not JSON."),
        401 => (
            "Unauthorized",
            "The request needs a valid API key in the header X-API-KEY.",
        ),
        403 => ("Forbidden", "This API key may only read."),
        404 => ("Not Found", "There is no such user."),
        409 => (
            "Conflict",
            "Other changes to the same user were in the way. Look at the user and try again.",
        ),
        412 => (
            "Precondition Failed",
            "The user has changed since the version that If-Match names.",
        ),
        413 => (
            "Content Too Large",
            "The body may have at most 262144 bytes.",
        ),
        422 => (
            "Unprocessable Content",
            "One or more members are not valid.",
        ),
        429 => (
            "Too Many Requests",
            "There are too many requests; try again later.",
        ),
        503 => (
            "Service Unavailable",
            "The directory can't reach its store. Try again.",
        ),
        _ => ("Internal Server Error", "The service failed."),
    };
    let mut problem = json!({
        "type": format!("https://httpstatuses.io/{status}"),
        "title": title,
        "status": status,
        "detail": detail,
        "instance": example_path(path),
        "trace_id": "8a9d4b3e-3f5c-4d8e-9a61-0c6f6f1f7c55",
    });
    if status == 422 {
        problem["type"] = "https://httpstatuses.io/422#validation-error".into();
        problem["errors"] = json!({ "user_id": [
            "must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -, and not \"groups\"",
        ] });
    }
    problem
}
