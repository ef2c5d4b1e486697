//! A body of many objects, each of which is carried out by itself.

use std::time::Duration;

use domain::import::ImportDigest;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use store::{Precondition, Write};
use tokio::time::Instant;

use super::Request;
use super::body::{is_blank, malformed, object};
use crate::{App, Importer, Problem};

/// About as many as can be written in the time of a call. The answer about so many lines is below Lambda's
/// limit of 6 MB ([`Response::lines`](crate::Response::lines)).
pub const MAX_LINES: usize = 10_000;

/// Time for the answer about all lines.
const ANSWER: Duration = Duration::from_millis(300);

/// One object of the body, or of a file.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Its number, from one. Of NDJSON, empty lines count; of an array, its elements do.
    pub number: usize,
    text: &'a [u8],
}

impl<'a> Line<'a> {
    /// The line with this number, from one.
    pub const fn new(number: usize, text: &'a [u8]) -> Self {
        Self { number, text }
    }

    /// The object as a `T`. Unknown members are ignored.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        object("line", self.text()?.as_bytes())
    }

    /// What the line is recognised by.
    pub fn digest(&self) -> Result<ImportDigest, Problem> {
        Ok(ImportDigest::of(self.text()?))
    }

    fn text(&self) -> Result<&str, Problem> {
        std::str::from_utf8(self.text).map_err(|_| malformed("line", "UTF-8"))
    }
}

impl Request {
    /// The objects of the body: an array's elements, a single object, or else those of all lines that are
    /// not empty. A line that can't be read is its own problem; an array that can't be read is the
    /// request's.
    pub fn lines(&self) -> Result<Vec<Line<'_>>, Problem> {
        let lines = lines(&self.body)?;
        if lines.len() > MAX_LINES {
            return Err(Problem::TooManyLines(MAX_LINES));
        }
        Ok(lines)
    }

    /// Reads the lines as new users.
    pub fn importer<'a>(&'a self, app: &'a App) -> Importer<'a> {
        let write = Write {
            // A line makes a user: there is no version to compare with.
            precondition: Precondition::None,
            deadline: self.deadline_of_lines(),
            ..self.write.clone()
        };
        Importer::new(write, self.key.as_ref(), &app.entropy)
    }

    /// When the outcomes of all lines must be known.
    pub fn deadline_of_lines(&self) -> Instant {
        self.deadline() - ANSWER
    }
}

fn lines(body: &[u8]) -> Result<Vec<Line<'_>>, Problem> {
    if body.trim_ascii_start().first() == Some(&b'[') {
        let text = std::str::from_utf8(body).map_err(|_| malformed("body", "UTF-8"))?;
        let elements: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|_| malformed("body", "JSON"))?;
        let texts = elements.iter().map(|element| element.get().as_bytes());
        return Ok(numbered(texts));
    }
    // An object of several lines, as a person would write it.
    if serde_json::from_slice::<&RawValue>(body).is_ok() {
        return Ok(numbered([body].into_iter()));
    }
    Ok(numbered(body.split(|byte| *byte == b'\n')))
}

fn numbered<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Vec<Line<'a>> {
    (1..)
        .zip(texts)
        .filter(|(_, text)| !is_blank(text))
        .map(|(number, text)| Line { number, text })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Wanted {
        a: Option<u8>,
    }

    fn read(body: &str) -> Vec<(usize, Option<u8>)> {
        let lines = lines(body.as_bytes()).unwrap();
        let read = lines.iter().map(|line| {
            let wanted: Wanted = line.json().unwrap();
            (line.number, wanted.a)
        });
        read.collect()
    }

    #[test]
    fn lines_an_array_and_a_single_object_are_read_alike() {
        let both = vec![(1, Some(1)), (2, Some(2))];
        assert_eq!(read("{\"a\":1}\n{\"a\":2}"), both);
        assert_eq!(read("{\"a\":1}\r\n{\"a\":2}\r\n"), both);
        assert_eq!(read(" [ {\"a\":1},\n {\"a\":\n2} ]\n"), both);
        assert_eq!(read("{\n  \"a\": 1\n}\n"), [(1, Some(1))]);
        assert_eq!(read(""), []);
        assert_eq!(read(" \n \r\n"), []);
        assert_eq!(read("[]"), []);
    }

    #[test]
    fn an_empty_line_is_skipped_and_counted() {
        let read = read("\n{\"a\":1}\n  \n{\"a\":2}\n");
        assert_eq!(read, [(2, Some(1)), (4, Some(2))]);
    }

    #[test]
    fn a_line_that_can_not_be_read_is_its_own_problem() {
        let body =
            b"{\"a\":1}\n{\"a\":\n{}{}\n[]\nnull\n\xff\n{\"a\":300}\n{\"a\":1,\"a\":2}\n{\"a\":2}";
        let lines = lines(body).unwrap();
        let said = lines.iter().map(|line| match line.json::<Wanted>() {
            Ok(wanted) => format!("{:?}", wanted.a.unwrap()),
            Err(problem) => format!("{} {problem}", problem.status().as_u16()),
        });
        let said: Vec<_> = said.collect();
        assert_eq!(
            said,
            [
                "1",
                "400 The line is not JSON.",
                "400 The line is not JSON.",
                "400 The line is not a JSON object.",
                "400 The line is not a JSON object.",
                "400 The line is not UTF-8.",
                "422 One or more members are not valid.",
                "400 The line has a duplicate field `a`.",
                "2",
            ]
        );
    }

    #[test]
    fn an_array_that_can_not_be_read_is_the_requests_problem() {
        for body in [&b"["[..], b"[{}", b"[{}]x", b"[{},]", b"[\"\xff\"]"] {
            let problem = lines(body).unwrap_err();
            assert_eq!(problem.status(), 400, "{body:?}");
        }
        // An element that is no object is a line that is none.
        let lines = lines(b"[1,{}]").unwrap();
        assert!(lines[0].json::<Wanted>().is_err());
        assert!(lines[1].json::<Wanted>().is_ok());
    }
}
