//! Users out of a file of any size: lines of JSON, or one array of objects. It is read once, piece by
//! piece.

use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};

/// What the service takes in one request, and so in one line.
pub(crate) const MAX_LINE: usize = 4 * 1024 * 1024;
/// A request has at most so many bytes, unless one line is longer: what is under way takes memory.
const BATCH_BYTES: usize = 1024 * 1024;
/// So many users are created well within the time that a request has.
const BATCH_LINES: usize = 250;

/// How users are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    /// One in each line.
    Lines,
    /// As elements of an array.
    Array,
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

/// A user of the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its line or element, from one.
    pub(crate) line: u64,
    /// Its JSON text in one line, or why it can't be sent.
    pub(crate) text: Result<Vec<u8>, Flaw>,
}

/// Why a user can't be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It is longer than a request may be.
    TooLong,
    /// A text has a line break, so it is not JSON, and would be two lines of a request.
    LineBreak(Vec<u8>),
}

/// Users for one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) records: Vec<Record>,
    /// Behind the last of them.
    pub(crate) end: Position,
}

/// Why no more can be read.
#[derive(Debug)]
pub(crate) enum SourceError {
    Io(io::Error),
    /// The array is not JSON from this byte on.
    Broken(u64),
}

impl From<io::Error> for SourceError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The users of a file.
pub(crate) struct Source<R> {
    reader: R,
    position: Position,
    /// Of an array: whether its opening bracket was just read.
    is_first: bool,
    is_over: bool,
    /// What did not fit into the batch before, and where it ends; or the fault behind that batch.
    kept: Option<Result<(Record, Position), SourceError>>,
}

impl<R: BufRead> Source<R> {
    /// From the beginning.
    pub(crate) fn new(mut reader: R) -> Result<Self, SourceError> {
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
        let mut source = Self::at(reader, position);
        let mut lines = 0;
        let first = source.skip_blanks(|byte| lines += u64::from(byte == b'\n'))?;
        if first == Some(b'[') {
            source.step();
            source.position.form = Form::Array;
            source.is_first = true;
        } else {
            source.position.line = lines;
        }
        Ok(source)
    }

    /// From where another run stopped; the reader is there.
    pub(crate) fn at(reader: R, position: Position) -> Self {
        Self {
            reader,
            position,
            is_first: false,
            is_over: false,
            kept: None,
        }
    }

    /// The users for the next request; none at the end.
    pub(crate) fn batch(&mut self) -> Result<Option<Batch>, SourceError> {
        let (mut records, mut bytes, mut end) = (Vec::new(), 0, self.position);
        while records.len() < BATCH_LINES {
            let kept = self.kept.take();
            let next = kept.or_else(|| {
                self.record()
                    .map(|it| Some((it?, self.position)))
                    .transpose()
            });
            let (record, behind) = match next {
                None => break,
                Some(Ok(next)) => next,
                Some(Err(error)) if records.is_empty() => return Err(error),
                Some(Err(error)) => {
                    self.kept = Some(Err(error));
                    break;
                }
            };
            let length = record.text.as_ref().map_or(0, Vec::len) + 1;
            if bytes + length > BATCH_BYTES && !records.is_empty() {
                self.kept = Some(Ok((record, behind)));
                break;
            }
            bytes += length;
            end = behind;
            records.push(record);
        }
        Ok((!records.is_empty()).then_some(Batch { records, end }))
    }

    fn record(&mut self) -> Result<Option<Record>, SourceError> {
        match self.position.form {
            Form::Lines => Ok(self.line()?),
            Form::Array => self.element(),
        }
    }

    /// The next line that is not blank.
    fn line(&mut self) -> io::Result<Option<Record>> {
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
                return Ok(Some(Record { line, text }));
            }
        }
    }

    /// The next element of the array.
    fn element(&mut self) -> Result<Option<Record>, SourceError> {
        if self.is_over {
            return Ok(None);
        }
        let mut next = self.skip_blanks(|_| {})?;
        if !self.is_first && next == Some(b',') {
            self.step();
            next = self.skip_blanks(|_| {})?;
        } else if next == Some(b']') {
            self.step();
            if self.skip_blanks(|_| {})?.is_some() {
                return Err(self.broken());
            }
            self.is_over = true;
            return Ok(None);
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
        Ok(Some(Record { line, text }))
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
                    b',' | b']' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => break,
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
            return Err(Flaw::LineBreak(line.to_vec()));
        }
        Ok(line.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// All users, each with its line; what ends them; and where each would be gone on from.
    fn read(text: &[u8]) -> (Vec<(u64, String)>, Option<u64>) {
        // A small buffer, so that everything lies across its end once.
        let mut source = Source::new(BufReader::with_capacity(3, text)).unwrap();
        let mut all = Vec::new();
        loop {
            match source.record() {
                Ok(Some(record)) => {
                    let text = record.text.unwrap();
                    all.push((record.line, String::from_utf8(text).unwrap()));
                }
                Ok(None) => return (all, None),
                Err(SourceError::Broken(offset)) => return (all, Some(offset)),
                Err(SourceError::Io(error)) => panic!("{error}"),
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
        let mut source = Source::new(&b"[{\"a\":\"b\nc\"},{}]"[..]).unwrap();
        let flaw = Flaw::LineBreak(b"{\"a\":\"b\nc\"}".to_vec());
        assert_eq!(source.record().unwrap().unwrap().text, Err(flaw));
        let long = [&b"\""[..], &vec![b'x'; MAX_LINE], b"\""].concat();
        for (before, after) in [("", "\n{}\n"), ("[", ",{}]")] {
            let text = [before.as_bytes(), &long, after.as_bytes()].concat();
            let mut source = Source::new(&text[..]).unwrap();
            let record = source.record().unwrap().unwrap();
            assert_eq!(record.text, Err(Flaw::TooLong));
            let record = source.record().unwrap().unwrap();
            assert_eq!((record.line, record.text), (2, Ok(b"{}".to_vec())));
        }
    }

    #[test]
    fn a_batch_has_a_bounded_number_of_lines_and_bytes() {
        let text = b"{}\n".repeat(BATCH_LINES + 1);
        let mut source = Source::new(&text[..]).unwrap();
        let sizes = std::iter::from_fn(|| source.batch().unwrap())
            .map(|batch| (batch.records.len(), batch.end.offset));
        let sizes: Vec<_> = sizes.collect();
        let end = text.len() as u64;
        assert_eq!(sizes, [(BATCH_LINES, end - 3), (1, end)]);

        let third = [&b"\""[..], &vec![b'x'; BATCH_BYTES * 2 / 5], b"\"\n"].concat();
        let text = third.repeat(3);
        let mut source = Source::new(&text[..]).unwrap();
        let batch = source.batch().unwrap().unwrap();
        let two = third.len() as u64 * 2;
        assert_eq!((batch.records.len(), batch.end.offset), (2, two));
        assert_eq!(source.batch().unwrap().unwrap().records[0].line, 3);
        assert_eq!(source.batch().unwrap(), None);
    }

    #[test]
    fn what_is_before_a_fault_is_given_and_then_the_fault() {
        for (text, offset) in [(&b"[{},{},oh"[..], 9), (b"[{},{},]", 7)] {
            let mut source = Source::new(text).unwrap();
            assert_eq!(source.batch().unwrap().unwrap().records.len(), 2);
            let fault = source.batch().unwrap_err();
            assert!(matches!(fault, SourceError::Broken(at) if at == offset));
        }
    }

    #[test]
    fn reading_goes_on_from_any_position() {
        for text in [&b"{}\n\n{\"a\":1}\n12\n"[..], b"[{} , {\"a\":1}, 12 ]"] {
            let mut source = Source::new(text).unwrap();
            let mut seen = Vec::new();
            while let Some(record) = source.record().unwrap() {
                seen.push((record, source.position));
            }
            assert_eq!(seen.len(), 3);
            for (n, (_, position)) in seen.iter().enumerate() {
                let offset = usize::try_from(position.offset).unwrap();
                let mut rest = Source::at(&text[offset..], *position);
                for (record, _) in &seen[n + 1..] {
                    assert_eq!(rest.record().unwrap().as_ref(), Some(record));
                }
                assert_eq!(rest.record().unwrap(), None);
            }
        }
    }
}
