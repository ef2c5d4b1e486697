//! openapi.yaml: the contract, made from the calls' facts and the wire's types.

use domain::link::Purpose;
use domain::{Timestamp, sample};
use roster_http::{
    Access, Answer, Body, Endpoint, Method, ProblemBody, Schema, UserBody, link_path, reason,
};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The whole document. What several operations have in common stands once, under `components`.
pub fn document(endpoints: &[&Endpoint]) -> Value {
    let mut document = Document::new();
    let mut paths = Map::new();
    for endpoint in endpoints {
        for (number, (method, path)) in endpoint.routes.iter().enumerate() {
            let operation = document.operation(endpoint, number);
            let item = paths.entry(*path).or_insert_with(|| json!({}));
            item[method.as_str().to_lowercase()] = operation;
        }
    }
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
        "components": document.into_components(),
    })
}

/// The target of `reference` in the document; `reference` itself if it is no reference.
pub fn resolved<'a>(document: &'a Value, reference: &'a Value) -> &'a Value {
    reference["$ref"]
        .as_str()
        .and_then(|pointer| document.pointer(pointer.trim_start_matches('#')))
        .unwrap_or(reference)
}

/// The document while it is made, with what its operations share.
struct Document {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
    problem: Value,
    responses: Map<String, Value>,
    parameters: Map<String, Value>,
    headers: Map<String, Value>,
}

impl Document {
    fn new() -> Self {
        let settings = || {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
            settings
        };
        let mut answers = settings().for_serialize().into_generator();
        Self {
            problem: answers.subschema_for::<ProblemBody<'_>>().to_value(),
            requests: settings().for_deserialize().into_generator(),
            answers,
            responses: Map::new(),
            parameters: Map::new(),
            headers: Map::new(),
        }
    }

    fn into_components(mut self) -> Value {
        let mut schemas = self.requests.take_definitions(true);
        schemas.append(&mut self.answers.take_definitions(true));
        schemas.sort_keys();
        for shared in [&mut self.responses, &mut self.parameters, &mut self.headers] {
            shared.sort_keys();
        }
        json!({
            "securitySchemes": {
                "api_key": { "type": "apiKey", "in": "header", "name": "X-API-KEY" },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "__Host-sessionid",
                    "description": "Set by login, with csrftoken; and, unless that is turned off, as \
                        sessionid and osessionid, too.",
                },
            },
            "headers": self.headers,
            "parameters": self.parameters,
            "responses": self.responses,
            "schemas": schemas,
        })
    }

    fn operation(&mut self, endpoint: &Endpoint, number: usize) -> Value {
        let (method, path) = &endpoint.routes[number];
        // An operation id must name one operation. Where a call has more routes, the ids of the others
        // get a number.
        let id = match number {
            0 => endpoint.name.to_owned(),
            number => format!("{}_{}", endpoint.name, number + 1),
        };
        let mut operation = json!({
            "operationId": id,
            "summary": endpoint.summary,
            "tags": [tag(path)],
            "security": security(endpoint.access),
            "parameters": self.parameters(endpoint, method, path),
        });
        let takes_body = !matches!(*method, Method::GET | Method::HEAD);
        if let Some(content) = self.request_body(&endpoint.body)
            && takes_body
        {
            operation["requestBody"] = json!({ "content": content });
        }
        let mut responses = Map::new();
        let mut statuses = [endpoint.statuses, endpoint.shared_statuses()].concat();
        statuses.sort_unstable();
        for status in statuses {
            responses.insert(status.to_string(), self.response(status, endpoint, path));
        }
        operation["responses"] = responses.into();
        operation
    }

    fn request_body(&mut self, body: &Body) -> Option<Value> {
        match body {
            Body::None => None,
            Body::Object { schema, example } => {
                let mut content = json!({ "schema": schema.generate(&mut self.requests) });
                if let Ok(example) = serde_json::from_str::<Value>(example) {
                    content["example"] = example;
                }
                Some(json!({ "application/json": content }))
            }
            Body::Form(schema) => {
                let schema = schema.generate(&mut self.requests);
                Some(json!({ "application/x-www-form-urlencoded": { "schema": schema } }))
            }
        }
    }

    /// A response, or a reference to it where other operations have the same.
    fn response(&mut self, status: u16, endpoint: &Endpoint, path: &str) -> Value {
        let Some(name) = shared_name(status, endpoint) else {
            return self.whole_response(status, endpoint, path);
        };
        if !self.responses.contains_key(&name) {
            let response = self.whole_response(status, endpoint, path);
            self.responses.insert(name.clone(), response);
        }
        json!({ "$ref": format!("#/components/responses/{name}") })
    }

    fn whole_response(&mut self, status: u16, endpoint: &Endpoint, path: &str) -> Value {
        let mut response = json!({ "description": description(status, endpoint) });
        response["headers"] = self.response_headers(status, endpoint);
        if status < 300 {
            if let Some(content) = self.content(&endpoint.answer) {
                response["content"] = content;
            }
        } else if status != 304 {
            response["content"] = json!({
                "application/problem+json": {
                    "schema": self.problem,
                    "example": problem_example(status, endpoint, path),
                },
            });
            if let Answer::Page = endpoint.answer {
                response["content"]["text/html"] = json!({});
            }
        }
        response
    }

    /// The content of a successful answer.
    fn content(&mut self, answer: &Answer) -> Option<Value> {
        let (schema, example) = match answer {
            Answer::Nothing => return None,
            Answer::Page => return Some(json!({ "text/html": {} })),
            Answer::User => (Schema::of::<UserBody<'_>>(), Some(user_example())),
            Answer::Json(schema) => (*schema, None),
        };
        let mut content = json!({ "schema": schema.generate(&mut self.answers) });
        if let Some(example) = example {
            content["example"] = example;
        }
        Some(json!({ "application/json": content }))
    }

    fn response_headers(&mut self, status: u16, endpoint: &Endpoint) -> Value {
        let mut headers = json!({
            "Cache-Control": self.header("Cache-Control", "Always no-store."),
            "Strict-Transport-Security": self.header(
                "Strict-Transport-Security",
                "The host is to be asked by HTTPS alone.",
            ),
            "X-Content-Type-Options": self.header("X-Content-Type-Options", "Always nosniff."),
        });
        let answers_user = matches!(endpoint.answer, Answer::User);
        if answers_user && matches!(status, 200 | 201 | 304) {
            let description = "The user's version, a strong entity tag.";
            headers["ETag"] = self.header("ETag", description);
        }
        if status == 201 {
            headers["Location"] = self.header("Location", "The new user's path.");
        }
        if status == 200 && endpoint.access == Access::SignIn {
            let cookies = "__Host-sessionid, sessionid, osessionid, csrftoken and __Host-device.";
            headers["Set-Cookie"] = self.header("Set-Cookie", cookies);
        }
        if status == 429 {
            headers["Retry-After"] = self.header("Retry-After", "Seconds.");
        }
        headers
    }

    fn header(&mut self, name: &str, description: &str) -> Value {
        let header = json!({ "description": description, "schema": { "type": "string" } });
        self.headers.entry(name).or_insert(header);
        json!({ "$ref": format!("#/components/headers/{name}") })
    }

    fn parameters(&mut self, endpoint: &Endpoint, method: &Method, path: &str) -> Value {
        let in_path = path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        let mut parameters: Vec<Value> = in_path
            .map(|name| {
                let schema = match name {
                    "user_id" | "user_id_key" => {
                        json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" })
                    }
                    "signed_email" => json!({ "type": "string" }),
                    _ => json!({ "type": "string", "format": "uuid" }),
                };
                let parameter = json!({
                    "name": name, "in": "path", "required": true, "schema": schema,
                    "example": example_parameter(path, name),
                });
                // Its example depends on the purpose of the links, so it is not shared.
                match name {
                    "signed_email" => parameter,
                    _ => self.parameter(&format!("{}.{name}", tag(path)), parameter),
                }
            })
            .collect();
        let header = |name: &str, description: &str, is_required: bool| {
            json!({
                "name": name, "in": "header", "required": is_required,
                "description": description, "schema": { "type": "string" },
            })
        };
        let mut add = |name, description, is_required| {
            let parameter = header(name, description, is_required);
            parameters.push(self.parameter(name, parameter));
        };
        if endpoint.statuses.contains(&304) {
            let description = "Entity tags; 304 when the user has one of them.";
            add("If-None-Match", description, false);
        }
        if endpoint.statuses.contains(&412) {
            let description = "Entity tags; 412 unless the user has one of them.";
            add("If-Match", description, false);
        }
        if endpoint.access == Access::Session && *method != Method::GET {
            add("X-CSRFToken", "The value of the cookie csrftoken.", true);
        }
        if endpoint.access == Access::Write {
            add(
                "Idempotency-Key",
                "1 to 255 printable characters that name this request: a repeat answers success and \
                 changes nothing.",
                false,
            );
        }
        parameters.into()
    }

    fn parameter(&mut self, name: &str, parameter: Value) -> Value {
        self.parameters.entry(name).or_insert(parameter);
        json!({ "$ref": format!("#/components/parameters/{name}") })
    }
}

/// The name of a response under which all operations that have the same refer to it.
fn shared_name(status: u16, endpoint: &Endpoint) -> Option<String> {
    let is_get = endpoint.route().0 == Method::GET;
    let who = match (status, &endpoint.answer) {
        (304, _) | (..300, Answer::User) => "User",
        (..300, Answer::Page) => "Page",
        (..300, Answer::Nothing) => "Nothing",
        (..300, Answer::Json(_)) => return None,
        _ => match endpoint.access {
            Access::Read => "Reader",
            Access::Write => "Writer",
            Access::Session if is_get => "PersonReads",
            Access::Session => "Person",
            Access::SignIn => "SignIn",
            Access::Link => "Link",
        },
    };
    Some(format!("{who}.{status}"))
}

fn security(access: Access) -> Value {
    match access {
        Access::Read | Access::Write => json!([{ "api_key": [] }]),
        Access::Session => json!([{ "session": [] }]),
        Access::SignIn | Access::Link => json!([]),
    }
}

/// The resource of a path: its last literal plural, or the users.
fn tag(path: &str) -> &str {
    let mut literals = path.split('/').filter(|segment| !segment.starts_with('{'));
    match literals.rfind(|segment| segment.ends_with('s') || *segment == "username") {
        _ if path.starts_with("/users") => "account",
        Some("username") => "usernames",
        Some(plural) => plural,
        None => "users",
    }
}

/// The example of a path's parameter in documentation and sample events.
pub fn example_parameter(path: &str, name: &str) -> String {
    let user = sample::published();
    match name {
        "user_id" => user.id().to_string(),
        "user_id_key" => sample::PERSON.to_owned(),
        "signed_email" => sample::link_token(purpose(path)),
        _ if path.starts_with("/users") => sample::PENDING_EMAIL.to_owned(),
        _ => {
            let id = match tag(path) {
                "phones" => user.phones().ids().next(),
                _ => user.emails().ids().next(),
            };
            id.map(|id| id.to_string()).unwrap_or_default()
        }
    }
}

/// The purpose of the links of a path.
fn purpose(path: &str) -> Purpose {
    let all = [
        Purpose::VerifyEmail,
        Purpose::UndoEmailChange,
        Purpose::ResetPassword,
    ];
    all.into_iter()
        .find(|purpose| link_path(*purpose) == path)
        .unwrap_or(Purpose::SetPrimaryEmail)
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
    let answers_user = matches!(endpoint.answer, Answer::User);
    match status {
        200 if answers_user => "The user after this very write, or as it is.",
        200 if matches!(endpoint.answer, Answer::Page) => {
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

fn problem_example(status: u16, endpoint: &Endpoint, path: &str) -> Value {
    let needs_key = endpoint.access.needs_key();
    let detail = match status {
        400 if endpoint.access == Access::Link => "This link is not valid.",
        400 => "The body is not JSON.",
        401 if needs_key => "The request needs a valid API key in the header X-API-KEY.",
        401 if endpoint.access == Access::SignIn => {
            "The identifier or the password is not right, or this account can't sign in."
        }
        401 => "You are not signed in.",
        403 if endpoint.access == Access::Write => "This API key may only read.",
        403 if endpoint.access == Access::Read => "This API key may not use the API.",
        403 if endpoint.access == Access::Link || endpoint.route().0 == Method::GET => {
            "This service is reached another way."
        }
        403 => "The request does not come from a page of this service, or lacks its CSRF token.",
        404 => "There is no such user.",
        409 => "Other changes to the same user were in the way. Look at the user and try again.",
        412 => "The user has changed since the version that If-Match names.",
        413 => "The body may have at most 262144 bytes.",
        422 => "One or more members are not valid.",
        429 => "There are too many requests; try again later.",
        503 => "The directory can't reach its store. Try again.",
        _ => "The service failed.",
    };
    let mut problem = json!({
        "type": format!("https://httpstatuses.io/{status}"),
        "title": reason(status),
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
