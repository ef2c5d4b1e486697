//! Records, as many as one request takes.

use crate::TransferError;
use crate::input::{Flaw, Record, Records};
use crate::source::Position;

/// A request has at most so many bytes, unless one line is longer: what is under way takes memory.
const BATCH_BYTES: usize = 1024 * 1024;
/// So many users are created well within the time that a request has.
const BATCH_LINES: usize = 250;

/// Records for one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) records: Vec<Record>,
    /// Behind the last of them.
    pub(crate) end: Position,
}

/// The records of a file, batch by batch.
pub(crate) struct Batches {
    records: Records,
    /// What did not fit into the batch before, and where it ends; or the fault behind that batch.
    kept: Option<Result<(Record, Position), TransferError>>,
}

impl Batches {
    pub(crate) fn of(records: Records) -> Self {
        Self {
            records,
            kept: None,
        }
    }

    /// The records for the next request; none at the end.
    pub(crate) fn next_batch(&mut self) -> Result<Option<Batch>, TransferError> {
        let (mut records, mut bytes, mut end) = (Vec::new(), 0, self.records.position());
        while records.len() < BATCH_LINES {
            let next = self.kept.take().or_else(|| self.next_record());
            let (record, behind) = match next {
                None => break,
                Some(Ok(next)) => next,
                Some(Err(error)) if records.is_empty() => return Err(error),
                Some(Err(error)) => {
                    self.kept = Some(Err(error));
                    break;
                }
            };
            let length = record.text.as_ref().map_or_else(Flaw::length, Vec::len) + 1;
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

    fn next_record(&mut self) -> Option<Result<(Record, Position), TransferError>> {
        let record = self.records.next()?;
        Some(record.map(|record| (record, self.records.position())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &[u8]) -> Batches {
        Batches::of(Records::of_text(text))
    }

    #[test]
    fn a_batch_has_a_bounded_number_of_lines_and_bytes() {
        let text = b"{}\n".repeat(BATCH_LINES + 1);
        let mut batches = of(&text);
        let sizes = std::iter::from_fn(|| batches.next_batch().unwrap())
            .map(|batch| (batch.records.len(), batch.end.offset));
        let sizes: Vec<_> = sizes.collect();
        let end = text.len() as u64;
        assert_eq!(sizes, [(BATCH_LINES, end - 3), (1, end)]);

        let third = [&b"\""[..], &vec![b'x'; BATCH_BYTES * 2 / 5], b"\"\n"].concat();
        let text = third.repeat(3);
        let mut batches = of(&text);
        let batch = batches.next_batch().unwrap().unwrap();
        let two = third.len() as u64 * 2;
        assert_eq!((batch.records.len(), batch.end.offset), (2, two));
        assert_eq!(batches.next_batch().unwrap().unwrap().records[0].line, 3);
        assert_eq!(batches.next_batch().unwrap(), None);
    }

    #[test]
    fn what_can_not_be_sent_takes_room_too() {
        let broken = [&b"[\"\n"[..], &vec![b'x'; BATCH_BYTES], b"\",{}]"].concat();
        let mut batches = of(&broken);
        for _ in 0..2 {
            let batch = batches.next_batch().unwrap().unwrap();
            assert_eq!(batch.records.len(), 1);
        }
        assert_eq!(batches.next_batch().unwrap(), None);
    }

    #[test]
    fn what_is_before_a_fault_is_given_and_then_the_fault() {
        for (text, offset) in [(&b"[{},{},oh"[..], 9), (b"[{},{},]", 7)] {
            let mut batches = of(text);
            assert_eq!(batches.next_batch().unwrap().unwrap().records.len(), 2);
            let fault = batches.next_batch().unwrap_err();
            assert!(matches!(fault, TransferError::BrokenArray { offset: at, .. } if at == offset));
        }
    }
}
