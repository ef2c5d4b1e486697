//! Times, as products write them.

use jiff::Timestamp;
use serde::Deserialize;

use super::members::Members;

/// What a time that is a number counts, since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
}

/// The end of 9999, as Roster knows times.
const END: i64 = 253_402_300_799;

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(f64),
    Text(String),
}

impl Members {
    /// Takes a time, as seconds since 1970. A number, or a text that is one, counts `unit`; another text is
    /// of RFC 3339, or as a database writes it. What is no time stays.
    pub(super) fn time(&mut self, name: &str, unit: Unit) -> Option<i64> {
        let time = match self.peek(name)? {
            Written::Number(number) => count(number, unit),
            Written::Text(text) => text.parse().map_or_else(
                |_| text.parse().ok().map(Timestamp::as_second),
                |number| count(number, unit),
            ),
        };
        let time = time.filter(|time| (0..=END).contains(time))?;
        self.remove(&[name]);
        Some(time)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and what is past the end is no time"
)]
fn count(number: f64, unit: Unit) -> Option<i64> {
    let seconds = match unit {
        Unit::Seconds => number,
        Unit::Milliseconds => number / 1000.0,
    };
    seconds.is_finite().then_some(seconds.floor() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(json: &str, unit: Unit) -> Option<i64> {
        let text = format!("{{\"at\":{json}}}");
        let mut members = Members::parse(text.as_bytes()).unwrap();
        let time = members.time("at", unit);
        assert_eq!(time.is_none(), !members.is_empty(), "{json}");
        time
    }

    #[test]
    fn each_form_of_a_time_is_read() {
        for text in [
            "2023-05-31T08:03:11Z",
            "2023-05-31T08:03:11.134Z",
            "2023-05-31T10:03:11.134567+02:00",
            "2023-05-31 08:03:11.134567+00",
            "2023-05-31 08:03:11+00:00",
        ] {
            let json = format!("\"{text}\"");
            assert_eq!(time(&json, Unit::Seconds), Some(1_685_520_191), "{text}");
        }
        for number in ["1685520191.949", "1685520191", "\"1685520191\""] {
            assert_eq!(time(number, Unit::Seconds), Some(1_685_520_191), "{number}");
        }
        for number in ["1685520191949", "\"1685520191949\""] {
            let read = time(number, Unit::Milliseconds);
            assert_eq!(read, Some(1_685_520_191), "{number}");
        }
    }

    #[test]
    fn what_is_no_time_of_roster_stays() {
        for json in [
            "\"yesterday\"",
            "-1",
            "1e300",
            "\"NaN\"",
            "true",
            "\"2023-05-31\"",
            "{}",
        ] {
            assert_eq!(time(json, Unit::Seconds), None, "{json}");
        }
    }
}
