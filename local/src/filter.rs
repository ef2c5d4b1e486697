//! Which records a consumer gets: Lambda's filter patterns, as far as the template uses them.

use serde_json::Value;

/// A pattern: every member that it names must be in the record, and fit.
#[derive(Clone, Debug)]
pub(crate) struct Filter(Value);

impl Filter {
    /// Reads a pattern. A pattern with a feature that is not supported here is refused, not ignored.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let pattern = serde_json::from_str(text)
            .ok()
            .filter(Value::is_object)
            .ok_or("a filter's pattern is no JSON object")?;
        check(&pattern)?;
        Ok(Self(pattern))
    }

    /// Whether it needs an item's images, and not only its keys.
    pub(crate) fn looks_at_images(&self) -> bool {
        ["NewImage", "OldImage"]
            .iter()
            .any(|image| !self.0["dynamodb"][image].is_null())
    }

    /// Whether the record fits.
    pub(crate) fn fits(&self, record: &Value) -> bool {
        fits(&self.0, record)
    }
}

fn check(pattern: &Value) -> Result<(), String> {
    match pattern {
        Value::Object(members) => members.values().try_for_each(check),
        Value::Array(choices) => choices.iter().try_for_each(|choice| {
            let is_prefix = choice.as_object().is_some_and(|choice| {
                choice.len() == 1 && choice.get("prefix").is_some_and(Value::is_string)
            });
            if choice.is_string() || is_prefix {
                Ok(())
            } else {
                Err(format!("a filter's pattern has {choice}"))
            }
        }),
        other => Err(format!("a filter's pattern has {other}")),
    }
}

fn fits(pattern: &Value, value: &Value) -> bool {
    match pattern {
        Value::Object(members) => members
            .iter()
            .all(|(name, pattern)| value.get(name).is_some_and(|value| fits(pattern, value))),
        Value::Array(choices) => choices
            .iter()
            .any(|choice| match choice["prefix"].as_str() {
                Some(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix)),
                None => choice == value,
            }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PATTERN: &str = r#"{
        "eventName": ["INSERT", "MODIFY"],
        "dynamodb": { "Keys": { "SK": { "S": [{ "prefix": "NOTIFICATION#" }] } } }
    }"#;

    fn record(event: &str, sort_key: &str) -> Value {
        json!({ "eventName": event, "dynamodb": { "Keys": { "SK": { "S": sort_key } } } })
    }

    #[test]
    fn a_record_fits_when_every_named_member_has_one_of_the_values() {
        let filter = Filter::parse(PATTERN).unwrap();
        assert!(filter.fits(&record("INSERT", "NOTIFICATION#1")));
        assert!(filter.fits(&record("MODIFY", "NOTIFICATION#")));
        for other in [
            record("REMOVE", "NOTIFICATION#1"),
            record("INSERT", "USER"),
            json!({ "eventName": "INSERT" }),
        ] {
            assert!(!filter.fits(&other), "{other}");
        }
    }

    #[test]
    fn a_pattern_that_is_not_followed_here_is_refused() {
        for pattern in [
            "",
            "[]",
            r#"{"a":"b"}"#,
            r#"{"a":[{"exists":true}]}"#,
            r#"{"a":[{"prefix":1}]}"#,
            r#"{"a":[{"numeric":[">",1]}]}"#,
        ] {
            assert!(Filter::parse(pattern).is_err(), "{pattern}");
        }
    }
}
