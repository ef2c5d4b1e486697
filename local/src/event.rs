//! API Gateway's proxy event, version 1.0, as the REST API sends it to Lambda.

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

/// A request, as far as the event shows it.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// The method.
    pub method: &'a str,
    /// The path as sent, percent-encoded.
    pub path: &'a str,
    /// The query as sent, without the question mark.
    pub query: &'a str,
    /// Names and values in the order they were sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: &'a [u8],
    /// Who sends it.
    pub source_ip: IpAddr,
}

/// What API Gateway adds to the request.
#[derive(Debug)]
pub struct Context<'a> {
    /// The route's path, such as `/api/users/{user_id}`.
    pub resource_path: &'a str,
    /// The path's parameters, percent-encoded.
    pub path_parameters: Vec<(String, String)>,
    /// The API key's id and value; nothing where the route needs none.
    pub api_key: Option<(&'a str, &'a str)>,
    /// The stage.
    pub stage: &'a str,
    /// The part before the path in the client's URL: the stage's name, unless there is a custom domain.
    pub base: &'a str,
    /// The request id.
    pub request_id: &'a str,
    /// Milliseconds since the Unix epoch.
    pub time: i64,
    /// Whether the body is base64-encoded in the event.
    pub has_binary_body: bool,
}

/// The event's JSON.
pub fn proxy_event(request: &Incoming<'_>, context: &Context<'_>) -> Value {
    let (key_id, key) = context.api_key.unzip();
    let (headers, multi_value_headers) = single_and_multi(request.headers.iter().cloned());
    let (query, multi_value_query) = single_and_multi(query_pairs(request.query));
    let parameters: Map<String, Value> = context
        .path_parameters
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let is_binary = context.has_binary_body && !request.body.is_empty();
    let body = match request.body {
        [] => Value::Null,
        bytes if is_binary => STANDARD.encode(bytes).into(),
        bytes => String::from_utf8_lossy(bytes).into(),
    };
    let host = headers.get("Host").cloned().unwrap_or_default();
    let user_agent = headers.get("User-Agent").cloned().unwrap_or_default();
    json!({
        "resource": context.resource_path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": multi_value_headers,
        "queryStringParameters": null_if_empty(query),
        "multiValueQueryStringParameters": null_if_empty(multi_value_query),
        "pathParameters": null_if_empty(parameters),
        "stageVariables": null,
        "requestContext": {
            "resourceId": "local",
            "resourcePath": context.resource_path,
            "httpMethod": request.method,
            "extendedRequestId": context.request_id,
            "requestTime": request_time(context.time),
            "path": format!("{}{}", context.base, request.path),
            "accountId": "000000000000",
            "protocol": "HTTP/1.1",
            "stage": context.stage,
            "domainPrefix": "local",
            "requestTimeEpoch": context.time,
            "requestId": context.request_id,
            "identity": {
                "cognitoIdentityPoolId": null,
                "accountId": null,
                "cognitoIdentityId": null,
                "caller": null,
                "sourceIp": request.source_ip,
                "principalOrgId": null,
                "accessKey": null,
                "apiKey": key,
                "apiKeyId": key_id,
                "cognitoAuthenticationType": null,
                "cognitoAuthenticationProvider": null,
                "userArn": null,
                "userAgent": user_agent,
                "user": null,
            },
            "domainName": host,
            "apiId": "local",
        },
        "body": body,
        "isBase64Encoded": is_binary,
    })
}

/// Each name with its last value, and with all of its values. Header names have the case that most
/// HTTP/1.1 clients send, because API Gateway keeps it.
fn single_and_multi(
    pairs: impl Iterator<Item = (String, String)>,
) -> (Map<String, Value>, Map<String, Value>) {
    let (mut single, mut multi) = (Map::new(), Map::new());
    for (name, value) in pairs {
        single.insert(name.clone(), value.as_str().into());
        let values = multi.entry(name).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(value.into());
        }
    }
    (single, multi)
}

fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text)
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(move |pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
}

fn null_if_empty(map: Map<String, Value>) -> Value {
    if map.is_empty() {
        Value::Null
    } else {
        map.into()
    }
}

fn request_time(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map(|time| time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn identity(api_key: Option<(&str, &str)>) -> Value {
        let incoming = Incoming {
            method: "GET",
            path: "/",
            query: "",
            headers: vec![],
            body: b"",
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        let context = Context {
            resource_path: "/",
            path_parameters: vec![],
            api_key,
            stage: "prod",
            base: "",
            request_id: "",
            time: 0,
            has_binary_body: true,
        };
        proxy_event(&incoming, &context)["requestContext"]["identity"].clone()
    }

    #[test]
    fn a_route_without_a_key_shows_none() {
        let identity_with = identity(Some(("id", "value")));
        assert_eq!(identity_with["apiKey"], "value");
        assert_eq!(identity_with["apiKeyId"], "id");
        let identity_without = identity(None);
        let members = identity_without.as_object().unwrap();
        assert_eq!(members["apiKey"], Value::Null);
        assert_eq!(members["apiKeyId"], Value::Null);
    }
}
