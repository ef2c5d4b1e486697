//! Names and values of an expression, each behind a placeholder, so that no attribute's name is
//! ever taken for a reserved word.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// Collects placeholders while the expression's text is written.
#[derive(Default)]
pub(crate) struct Placeholders {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Placeholders {
    /// A path, each of its attribute names behind a placeholder.
    pub(crate) fn path(&mut self, names: &[&str]) -> String {
        let placeholders: Vec<String> = names.iter().map(|name| self.name(name)).collect();
        placeholders.join(".")
    }

    /// The placeholder of a value.
    pub(crate) fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    /// The placeholder of a text value.
    pub(crate) fn text(&mut self, text: impl ToString) -> String {
        self.value(AttributeValue::S(text.to_string()))
    }

    /// The placeholder of a number.
    pub(crate) fn number(&mut self, number: impl ToString) -> String {
        self.value(AttributeValue::N(number.to_string()))
    }

    /// The placeholder of a truth value.
    pub(crate) fn truth(&mut self, value: bool) -> String {
        self.value(AttributeValue::Bool(value))
    }

    /// For `set_expression_attribute_names`.
    pub(crate) fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    /// For `set_expression_attribute_values`; DynamoDB refuses an empty map.
    pub(crate) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }

    fn name(&mut self, name: &str) -> String {
        let known = self.names.iter().find(|(_, known)| *known == name);
        if let Some((placeholder, _)) = known {
            return placeholder.clone();
        }
        let placeholder = format!("#{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }
}

/// An update expression in the making: what is set, what is removed.
#[derive(Default)]
pub(crate) struct Update {
    set: Vec<String>,
    remove: Vec<String>,
}

impl Update {
    pub(crate) fn set(&mut self, path: &str, value: &str) {
        self.set.push(format!("{path} = {value}"));
    }

    pub(crate) fn increment(&mut self, attribute: &str, p: &mut Placeholders) {
        let (path, one) = (p.path(&[attribute]), p.number(1));
        self.set(&path, &format!("{path} + {one}"));
    }

    /// One more in a counter that is absent while it is zero.
    pub(crate) fn count(&mut self, counter: &[&str], p: &mut Placeholders) {
        let (path, zero, one) = (p.path(counter), p.number(0), p.number(1));
        self.set(&path, &format!("if_not_exists({path}, {zero}) + {one}"));
    }

    pub(crate) fn remove(&mut self, path: String) {
        self.remove.push(path);
    }

    pub(crate) fn expression(&self) -> String {
        let clause = |word: &str, parts: &[String]| match parts {
            [] => String::new(),
            parts => format!("{word} {} ", parts.join(", ")),
        };
        format!(
            "{}{}",
            clause("SET", &self.set),
            clause("REMOVE", &self.remove)
        )
    }
}
