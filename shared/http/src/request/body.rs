//! A request's body.

use percent_encoding::percent_decode;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::Request;
use crate::{Body, Problem};

/// Some editors and libraries write these bytes before UTF-8. RFC 8259, section 8.1, lets readers
/// ignore them.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The body as calls read it, after a check of its size and form.
pub(super) fn checked(mut body: Vec<u8>, kind: &Body) -> Result<Vec<u8>, Problem> {
    if body.len() > kind.max_bytes() {
        return Err(Problem::BodyTooLarge(kind.max_bytes()));
    }
    if body.starts_with(BYTE_ORDER_MARK) {
        body.drain(..BYTE_ORDER_MARK.len());
    }
    match kind {
        Body::None | Body::Object { .. } => check_object(&body)?,
        // A form may be JSON or not: `Request::form` looks at its Content-Type. Of lines, each is read by
        // itself: `Request::lines`.
        Body::Form(_) | Body::Lines { .. } => {}
    }
    Ok(body)
}

impl Request {
    /// The body as a `T`. An empty body is an empty object, and unknown members are ignored. A member
    /// of the wrong type is named in the problem. A member that comes twice makes the body malformed.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let body: &[u8] = if is_blank(&self.body) {
            b"{}"
        } else {
            &self.body
        };
        object("body", body)
    }

    /// The form, or a JSON object in its place. All of it must be UTF-8. Fields that the call does not
    /// read are ignored.
    pub fn form<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if self.is_of("application/json") {
            check_object(&self.body)?;
            return self.json();
        }
        // The form reader would put replacement characters in place of bytes that aren't UTF-8.
        if percent_decode(&self.body).decode_utf8().is_err() {
            return Err(Problem::Malformed("The form is not UTF-8.".to_owned()));
        }
        serde_urlencoded::from_bytes(&self.body)
            .map_err(|_| Problem::Malformed("The form can't be read.".to_owned()))
    }
}

/// A JSON object as a `T`; `what` names it in a problem.
pub(super) fn object<T: DeserializeOwned>(what: &str, text: &[u8]) -> Result<T, Problem> {
    // serde would take an array's elements as the members, in their order.
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Err(malformed(what, "a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let read = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let member = error.path().to_string();
        unreadable(what, member, &error.into_inner())
    })?;
    deserializer.end().map_err(|_| malformed(what, "JSON"))?;
    Ok(read)
}

/// A member that must be there.
pub fn required<T>(member: &'static str, value: Option<T>) -> Result<T, Problem> {
    value.ok_or_else(|| Problem::invalid(member, "is required"))
}

pub(super) fn is_blank(body: &[u8]) -> bool {
    body.iter()
        .all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
}

/// On every call, a body must be a JSON object in UTF-8, even where the call reads none.
fn check_object(body: &[u8]) -> Result<(), Problem> {
    if is_blank(body) {
        return Ok(());
    }
    let text = std::str::from_utf8(body).map_err(|_| malformed_body("UTF-8"))?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|_| malformed_body("JSON"))?;
    if text.trim_start().starts_with('{') {
        Ok(())
    } else {
        Err(malformed_body("a JSON object"))
    }
}

fn malformed_body(form: &str) -> Problem {
    malformed("body", form)
}

pub(super) fn malformed(what: &str, form: &str) -> Problem {
    Problem::Malformed(format!("The {what} is not {form}."))
}

/// What is wrong with a member that could not be read. `serde_json`'s messages repeat the value, which
/// may be a password in the wrong place or of the wrong type. So only the part about what is expected
/// is kept.
fn unreadable(what: &str, member: String, error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    let message = message
        .rsplit_once(" at line ")
        .map_or(&*message, |(message, _)| message);
    if message == "number out of range" {
        return Problem::invalid(member, "must be a value that fits");
    }
    if !error.is_data() {
        return malformed(what, "JSON");
    }
    if message.starts_with("duplicate field") {
        return Problem::Malformed(format!("The {what} has a {message}."));
    }
    match expected(message) {
        Some(expected) => Problem::invalid(member, format!("must be {expected}")),
        None => Problem::invalid(member, "is not valid"),
    }
}

/// The part of serde's message about what a value must be, without the value.
pub(super) fn expected(message: &str) -> Option<&str> {
    let (_, expected) = message.rsplit_once(", expected ")?;
    Some(match expected {
        "i64" | "u64" | "u32" | "u8" => "a whole number that fits",
        expected => expected,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::json::Object;
    use secrecy::SecretString;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read for its type only")]
    struct Body {
        flag: Option<bool>,
        text: Option<String>,
        secret: Option<SecretString>,
        number: Option<u8>,
        choice: Option<Choice>,
        list: Option<Vec<String>>,
        object: Option<Object<Inner>>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read for its type only")]
    struct Inner {
        text: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        One,
        Other,
    }

    fn refused(body: &str) -> Problem {
        let mut deserializer = serde_json::Deserializer::from_str(body);
        let read: Result<Body, _> = serde_path_to_error::deserialize(&mut deserializer);
        let error = read.unwrap_err();
        unreadable("body", error.path().to_string(), &error.into_inner())
    }

    #[test]
    fn a_member_that_can_not_be_read_is_named_with_what_it_must_be() {
        for (member, value, wanted) in [
            ("flag", "7", "must be a boolean"),
            ("flag", "1e400", "must be a value that fits"),
            ("number", "-1e400", "must be a value that fits"),
            ("number", "300", "must be a whole number that fits"),
            ("text", "{}", "must be a string"),
            ("secret", "[7]", "must be a string"),
            ("choice", "\"third\"", "must be `one` or `other`"),
            ("list", "\"a\"", "must be a sequence"),
            ("object", "[\"a\"]", "must be an object"),
            ("object", "\"a\"", "must be an object"),
        ] {
            let Problem::Validation(members) = refused(&format!("{{\"{member}\":{value}}}")) else {
                panic!("{member} {value}");
            };
            let wanted = BTreeMap::from([(member.to_owned(), vec![wanted.to_owned()])]);
            assert_eq!(members, wanted, "{value}");
        }
    }

    #[test]
    fn a_member_of_an_object_is_named_by_its_path() {
        let Problem::Validation(members) = refused(r#"{"object":{"text":[7]}}"#) else {
            panic!("another problem");
        };
        let named: Vec<_> = members.keys().collect();
        assert_eq!(named, ["object.text"]);
    }

    #[test]
    fn no_error_repeats_a_value_that_was_sent() {
        let tricky = "hunter2, expected hunter2 at line 1 column hunter2";
        for member in ["flag", "secret", "number", "choice", "list", "text"] {
            for value in [
                format!("\"{tricky}\""),
                "71077345".to_owned(),
                "71077345.5".to_owned(),
                "-71077345".to_owned(),
                format!("[\"{tricky}\",71077345]"),
                format!("{{\"{tricky}\":71077345}}"),
                "71077345e400".to_owned(),
            ] {
                let body = format!("{{\"{member}\":{value}}}");
                let Err(error) = serde_json::from_str::<Body>(&body) else {
                    continue;
                };
                let said = format!("{:?}", unreadable("body", member.to_owned(), &error));
                assert!(
                    !said.contains("hunter2") && !said.contains("71077345"),
                    "{said}"
                );
            }
        }
    }
}
