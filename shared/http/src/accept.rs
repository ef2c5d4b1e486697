//! Which media types a caller accepts: `Accept` (RFC 9110, section 12.5.1).

/// The media ranges of a request, each with its weight.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Accept(Vec<MediaRange>);

#[derive(Debug, PartialEq, Eq)]
struct MediaRange {
    /// `type/subtype` in lower case; either may be `*`.
    name: String,
    has_parameters: bool,
    is_acceptable: bool,
}

impl Accept {
    /// Reads the header's lines, which make one list; `None` when it is malformed.
    pub(crate) fn parse<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut ranges = Vec::new();
        for line in lines {
            for element in split(line, b',')? {
                // Empty elements are to be ignored (section 5.6.1.2).
                if !element.is_empty() {
                    ranges.push(MediaRange::parse(element)?);
                }
            }
        }
        Some(Self(ranges))
    }

    /// Whether the header names the media type and accepts it. A weight of zero means that it is not
    /// accepted, and a wildcard is no name. Of several ranges, the one without parameters is the
    /// closest to a media type without any.
    pub(crate) fn names(&self, media_type: &str) -> bool {
        let ranges = || self.0.iter().filter(|range| range.name == media_type);
        let has_plain = ranges().any(|range| !range.has_parameters);
        ranges().any(|range| range.is_acceptable && !(has_plain && range.has_parameters))
    }
}

impl MediaRange {
    fn parse(element: &[u8]) -> Option<Self> {
        let mut parts = split(element, b';')?.into_iter();
        let name = std::str::from_utf8(parts.next()?).ok()?;
        let (kind, subtype) = name.split_once('/')?;
        let is_range = is_token(kind) && is_token(subtype) && (kind != "*" || subtype == "*");
        let (mut has_parameters, mut weight) = (false, None);
        for parameter in parts.filter(|parameter| !parameter.is_empty()) {
            let equals = parameter.iter().position(|b| *b == b'=')?;
            let (name, value) = parameter.split_at(equals);
            let is_weight = name.eq_ignore_ascii_case(b"q");
            if !is_token(std::str::from_utf8(name).ok()?) || value.len() < 2 {
                return None;
            }
            // What follows a weight are extensions of Accept, not parameters of the media type.
            match weight {
                None if is_weight => weight = Some(is_positive_weight(&value[1..])?),
                None => has_parameters = true,
                Some(_) => {}
            }
        }
        is_range.then(|| Self {
            name: name.to_ascii_lowercase(),
            has_parameters,
            is_acceptable: weight.unwrap_or(true),
        })
    }
}

/// The parts of a list, without the blanks around them. A separator within quotes is part of the text;
/// `None` when a quote isn't closed.
fn split(text: &[u8], separator: u8) -> Option<Vec<&[u8]>> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (place, byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            byte if *byte == separator && !is_quoted => {
                parts.push(text[start..place].trim_ascii());
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim_ascii());
    (!is_quoted).then_some(parts)
}

/// A token of section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_tchar = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// Whether a weight is greater than zero; `None` when the text is no weight (section 12.4.2).
fn is_positive_weight(text: &[u8]) -> Option<bool> {
    let (whole, decimals) = match text {
        [whole] => (whole, &[][..]),
        [whole, b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
        _ => return None,
    };
    let is_zero = decimals.iter().all(|digit| *digit == b'0');
    match whole {
        b'0' if decimals.iter().all(u8::is_ascii_digit) => Some(!is_zero),
        b'1' if is_zero => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accept(lines: &[&str]) -> Option<Accept> {
        Accept::parse(lines.iter().map(|line| line.as_bytes()))
    }

    fn names(lines: &[&str], media_type: &str) -> bool {
        accept(lines).is_some_and(|accept| accept.names(media_type))
    }

    #[test]
    fn a_media_type_is_named_by_its_name_in_any_case_and_by_no_wildcard() {
        for list in [
            "application/json",
            "APPLICATION/Json",
            "text/plain, application/json",
            "*/*;q=0.1,application/json",
            "application/json;q=0.001",
            "application/json ; q=1.000",
            "application/json;Q=1",
            "application/json; charset=utf-8",
            "application/json;v=\"a,b;q=0\\\"\"",
            "application/json;q=1;more=\"x\"",
            ", ,application/json,",
            "application/json;;q=1;",
        ] {
            assert!(names(&[list], "application/json"), "{list}");
        }
        for list in [
            "",
            "*/*",
            "application/*",
            "application/jsonp",
            "application/json+x",
            "text/json",
        ] {
            assert!(!names(&[list], "application/json"), "{list}");
        }
    }

    #[test]
    fn a_weight_of_zero_refuses() {
        for list in [
            "application/json;q=0",
            "application/json; q=0.000, */*",
            "application/json;q=0., application/*;q=1",
            "application/json;charset=utf-8;q=0",
        ] {
            assert!(!names(&[list], "application/json"), "{list}");
        }
    }

    #[test]
    fn the_range_that_is_closest_decides() {
        let closest = "application/json;q=0, application/json;version=1";
        assert!(!names(&[closest], "application/json"));
        let closest = "application/json, application/json;version=1;q=0";
        assert!(names(&[closest], "application/json"));
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = ["application/json", "text/html;q=0.5"];
        assert!(names(&lines, "application/json") && names(&lines, "text/html"));
        let lines = ["text/html", "application/json"];
        assert!(names(&lines, "application/json") && names(&lines, "text/html"));
    }

    #[test]
    fn a_list_that_is_malformed_is_none() {
        for bad in [
            "json",
            "application/",
            "/json",
            "*/json",
            "application/json/x",
            "application /json",
            "application/json;q",
            "application/json;q=",
            "application/json;q=2",
            "application/json;q=-1",
            "application/json;q=0.0001",
            "application/json;q=1.001",
            "application/json;q=high",
            "application/json;q=\"1\"",
            "application/json;a=\"b",
            "application/json, te\u{e9}t/html",
        ] {
            assert_eq!(accept(&[bad]), None, "{bad}");
        }
        assert_eq!(accept(&[]), Some(Accept(vec![])));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_lines_say_what_one_list_says(
            first in proptest::collection::vec(any::<u8>(), 0..40),
            other in "[a-z*/,;=q01.\" \\\\]{0,40}",
        ) {
            let other = other.as_bytes();
            let apart = Accept::parse([first.as_slice(), other]);
            if let (Some(_), Some(_)) = (Accept::parse([first.as_slice()]), Accept::parse([other])) {
                let joined = [&first, b", ".as_slice(), other].concat();
                prop_assert_eq!(Accept::parse([joined.as_slice()]), apart);
            } else {
                prop_assert_eq!(apart, None);
            }
        }

        #[test]
        fn a_range_is_named_exactly_when_its_weight_is_more_than_zero(
            weight in 0_u16..=1000, before in "(text/[a-z]{1,5}, ?){0,3}",
        ) {
            let weight_text = format!("{}.{:03}", weight / 1000, weight % 1000);
            let list = format!("{before}application/json;q={weight_text}, */*");
            prop_assert_eq!(names(&[&list], "application/json"), weight > 0);
        }
    }
}
