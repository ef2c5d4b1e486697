//! openapi.yaml: the contract, made from the calls' facts and the wire's types.

use domain::link::Purpose;
use domain::{Timestamp, UserId, sample};
use roster_http::{
    Access, Answer, Body, Endpoint, GroupBody, MAX_LINES, Method, Pagination, ProblemBody, Schema,
    UserBody, link_path, reason, schema,
};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The header that proves a request to come from a page of the session's own.
const CSRF_TOKEN: &str = "X-CSRFToken";

/// The whole document. What several operations have in common stands once, under `components`.
pub fn document(endpoints: &[&Endpoint]) -> Value {
    let mut document = Document::new();
    let mut paths = Map::new();
    document.links = links(endpoints);
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
    /// Parameters have no names of their own.
    queries: SchemaGenerator,
    answers: SchemaGenerator,
    problem: Value,
    pagination: Value,
    responses: Map<String, Value>,
    parameters: Map<String, Value>,
    headers: Map<String, Value>,
    links: Map<String, Value>,
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
        let mut of_queries = settings().for_deserialize();
        of_queries.inline_subschemas = true;
        Self {
            problem: answers.subschema_for::<ProblemBody<'_>>().to_value(),
            pagination: answers.subschema_for::<Pagination>().to_value(),
            requests: settings().for_deserialize().into_generator(),
            queries: of_queries.into_generator(),
            answers,
            responses: Map::new(),
            parameters: Map::new(),
            headers: Map::new(),
            links: Map::new(),
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
            "links": self.links,
            "parameters": self.parameters,
            "responses": self.responses,
            "schemas": schemas,
        })
    }

    fn operation(&mut self, endpoint: &Endpoint, number: usize) -> Value {
        let (method, path) = &endpoint.routes[number];
        // An operation id must name one operation. Where a call has more routes, the ids of the others
        // get a number, or the kind of grants that the route is about.
        let id = match (number, grant_kind(path)) {
            (0, _) => endpoint.name.to_owned(),
            (_, Some(kind)) => format!("{}_{kind}", endpoint.name),
            (number, None) => format!("{}_{}", endpoint.name, number + 1),
        };
        let mut operation = json!({
            "operationId": id,
            "summary": endpoint.summary,
            "description": endpoint.description,
            "tags": [tag(path)],
            "security": security(endpoint.access),
            "parameters": self.parameters(endpoint, method, path),
        });
        let takes_body = !matches!(*method, Method::GET | Method::HEAD);
        if let Some(body) = self.request_body(&endpoint.body)
            && takes_body
        {
            operation["requestBody"] = body;
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
        let (schema, media_type) = match body {
            Body::None => return None,
            Body::Object { schema, .. } => (schema, "application/json"),
            Body::Form(schema) => (schema, "application/x-www-form-urlencoded"),
            Body::Lines { schema, example } => return Some(self.lines(*schema, example)),
        };
        let schema = schema.generate(&mut self.requests).to_value();
        let has_required_members = self.definition(&schema)["required"].is_array();
        let mut content = json!({ "schema": schema });
        if let Ok(example) = serde_json::from_str::<Value>(body.example()) {
            content["example"] = example;
        }
        // An empty body is an empty object.
        Some(json!({ "required": has_required_members, "content": { media_type: content } }))
    }

    /// A body of many objects. OpenAPI 3.1 has no words for the lines of NDJSON.
    fn lines(&mut self, schema: Schema, example: &str) -> Value {
        let object = schema.generate(&mut self.requests).to_value();
        let element: Value = serde_json::from_str(example).unwrap_or_default();
        let lines = "JSON objects, each in a line of its own, as in the array.";
        json!({ "required": true, "content": {
            "application/json": {
                "schema": { "type": "array", "items": object, "maxItems": MAX_LINES },
                "example": [element],
            },
            "application/x-ndjson": {
                "schema": { "type": "string", "format": "binary", "description": lines },
                "example": example,
            },
        }})
    }

    /// What a request's schema stands for, if it is a reference.
    fn definition<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let name = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next());
        name.and_then(|name| self.requests.definitions().get(name))
            .unwrap_or(schema)
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
        if status == 201 && matches!(endpoint.answer, Answer::User) {
            let links = self.links.keys().map(|name| {
                let link = json!({ "$ref": format!("#/components/links/{name}") });
                (name.clone(), link)
            });
            response["links"] = links.collect::<Map<_, _>>().into();
        }
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
            Answer::Group => (Schema::of::<GroupBody<'_>>(), None),
            Answer::Json(schema) | Answer::List(schema) => (*schema, None),
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
        let is_tagged = match endpoint.answer {
            Answer::User | Answer::Group => true,
            // A part of the user, where it has the user's versions.
            Answer::Json(_) => [304, 412].iter().any(|one| endpoint.statuses.contains(one)),
            Answer::List(_) | Answer::Nothing | Answer::Page => false,
        };
        if is_tagged && matches!(status, 200 | 201 | 304) {
            let description = "The version of the user or group, a strong entity tag.";
            headers["ETag"] = self.header("ETag", description);
        }
        if status == 200 && matches!(endpoint.answer, Answer::List(_)) {
            headers["x-pagination"] = self.pagination_header();
        }
        if status == 200 && self.takes_cursor(endpoint) {
            headers["x-next-cursor"] = self.cursor_header();
        }
        if status == 201 {
            headers["Location"] = self.header("Location", "The path of what was made.");
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
        self.header_of(name, description, json!({ "type": "string" }))
    }

    fn header_of(&mut self, name: &str, description: &str, schema: Value) -> Value {
        let header = json!({ "description": description, "schema": schema });
        self.headers.entry(name).or_insert(header);
        json!({ "$ref": format!("#/components/headers/{name}") })
    }

    /// A text of JSON.
    fn pagination_header(&mut self) -> Value {
        let schema = json!({
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": self.pagination,
        });
        self.header_of(
            "x-pagination",
            "How much of the list there is, as JSON.",
            schema,
        )
    }

    /// A header that is there only where there is a next page.
    fn cursor_header(&mut self) -> Value {
        const NAME: &str = "x-next-cursor";
        let reference = self.header(NAME, "The cursor of the next page, if there is one.");
        self.headers[NAME]["required"] = false.into();
        reference
    }

    fn takes_cursor(&mut self, endpoint: &Endpoint) -> bool {
        let mut schemas = endpoint.query.iter();
        schemas.any(|schema| {
            let schema = schema.generate(&mut self.queries).to_value();
            schema["properties"]["cursor"].is_object()
        })
    }

    fn parameters(&mut self, endpoint: &Endpoint, method: &Method, path: &str) -> Value {
        let in_path = path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        let mut parameters: Vec<Value> = in_path
            .map(|name| {
                let schema = match name {
                    "user_id" | "user_id_key" => json!({
                        "type": "string",
                        "pattern": "^[A-Za-z0-9_-]{1,64}$",
                        // A path that goes on so is another one.
                        "not": { "enum": UserId::RESERVED },
                    }),
                    // Base64url without padding: no such text has one character after its groups of four.
                    "passkey_id" => json!({
                        "type": "string",
                        "pattern": "^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-]{2,3})?$",
                        "minLength": 2,
                        "maxLength": 1364,
                    }),
                    "signed_email" | "grant_id" => json!({ "type": "string" }),
                    "session_id" => json!({ "type": "string", "pattern": "^[0-9A-F]{32}$" }),
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
        parameters.extend(self.query_parameters(endpoint, path));
        let mut add = |name: &str, description: &str, schema: Value| {
            let parameter = json!({
                "name": name, "in": "header", "required": name == CSRF_TOKEN,
                "description": description, "schema": schema,
            });
            parameters.push(self.parameter(name, parameter));
        };
        let entity_tags = || json!({ "type": "string", "pattern": schema::ENTITY_TAGS });
        if endpoint.statuses.contains(&304) {
            let description = "Entity tags, at most 32; 304 when the user has one of them.";
            add("If-None-Match", description, entity_tags());
        }
        if endpoint.statuses.contains(&412) {
            let description =
                "Entity tags, at most 32; 412 unless the user or group has one of them.";
            add("If-Match", description, entity_tags());
        }
        if endpoint.access == Access::Session && *method != Method::GET {
            let description = "The value of the cookie csrftoken.";
            add(CSRF_TOKEN, description, json!({ "type": "string" }));
        }
        if endpoint.access == Access::Write {
            add(
                "Idempotency-Key",
                "1 to 255 printable characters that name this request: a repeat answers success and \
                 changes nothing.",
                json!({ "type": "string", "pattern": schema::IDEMPOTENCY_KEY }),
            );
        }
        parameters.into()
    }

    fn query_parameters(&mut self, endpoint: &Endpoint, path: &str) -> Vec<Value> {
        let mut parameters = Vec::new();
        for schema in endpoint.query {
            let schema = schema.generate(&mut self.queries).to_value();
            for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
                let mut schema = schema.clone();
                let members = schema.as_object_mut();
                let description = members.and_then(|members| members.remove("description"));
                let parameter = json!({
                    "name": name, "in": "query", "description": description, "schema": schema,
                });
                let mut shared = match name.as_str() {
                    "page" | "size" => name.clone(),
                    name => format!("{}.{name}", tag(path)),
                };
                // Two lists of one resource may have orders of their own.
                let other = self.parameters.get(&shared);
                if other.is_some_and(|other| *other != parameter) {
                    shared = format!("{}.{name}", endpoint.name);
                }
                parameters.push(self.parameter(&shared, parameter));
            }
        }
        parameters
    }

    fn parameter(&mut self, name: &str, parameter: Value) -> Value {
        self.parameters.entry(name).or_insert(parameter);
        json!({ "$ref": format!("#/components/parameters/{name}") })
    }
}

/// Where a user who was just created goes on: every call whose path needs nothing but ids that the
/// user's body holds.
fn links(endpoints: &[&Endpoint]) -> Map<String, Value> {
    let link = |endpoint: &&Endpoint| {
        let (_, path) = endpoint.route();
        let names = path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        let mut parameters = Map::new();
        for name in names {
            let pointer = match (name, tag(path)) {
                ("user_id", _) => "user_id",
                ("identifier_id", "emails") => "emails/0/id",
                ("identifier_id", "phones") => "phone_numbers/0/id",
                _ => return None,
            };
            let value = format!("$response.body#/{pointer}");
            parameters.insert(name.to_owned(), value.into());
        }
        let link = json!({ "operationId": endpoint.name, "parameters": parameters });
        Some((endpoint.name.to_owned(), link))
    };
    let of_a_user = endpoints
        .iter()
        .filter(|endpoint| endpoint.access.needs_key() && endpoint.route().1.contains("{user_id}"));
    of_a_user.filter_map(link).collect()
}

/// The name of a response under which all operations that have the same refer to it.
fn shared_name(status: u16, endpoint: &Endpoint) -> Option<String> {
    let is_get = endpoint.route().0 == Method::GET;
    let who = match (status, &endpoint.answer) {
        (304, _) | (..300, Answer::User) => "User",
        (..300, Answer::Page) => "Page",
        (..300, Answer::Nothing) => "Nothing",
        (..300, Answer::Group | Answer::Json(_) | Answer::List(_)) => return None,
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

/// The resource that a path is about: its last literal that names one, in the plural.
fn tag(path: &str) -> &str {
    if path.starts_with("/users") {
        return "account";
    }
    if grant_kind(path).is_some() {
        return "grants";
    }
    let mut literals = path.rsplit('/').filter(|segment| !segment.starts_with('{'));
    let resource = literals.find_map(|segment| match segment {
        "username" => Some("usernames"),
        "password" => Some("passwords"),
        "private_data" | "public_data" => Some("data"),
        "external_authenticator" => Some("external_authenticators"),
        plural => plural.ends_with('s').then_some(plural),
    });
    resource.unwrap_or("users")
}

/// The kind of grants that a path is about, if it is about some.
fn grant_kind(path: &str) -> Option<&str> {
    let (_, kind) = path.split_once("/grants/")?;
    kind.split('/').next()
}

/// The example of a path's parameter in documentation and sample events.
pub fn example_parameter(path: &str, name: &str) -> String {
    let user = sample::published();
    match name {
        "user_id" => user.id().to_string(),
        "user_id_key" => sample::PERSON.to_owned(),
        "passkey_id" => {
            let passkey = user.passkeys().first();
            passkey
                .map(|own| own.passkey_id.clone())
                .unwrap_or_default()
        }
        "signed_email" => sample::link_token(purpose(path)),
        "session_id" => sample::session_token().session_id.to_string(),
        "group_id" => sample::GROUP.to_owned(),
        "grant_id" => "sample".to_owned(),
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
        200 if matches!(endpoint.answer, Answer::List(_)) => "One page of the list.",
        200 if matches!(endpoint.body, Body::Lines { .. }) => "What became of each line.",
        200 => "Done, or as it is.",
        201 if answers_user => "The new user.",
        201 => "Made, or there already.",
        204 => "Done; there is no body.",
        304 => "The caller has the current version.",
        400 if endpoint.access == Access::Link => "The link is not valid, or can't do this now.",
        400 if needs_key => {
            "The body, a header or the query is malformed; or the user has no password, where that is \
             forced to be changed."
        }
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
        404 => "No such user or group, or the user has no such part.",
        409 => {
            "Other writers were in the way; or, for the repeat of a create, what it made has been \
                deleted since."
        }
        412 => "The user or group has another version than If-Match names.",
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
        409 => {
            "Other changes at the same time were in the way. Look at what is there now and try again."
        }
        412 => "There was a change since the version that If-Match names.",
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
            "must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -, and not \"groups\" or \"import\"",
        ] });
    }
    problem
}
