//! Records out of a file of any size: lines of JSON, an array of objects, such an array in an object, or the
//! rows of a table (CSV). It is read once, piece by piece.

use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};

use crate::input::Flaw;

/// What the service takes in one request, and so in one line.
pub(crate) const MAX_LINE: usize = 4 * 1024 * 1024;

/// What a file may be, beside lines of JSON and an array of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Nothing else.
    Plain,
    /// An object, in which the member of this name is the array. Lines it is not. There may be several such
    /// objects, one behind the other.
    Wrapped(&'static str),
    /// A table. Its first row is a record as the others are.
    Table,
}

/// How records are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    /// One in each line.
    Lines,
    /// As elements of an array.
    Array,
    /// As elements of an array that is a member of an object.
    Member,
    /// As rows of a table. A line break between quotes belongs to its row.
    Rows,
}

/// How far a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) form: Form,
    /// Bytes before it.
    pub(crate) offset: u64,
    /// The number of the last line or element before it, from one.
    pub(crate) line: u64,
}

/// A record as it is in the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawRecord {
    /// Its line or element, from one.
    pub(crate) line: u64,
    /// Its text, of JSON in one line, or why it can't be sent.
    pub(crate) text: Result<Vec<u8>, Flaw>,
}

/// Why no more can be read.
#[derive(Debug)]
pub(crate) enum SourceError {
    Io(io::Error),
    /// The array is not JSON from this byte on.
    Broken(u64),
    /// The object has no array of this name.
    NoMember(&'static str),
    /// The password hash of this record needs a key that is not given.
    NoSignerKey(u64),
}

impl From<io::Error> for SourceError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The records of a file.
pub(crate) struct Source<R> {
    reader: R,
    layout: Layout,
    position: Position,
    /// Of an array: whether its opening bracket was just read.
    is_first: bool,
    is_over: bool,
}

impl<R: BufRead> Source<R> {
    /// From the beginning.
    pub(crate) fn new(mut reader: R, layout: Layout) -> Result<Self, SourceError> {
        let mut offset = 0;
        if reader.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
            offset = 3;
        }
        let position = Position {
            form: Form::Lines,
            offset,
            line: 0,
        };
        let mut source = Self::at(reader, layout, position);
        let mut lines = 0;
        let first = source.skip_blanks(|byte| lines += u64::from(byte == b'\n'))?;
        match (first, layout) {
            (Some(b'['), _) => {
                source.step();
                source.position.form = Form::Array;
                source.is_first = true;
            }
            (Some(b'{'), Layout::Wrapped(member)) => {
                source.position.form = Form::Member;
                source.enter(member)?;
            }
            (Some(_), Layout::Wrapped(_)) => return Err(source.broken()),
            (first, layout) => {
                source.position.line = lines;
                if layout == Layout::Table && first != Some(b'{') {
                    source.position.form = Form::Rows;
                }
            }
        }
        Ok(source)
    }

    /// From where another run stopped; the reader is there.
    pub(crate) fn at(reader: R, layout: Layout, position: Position) -> Self {
        Self {
            reader,
            layout,
            position,
            is_first: false,
            is_over: false,
        }
    }

    /// How far the file is read.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// The next record; none at the end.
    pub(crate) fn record(&mut self) -> Result<Option<RawRecord>, SourceError> {
        match self.position.form {
            Form::Lines => Ok(self.line()?),
            Form::Rows => Ok(self.row()?),
            Form::Array | Form::Member => self.element(),
        }
    }

    /// The next line that is not blank.
    fn line(&mut self) -> io::Result<Option<RawRecord>> {
        loop {
            let mut text = Text::default();
            let mut is_ended = false;
            while !is_ended {
                let buffer = self.reader.fill_buf()?;
                if buffer.is_empty() {
                    break;
                }
                let end = buffer.iter().position(|byte| *byte == b'\n');
                is_ended = end.is_some();
                text.extend(&buffer[..end.unwrap_or(buffer.len())]);
                let read = end.map_or(buffer.len(), |end| end + 1);
                self.reader.consume(read);
                self.position.offset += read as u64;
            }
            if text.length == 0 && !is_ended {
                return Ok(None);
            }
            self.position.line += 1;
            if !text.is_blank() {
                let (line, text) = (self.position.line, text.into_line());
                return Ok(Some(RawRecord { line, text }));
            }
        }
    }

    /// The next row that is not blank: up to a line break that is not between quotes.
    fn row(&mut self) -> io::Result<Option<RawRecord>> {
        loop {
            let line = self.position.line + 1;
            let (mut text, mut quotes) = (Text::default(), Quotes::default());
            while let Some(&byte) = self.reader.fill_buf()?.first() {
                self.step();
                text.extend(&[byte]);
                quotes.see(byte);
                let is_end = matches!(byte, b'\n' | b'\r') && quotes.place != Place::Quoted;
                if is_end && byte == b'\r' && self.reader.fill_buf()?.first() == Some(&b'\n') {
                    self.step();
                    text.extend(b"\n");
                }
                self.position.line += u64::from(is_end || byte == b'\n');
                if is_end {
                    break;
                }
            }
            if text.length == 0 {
                return Ok(None);
            }
            if !text.is_blank() {
                let text = text.into_row(&quotes);
                return Ok(Some(RawRecord { line, text }));
            }
        }
    }

    /// The next element of the array.
    fn element(&mut self) -> Result<Option<RawRecord>, SourceError> {
        if self.is_over {
            return Ok(None);
        }
        let mut next = self.skip_blanks(|_| {})?;
        if !self.is_first && next == Some(b',') {
            self.step();
            next = self.skip_blanks(|_| {})?;
        } else if next == Some(b']') {
            self.step();
            return if self.has_another_array()? {
                self.element()
            } else {
                self.is_over = true;
                Ok(None)
            };
        } else if !self.is_first {
            return Err(self.broken());
        }
        if matches!(next, None | Some(b',' | b']' | b'}' | b':')) {
            return Err(self.broken());
        }
        let text = self.value()?;
        self.is_first = false;
        self.position.line += 1;
        let line = self.position.line;
        Ok(Some(RawRecord { line, text }))
    }

    /// Reads on behind the end of an array: whether there is another one, whose bracket is read then.
    fn has_another_array(&mut self) -> Result<bool, SourceError> {
        if let (Form::Member, Layout::Wrapped(member)) = (self.position.form, self.layout) {
            self.is_first = false;
            if self.find(member)? {
                return Ok(true);
            }
            if self.skip_blanks(|_| {})? == Some(b'{') {
                self.enter(member)?;
                return Ok(true);
            }
        }
        match self.skip_blanks(|_| {})? {
            None => Ok(false),
            Some(_) => Err(self.broken()),
        }
    }

    /// Enters the array that is this member of the object whose bracket is next.
    fn enter(&mut self, member: &'static str) -> Result<(), SourceError> {
        self.step();
        self.is_first = true;
        if self.find(member)? {
            Ok(())
        } else {
            Err(SourceError::NoMember(member))
        }
    }

    /// Looks for an array that is this member of an object, among the members that are still to come.
    /// Returns whether its bracket is read; otherwise the object is at its end.
    fn find(&mut self, member: &'static str) -> Result<bool, SourceError> {
        loop {
            let mut next = self.skip_blanks(|_| {})?;
            if !self.is_first && next == Some(b',') {
                self.step();
                next = self.skip_blanks(|_| {})?;
            } else if next == Some(b'}') {
                self.step();
                return Ok(false);
            } else if !self.is_first {
                return Err(self.broken());
            }
            if next != Some(b'"') {
                return Err(self.broken());
            }
            let name = self.value()?;
            if self.skip_blanks(|_| {})? != Some(b':') {
                return Err(self.broken());
            }
            self.step();
            let is_array = self.skip_blanks(|_| {})? == Some(b'[');
            if is_array && name.is_ok_and(|name| name[1..name.len() - 1] == *member.as_bytes()) {
                self.step();
                self.is_first = true;
                return Ok(true);
            }
            let _ = self.value()?;
            self.is_first = false;
        }
    }

    /// A value of any kind, by its brackets and quotes alone. The service looks at the rest.
    fn value(&mut self) -> Result<Result<Vec<u8>, Flaw>, SourceError> {
        let mut text = Text::default();
        let (mut depth, mut is_quoted, mut is_escaped) = (0_u64, false, false);
        loop {
            let buffer = self.reader.fill_buf()?;
            let Some(&byte) = buffer.first() else {
                // A number would end here, but the array does not.
                return Err(self.broken());
            };
            let mut is_last = false;
            if is_quoted {
                text.has_break |= matches!(byte, b'\n' | b'\r');
                is_quoted = is_escaped || byte != b'"';
                is_escaped = !is_escaped && byte == b'\\';
                is_last = !is_quoted && depth == 0;
            } else {
                match byte {
                    b'"' => is_quoted = true,
                    b'{' | b'[' => depth += 1,
                    b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => break,
                    b'}' | b']' => {
                        depth = depth.saturating_sub(1);
                        is_last = depth == 0;
                    }
                    _ => {}
                }
            }
            // A line break between tokens counts as little as a space.
            let is_break = !is_quoted && matches!(byte, b'\n' | b'\r');
            text.extend(&[if is_break { b' ' } else { byte }]);
            self.step();
            if is_last {
                break;
            }
        }
        Ok(text.into_line())
    }

    /// Skips white space. Returns what is behind it.
    fn skip_blanks(&mut self, mut see: impl FnMut(u8)) -> io::Result<Option<u8>> {
        loop {
            match self.reader.fill_buf()?.first().copied() {
                Some(byte) if byte.is_ascii_whitespace() => {
                    see(byte);
                    self.step();
                }
                other => return Ok(other),
            }
        }
    }

    fn step(&mut self) {
        self.reader.consume(1);
        self.position.offset += 1;
    }

    fn broken(&self) -> SourceError {
        SourceError::Broken(self.position.offset)
    }
}

/// The quotes of a row, as RFC 4180 has them. One within a field without quotes counts as a letter.
#[derive(Default)]
struct Quotes {
    place: Place,
    /// Whether something other than a comma stands behind a closing quote. Then a quote is missing or one too
    /// many, and what is between quotes may be other rows.
    is_broken: bool,
}

/// Where a row is read.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    StartOfField,
    /// In a field without quotes.
    Plain,
    Quoted,
    /// Behind a quote in a quoted field: it closes the field, unless another one follows.
    Closed,
}

impl Quotes {
    fn see(&mut self, byte: u8) {
        self.place = match (self.place, byte) {
            (Place::Quoted, b'"') => Place::Closed,
            (Place::StartOfField | Place::Closed, b'"') | (Place::Quoted, _) => Place::Quoted,
            (_, b',') => Place::StartOfField,
            (place, _) => {
                self.is_broken |= place == Place::Closed && !matches!(byte, b'\n' | b'\r');
                Place::Plain
            }
        };
    }

    /// Why the row is none.
    fn fault(&self) -> Option<&'static str> {
        if self.place == Place::Quoted {
            return Some(
                "A quote is opened in this row and never closed, so all that is behind it is one field.",
            );
        }
        self.is_broken
            .then_some("Something other than a comma stands behind a closing quote of this row.")
    }
}

/// A line's text, as far as it can be sent.
#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    length: u64,
    has_break: bool,
}

impl Text {
    fn extend(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        let room = (MAX_LINE + 1).saturating_sub(self.bytes.len());
        self.bytes.extend(&bytes[..bytes.len().min(room)]);
    }

    fn is_blank(&self) -> bool {
        self.bytes.len() <= MAX_LINE && self.bytes.trim_ascii().is_empty()
    }

    fn into_line(self) -> Result<Vec<u8>, Flaw> {
        let line = self.bytes.trim_ascii();
        if line.len() > MAX_LINE {
            return Err(Flaw::TooLong);
        }
        if self.has_break {
            return Err(Flaw::NotJson(line.to_vec()));
        }
        Ok(line.to_vec())
    }

    fn into_row(self, quotes: &Quotes) -> Result<Vec<u8>, Flaw> {
        if let Some(reason) = quotes.fault() {
            return Err(Flaw::BadRow {
                reason: reason.to_owned(),
                row: self.bytes,
            });
        }
        if self.bytes.len() > MAX_LINE {
            return Err(Flaw::TooLong);
        }
        Ok(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// All records, each with its line, and what ends them.
    fn read(text: &[u8]) -> (Vec<(u64, String)>, Option<u64>) {
        read_as(Layout::Plain, text)
    }

    fn read_as(layout: Layout, text: &[u8]) -> (Vec<(u64, String)>, Option<u64>) {
        // A small buffer, so that everything lies across its end once.
        let mut source = Source::new(BufReader::with_capacity(3, text), layout).unwrap();
        let mut all = Vec::new();
        loop {
            match source.record() {
                Ok(Some(record)) => {
                    let text = record.text.unwrap();
                    all.push((record.line, String::from_utf8(text).unwrap()));
                }
                Ok(None) => return (all, None),
                Err(SourceError::Broken(offset)) => return (all, Some(offset)),
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    fn lines(all: &[(u64, &str)]) -> Vec<(u64, String)> {
        let all = all.iter().map(|(line, text)| (*line, (*text).to_owned()));
        all.collect()
    }

    #[test]
    fn lines_are_numbered_as_an_editor_does_and_blank_ones_are_skipped() {
        let both = lines(&[(2, "{\"a\":1}"), (4, "{\"a\":2}")]);
        assert_eq!(read(b"\n{\"a\":1}\r\n \n{\"a\":2}"), (both.clone(), None));
        let with_mark = b"\xef\xbb\xbf\n{\"a\":1}\n\n{\"a\":2}\n\n";
        assert_eq!(read(with_mark), (both, None));
        assert_eq!(read(b""), (vec![], None));
        assert_eq!(read(b" \n"), (vec![], None));
    }

    #[test]
    fn an_array_is_read_element_by_element_and_each_becomes_a_line() {
        let text = b" [ {\"a\":\n [1, {}]},\"]\\\"}\" ,12,\n{\"b\\\\\":\"[\"} ]\n";
        let wanted = lines(&[
            (1, "{\"a\":  [1, {}]}"),
            (2, "\"]\\\"}\""),
            (3, "12"),
            (4, "{\"b\\\\\":\"[\"}"),
        ]);
        assert_eq!(read(text), (wanted, None));
        assert_eq!(read(b"[]"), (vec![], None));
        assert_eq!(read(b"\xef\xbb\xbf[ ] "), (vec![], None));
    }

    #[test]
    fn an_array_in_an_object_is_found_whatever_is_around_it() {
        let wrapped = Layout::Wrapped("users");
        let text =
            br#" {"realm" : "a\"users", "roles":{"users":[1]}, "users_":[2],"users":{"users":[3]},
            "enabled":true,"users" : [ {"users":[4]} , {} ] , "on":1}"#;
        let both = lines(&[(1, "{\"users\":[4]}"), (2, "{}")]);
        assert_eq!(read_as(wrapped, text), (both.clone(), None));
        assert_eq!(read_as(wrapped, b"[{\"users\":[4]},{}]"), (both, None));
        assert_eq!(read_as(wrapped, b"{\"users\":[]}"), (vec![], None));
        assert_eq!(read_as(wrapped, b" "), (vec![], None));
        // The pages of a list, one behind the other.
        let pages =
            b"{\"users\":[],\"next\":\"x\"}\n{\"users\":[1],\"users\":[2]} {\"users\":[3]}\n";
        let all = lines(&[(1, "1"), (2, "2"), (3, "3")]);
        assert_eq!(read_as(wrapped, pages), (all, None));
        let one = lines(&[(1, "{}")]);
        for (text, offset) in [
            (&b"{\"users\":[{}"[..], 12),
            (b"{\"users\":[{}]", 13),
            (b"{\"users\":[{}] 1", 14),
            (b"{\"users\":[{}]}]", 14),
        ] {
            assert_eq!(read_as(wrapped, text), (one.clone(), Some(offset)));
        }
        let none = Source::new(&b"{\"user\":[],\"roles\":{}}"[..], wrapped);
        assert!(matches!(none, Err(SourceError::NoMember("users"))));
        let lines = Source::new(&b"12\n"[..], wrapped);
        assert!(matches!(lines, Err(SourceError::Broken(0))));
    }

    #[test]
    fn a_row_ends_at_a_line_break_that_is_not_between_quotes() {
        let text = b"\xef\xbb\xbf\nid,name\n1,\"a \"\"\nb\"\r\n\n2,";
        let rows = lines(&[(2, "id,name\n"), (3, "1,\"a \"\"\nb\"\r\n"), (6, "2,")]);
        assert_eq!(read_as(Layout::Table, text), (rows, None));
        // What begins like JSON is JSON.
        let one = lines(&[(1, "{}")]);
        assert_eq!(read_as(Layout::Table, b"[{}]"), (one.clone(), None));
        assert_eq!(read_as(Layout::Table, b"{}\n"), (one, None));
    }

    #[test]
    fn a_row_ends_at_each_kind_of_line_break() {
        let text = b"id,name\r1,a\r\r2,b\r\n3,\"c\rd\"\n4,e";
        let rows = lines(&[
            (1, "id,name\r"),
            (2, "1,a\r"),
            (4, "2,b\r\n"),
            (5, "3,\"c\rd\"\n"),
            (6, "4,e"),
        ]);
        assert_eq!(read_as(Layout::Table, text), (rows, None));
    }

    #[test]
    fn a_quote_within_a_field_opens_nothing() {
        let text = b"id,name\n1,5\" disk\n2,a\"\n\"3\",\"\"\n";
        let rows = lines(&[
            (1, "id,name\n"),
            (2, "1,5\" disk\n"),
            (3, "2,a\"\n"),
            (4, "\"3\",\"\"\n"),
        ]);
        assert_eq!(read_as(Layout::Table, text), (rows, None));
    }

    #[test]
    fn a_quote_that_hides_other_rows_is_told() {
        let rows = |text: &str| {
            let mut source = Source::new(text.as_bytes(), Layout::Table).unwrap();
            let mut rows = Vec::new();
            while let Some(RawRecord { line, text }) = source.record().unwrap() {
                rows.push((line, text.map_err(|flaw| flaw.detail().to_owned())));
            }
            rows
        };
        let row = |text: &str| Ok(text.as_bytes().to_vec());
        let [header, unclosed] = rows("id,a\n1,\"b\n2,c\n").try_into().unwrap();
        assert_eq!(header, (1, row("id,a\n")));
        let words = unclosed.1.unwrap_err();
        assert!(unclosed.0 == 2 && words.contains("never closed"), "{words}");
        let large = format!("id,a\n1,\"{}", "b".repeat(MAX_LINE));
        assert!(rows(&large)[1].1.is_err());
        let [_, stray, next] = rows("id,a\n1,\"b\n2,\"c\"\n3,d\n").try_into().unwrap();
        let words = stray.1.unwrap_err();
        assert!(
            stray.0 == 2 && words.contains("behind a closing quote"),
            "{words}"
        );
        assert_eq!(next, (4, row("3,d\n")));
    }

    #[test]
    fn an_array_that_is_not_json_gives_what_is_before() {
        let one = lines(&[(1, "{}")]);
        for (text, offset) in [
            (&b"[{}"[..], 3),
            (b"[{} {}]", 4),
            (b"[{},]", 4),
            (b"[{},,{}]", 4),
            (b"[{}]{}", 4),
            (b"[{},{\"a\":1", 10),
            (b"[{},\"]", 6),
        ] {
            assert_eq!(read(text), (one.clone(), Some(offset)), "{text:?}");
        }
    }

    #[test]
    fn what_can_not_be_one_line_is_not_sent() {
        let text = &b"[{\"a\":\"b\nc\"},{}]"[..];
        let mut source = Source::new(text, Layout::Plain).unwrap();
        let flaw = Flaw::NotJson(b"{\"a\":\"b\nc\"}".to_vec());
        assert_eq!(source.record().unwrap().unwrap().text, Err(flaw));
        let long = [&b"\""[..], &vec![b'x'; MAX_LINE], b"\""].concat();
        for (before, after) in [("", "\n{}\n"), ("[", ",{}]")] {
            let text = [before.as_bytes(), &long, after.as_bytes()].concat();
            let mut source = Source::new(&text[..], Layout::Plain).unwrap();
            let record = source.record().unwrap().unwrap();
            assert_eq!(record.text, Err(Flaw::TooLong));
            let record = source.record().unwrap().unwrap();
            assert_eq!((record.line, record.text), (2, Ok(b"{}".to_vec())));
        }
    }

    #[test]
    fn reading_goes_on_from_any_position() {
        let wrapped = Layout::Wrapped("users");
        for (layout, text) in [
            (Layout::Plain, &b"{}\n\n{\"a\":1}\n12\n"[..]),
            (Layout::Plain, b"[{} , {\"a\":1}, 12 ]"),
            (
                wrapped,
                b"{\"users\":[{},{\"a\":1}]}{\"users\":[12],\"b\":1}",
            ),
            (Layout::Table, b"a,b\n\n\"1\n\",2\r\n3,4"),
            (Layout::Table, b"a,b\r\r\"1\r\",2\r3,4"),
        ] {
            let mut source = Source::new(text, layout).unwrap();
            let mut seen = Vec::new();
            while let Some(record) = source.record().unwrap() {
                seen.push((record, source.position));
            }
            assert_eq!(seen.len(), 3);
            for (n, (_, position)) in seen.iter().enumerate() {
                let offset = usize::try_from(position.offset).unwrap();
                let mut rest = Source::at(&text[offset..], layout, *position);
                for (record, _) in &seen[n + 1..] {
                    assert_eq!(rest.record().unwrap().as_ref(), Some(record));
                }
                assert_eq!(rest.record().unwrap(), None);
            }
        }
    }
}
