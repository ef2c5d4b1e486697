//! The operation of a request. By it, a repeat is recognised.

use domain::OperationId;
use lambda_http::http;

use super::headers::malformed;
use super::origin::Origin;
use crate::Problem;

/// The operation that an `Idempotency-Key` names. The API key's value is part of the hash, because a
/// body may hold a password: without it, a person who can read the table or a user's id could test
/// guesses of the password against them.
pub(super) fn named_operation(
    name: &str,
    key_id: &str,
    origin: &Origin,
    method: &http::Method,
    body: &[u8],
) -> Result<OperationId, Problem> {
    const MAX_CHARACTERS: usize = 255;
    let is_printable = |b: u8| (0x20..=0x7e).contains(&b);
    if !(1..=MAX_CHARACTERS).contains(&name.len()) || !name.bytes().all(is_printable) {
        return Err(malformed("idempotency-key"));
    }
    // The path from `/api/` on: a custom domain may put a base path before it, and a repeat may use
    // another domain.
    let path = origin
        .path
        .find("/api/")
        .map_or("", |start| &origin.path[start..]);
    let path = path.strip_suffix('/').unwrap_or(path);
    Ok(OperationId::of(&[
        origin.key.as_bytes(),
        key_id.as_bytes(),
        method.as_str().as_bytes(),
        path.as_bytes(),
        body,
        name.as_bytes(),
    ]))
}

/// The part of an operation that stands for the API key, for what a request names in its body.
pub(super) fn of_key(key_id: &str, origin: &Origin) -> OperationId {
    OperationId::of(&[origin.key.as_bytes(), key_id.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(key: &str, path: &str) -> Origin {
        Origin {
            path: path.to_owned(),
            trace_id: String::new(),
            request_id: String::new(),
            public_path: String::new(),
            key_id: None,
            key: key.to_owned(),
            source_ip: String::new(),
        }
    }

    #[test]
    fn everything_that_a_request_says_makes_its_operation() {
        let post = http::Method::POST;
        let operation = |name, key_id, key, method: &http::Method, path, body: &[u8]| {
            named_operation(name, key_id, &origin(key, path), method, body).unwrap()
        };
        let first = operation("n", "i", "k", &post, "/api/p", b"{}");
        for same in ["/api/p/", "/base/api/p"] {
            assert_eq!(first, operation("n", "i", "k", &post, same, b"{}"));
        }
        for other in [
            operation("m", "i", "k", &post, "/api/p", b"{}"),
            operation("n", "j", "k", &post, "/api/p", b"{}"),
            operation("n", "i", "l", &post, "/api/p", b"{}"),
            operation("n", "i", "k", &http::Method::PUT, "/api/p", b"{}"),
            operation("n", "i", "k", &post, "/api/q", b"{}"),
            operation("n", "i", "k", &post, "/api/p", b"{ }"),
        ] {
            assert_ne!(first, other);
        }
    }
}
