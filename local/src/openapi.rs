//! openapi.yaml: the contract, made from the calls' facts and the wire's types.

use domain::link::Purpose;
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
        for (number, (method, path)) in endpoint.routes.iter().enumerate() {
            let operation = operation(endpoint, number, &mut requests, &mut answers, &problem);
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
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "__Host-sessionid",
                    "description": "Set by login, with csrftoken; and, unless that is turned off, as \
                        sessionid and osessionid, too.",
                },
            },
            "schemas": schemas,
        },
    })
}

fn operation(
    endpoint: &Endpoint,
    number: usize,
    requests: &mut SchemaGenerator,
    answers: &mut SchemaGenerator,
    problem: &Value,
) -> Value {
    let (method, path) = &endpoint.routes[number];
    // An operation id names one operation: where a call has more routes, the others are numbered.
    let id = match number {
        0 => endpoint.name.to_owned(),
        number => format!("{}_{}", endpoint.name, number + 1),
    };
    let mut operation = json!({
        "operationId": id,
        "summary": endpoint.summary,
        "tags": [tag(path)],
        "security": security(endpoint.access),
        "parameters": parameters(endpoint, method, path),
    });
    let takes_body = !matches!(*method, Method::GET | Method::HEAD);
    if let Some(schema) = endpoint.body.generate(requests)
        && takes_body
    {
        let mut content = json!({ "schema": schema });
        if let Ok(example) = serde_json::from_str::<Value>(endpoint.example) {
            content["example"] = example;
        }
        let media_type = match endpoint.access {
            Access::Link => "application/x-www-form-urlencoded",
            _ => "application/json",
        };
        operation["requestBody"] = json!({ "content": { media_type: content } });
    }
    let mut responses = Map::new();
    let mut statuses = [endpoint.statuses, endpoint.shared_statuses()].concat();
    statuses.sort_unstable();
    for status in statuses {
        let mut response = json!({ "description": description(status, endpoint) });
        response["headers"] = headers(status, endpoint);
        if status < 300 {
            let answer = endpoint.answer.generate(answers);
            if let Some(content) = content(answer, endpoint) {
                response["content"] = content;
            }
        } else if status != 304 {
            response["content"] = json!({
                "application/problem+json": {
                    "schema": problem,
                    "example": problem_example(status, endpoint, path),
                },
            });
            if endpoint.access == Access::Link {
                response["content"]["text/html"] = json!({});
            }
        }
        responses.insert(status.to_string(), response);
    }
    operation["responses"] = responses.into();
    operation
}

fn security(access: Access) -> Value {
    match access {
        Access::Read | Access::Write => json!([{ "api_key": [] }]),
        Access::Session => json!([{ "session": [] }]),
        Access::SignIn | Access::Link => json!([]),
    }
}

/// What a successful answer holds.
fn content(answer: Option<schemars::Schema>, endpoint: &Endpoint) -> Option<Value> {
    if endpoint.access == Access::Link {
        return Some(json!({ "text/html": {} }));
    }
    let schema = answer?.to_value();
    let mut content = json!({ "schema": schema });
    if endpoint.access.needs_key() {
        content["example"] = user_example();
    }
    Some(json!({ "application/json": content }))
}

/// The resource that a path is about: its last literal plural, or the users.
fn tag(path: &str) -> &'static str {
    if path.starts_with("/users") {
        "account"
    } else if path.contains("/emails") {
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
            let schema = match name {
                "user_id" | "user_id_key" => {
                    json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" })
                }
                "signed_email" => json!({ "type": "string" }),
                _ => json!({ "type": "string", "format": "uuid" }),
            };
            json!({
                "name": name, "in": "path", "required": true, "schema": schema,
                "example": example_parameter(path, name),
            })
        })
        .collect();
    if *method == Method::GET && endpoint.access.needs_key() {
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
    if endpoint.access == Access::Session && *method != Method::GET {
        parameters.push(json!({
            "name": "X-CSRFToken", "in": "header", "required": true,
            "description": "The value of the cookie csrftoken.",
            "schema": { "type": "string" },
        }));
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

/// What documentation and sample events use for a parameter of a path.
pub fn example_parameter(path: &str, name: &str) -> String {
    let user = sample::published();
    match name {
        "user_id" => user.id().to_string(),
        "user_id_key" => sample::PERSON.to_owned(),
        "signed_email" => sample::link_token(purpose(path)),
        _ if path.starts_with("/users") => sample::PENDING_EMAIL.to_owned(),
        _ => user
            .emails()
            .ids()
            .next()
            .map(|id| id.to_string())
            .unwrap_or_default(),
    }
}

/// What the links of a path do.
fn purpose(path: &str) -> Purpose {
    match path.split('/').nth(2) {
        Some("email-verify") => Purpose::VerifyEmail,
        Some("email-undo") => Purpose::UndoEmailChange,
        Some("password-reset") => Purpose::ResetPassword,
        _ => Purpose::SetPrimaryEmail,
    }
}

/// A route's path with the samples' ids in place of its parameters.
pub fn example_path(route: &str) -> String {
    route
        .split('/')
        .map(|segment| {
            match segment
                .strip_prefix('{')
                .and_then(|name| name.strip_suffix('}'))
            {
                Some(name) => example_parameter(route, name),
                None => segment.to_owned(),
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}

fn user_example() -> Value {
    let user = sample::published();
    let now = Timestamp::from_unix(user.creation_time().as_unix());
    serde_json::to_value(UserBody::of(&user, now)).unwrap_or_default()
}

fn description(status: u16, endpoint: &Endpoint) -> &'static str {
    let needs_key = endpoint.access.needs_key();
    match status {
        200 if needs_key => "The user after this very write, or as it is.",
        200 if endpoint.access == Access::Link => {
            "A page; or, for a caller that accepts JSON alone, done, without a body."
        }
        200 => "Done, or as it is.",
        201 => "The new user.",
        204 => "Done; there is no body.",
        304 => "The caller has the current version.",
        400 if endpoint.access == Access::Link => "The link is not valid, or can't do this now.",
        400 if needs_key => "The body or a header is malformed.",
        400 => "The body is malformed, or what it asks for is refused: errors say which member.",
        401 if needs_key => "The API key is missing or not valid.",
        401 if endpoint.access == Access::SignIn => "Refused, without a word about why.",
        401 => "There is no session, or it is over.",
        403 if endpoint.access == Access::Read => {
            "The key is in no list of keys, or the caller's address may not use the management API."
        }
        403 if endpoint.access == Access::Write => {
            "The key may only read or is in no list of keys, or the caller's address may not use \
             the management API."
        }
        403 if endpoint.access == Access::SignIn => {
            "The request comes from another site; or the password is right and must be changed."
        }
        403 if endpoint.access == Access::Link || endpoint.route().0 == Method::GET => {
            "CloudFront stands before the API, and the request comes past it."
        }
        403 => {
            "The request comes from another site, or past CloudFront where that stands before the \
                API, or lacks the CSRF token of its session."
        }
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
        429 => "Too many requests, or too many attempts.",
        503 => "The store, or the key of links, can't be reached.",
        _ => "A fault of the service.",
    }
}

fn headers(status: u16, endpoint: &Endpoint) -> Value {
    let header =
        |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    let mut headers = json!({
        "Cache-Control": header("Always no-store."),
        "Strict-Transport-Security": header("The host is to be asked by HTTPS alone."),
        "X-Content-Type-Options": header("Always nosniff."),
    });
    if matches!(status, 200 | 201 | 304) && endpoint.access.needs_key() {
        headers["ETag"] = header("The user's version, a strong entity tag.");
    }
    if status == 201 {
        headers["Location"] = header("The new user's path.");
    }
    if status == 200 && endpoint.access == Access::SignIn {
        headers["Set-Cookie"] =
            header("__Host-sessionid, sessionid, osessionid, csrftoken and __Host-device.");
    }
    if status == 429 {
        headers["Retry-After"] = header("Seconds.");
    }
    headers
}

fn problem_example(status: u16, endpoint: &Endpoint, path: &str) -> Value {
    let needs_key = endpoint.access.needs_key();
    let (title, detail) = match status {
        400 if endpoint.access == Access::Link => ("Bad Request", "This link is not valid."),
        400 => ("Bad Request", "The body is not JSON."),
        401 if needs_key => (
            "Unauthorized",
            "The request needs a valid API key in the header X-API-KEY.",
        ),
        401 if endpoint.access == Access::SignIn => (
            "Unauthorized",
            "The identifier or the password is not right, or this account can't sign in.",
        ),
        401 => ("Unauthorized", "You are not signed in."),
        403 if endpoint.access == Access::Write => ("Forbidden", "This API key may only read."),
        403 if endpoint.access == Access::Read => {
            ("Forbidden", "This API key may not use the API.")
        }
        403 if endpoint.access == Access::Link || endpoint.route().0 == Method::GET => {
            ("Forbidden", "This service is reached another way.")
        }
        403 => (
            "Forbidden",
            "The request does not come from a page of this service, or lacks its CSRF token.",
        ),
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
        "traceId": "8a9d4b3e-3f5c-4d8e-9a61-0c6f6f1f7c55",
    });
    if status == 422 {
        problem["type"] = "https://httpstatuses.io/422#validation-error".into();
        problem["errors"] = json!({ "user_id": [
            "must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -, and not \"groups\"",
        ] });
    }
    problem
}
