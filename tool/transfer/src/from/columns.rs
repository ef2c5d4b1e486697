//! Tables: the export of a product as CSV.

use csv::{ReaderBuilder, StringRecord};

use super::members::Members;
use crate::input::Flaw;

/// The names of a table's columns, as its first row has them.
pub(crate) struct Columns(StringRecord);

impl Columns {
    /// Takes the first row. Each table that is read here has a column `id`.
    pub(crate) fn of(row: &[u8]) -> Option<Self> {
        let names = fields(row)?;
        names.iter().any(|name| name == "id").then_some(Self(names))
    }

    /// A row as a record. An empty field is as if it were absent.
    pub(crate) fn members(&self, row: &[u8]) -> Result<Members, Flaw> {
        let bad = |reason: &str| Flaw::BadRow {
            reason: reason.to_owned(),
            row: row.to_vec(),
        };
        let fields = fields(row).ok_or_else(|| bad("The row is not one row of CSV in UTF-8."))?;
        if fields.len() != self.0.len() {
            return Err(bad("The row has more or fewer fields than the first row."));
        }
        let mut members = Members::default();
        for (name, field) in self.0.iter().zip(&fields) {
            if !field.is_empty() {
                members.put(name, field);
            }
        }
        Ok(members)
    }
}

/// The fields of a text that is one row, and no more.
fn fields(row: &[u8]) -> Option<StringRecord> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(row);
    let mut rows = reader.records();
    match (rows.next(), rows.next()) {
        (Some(Ok(fields)), None) => Some(fields),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Columns {
        Columns::of(b"id,\"a \"\"b\"\"\",c\r\n").unwrap()
    }

    fn json(members: &Members) -> String {
        String::from_utf8(members.to_json()).unwrap()
    }

    #[test]
    fn a_row_is_a_record_of_texts() {
        let members = columns().members(b"1,\"x, \"\"y\"\"\nz\",\n").unwrap();
        let wanted = r#"{"a \"b\"":"x, \"y\"\nz","id":"1"}"#;
        assert_eq!(json(&members), wanted);
    }

    #[test]
    fn a_row_of_another_length_or_encoding_is_refused_and_told() {
        for row in [&b"1,2"[..], b"1,2,3,4", b"\xff,2,3", b"1,2,3\n4,5,6", b""] {
            let flaw = columns().members(row).unwrap_err();
            assert!(matches!(&flaw, Flaw::BadRow { row: told, .. } if told == row));
        }
    }

    #[test]
    fn a_first_row_names_the_columns() {
        assert!(Columns::of(b"email,name").is_none());
        assert!(Columns::of(b"").is_none());
    }
}
