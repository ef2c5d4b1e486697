//! Entity tags (RFC 9110, section 8.8.3): a user's version in quotes.

use domain::Version;
use store::Precondition;

/// The strong tag of a version.
pub(crate) fn of(version: Version) -> String {
    format!("\"{version}\"")
}

/// A header that lists tags.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tags {
    /// `*`.
    Any,
    /// At least one tag.
    Listed(Vec<Tag>),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    is_weak: bool,
    opaque: String,
}

impl Tag {
    /// The version that the tag names, if the service can have made the tag.
    fn version(&self) -> Option<Version> {
        let version = Version::new(self.opaque.parse().ok()?);
        (of(version)[1..].trim_end_matches('"') == self.opaque).then_some(version)
    }
}

impl Tags {
    /// A condition on the table takes at most a hundred operands, and no client knows so many versions.
    const MAX: usize = 32;

    /// Reads `If-Match` or `If-None-Match`; `None` when it is malformed.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        if header.trim() == "*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        let blank = [' ', '\t'];
        // Empty elements are to be ignored (RFC 9110, section 5.6.1.2).
        let skipped = [' ', '\t', ','];
        let mut rest = header.trim_start_matches(skipped);
        while !rest.is_empty() {
            let (is_weak, quoted) = match rest.strip_prefix("W/") {
                Some(quoted) => (true, quoted),
                None => (false, rest),
            };
            let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
            let is_etagc = |b: u8| b == 0x21 || (0x23..=0x7e).contains(&b);
            if !opaque.bytes().all(is_etagc) {
                return None;
            }
            if tags.len() == Self::MAX {
                return None;
            }
            tags.push(Tag {
                is_weak,
                opaque: opaque.to_owned(),
            });
            rest = after.trim_start_matches(blank);
            if !rest.is_empty() {
                rest = rest.strip_prefix(',')?.trim_start_matches(skipped);
            }
        }
        (!tags.is_empty()).then_some(Self::Listed(tags))
    }

    /// The tags of `If-Match`: strong comparison, so a weak tag never matches. `*` means any user that
    /// exists, and every write requires that anyway.
    pub(crate) fn precondition(&self) -> Precondition {
        match self {
            Self::Any => Precondition::None,
            Self::Listed(tags) => Precondition::Versions(
                tags.iter()
                    .filter(|tag| !tag.is_weak)
                    .filter_map(Tag::version)
                    .collect(),
            ),
        }
    }

    /// The tags of `If-None-Match`: weak comparison.
    pub(crate) fn matches(&self, version: Version) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| tag.version() == Some(version)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(header: &str) -> Option<Precondition> {
        Tags::parse(header).map(|tags| tags.precondition())
    }

    #[test]
    fn if_match_lists_versions_and_weak_tags_never_match() {
        assert_eq!(
            versions("\"7\""),
            Some(Precondition::Versions(vec![Version::new(7)]))
        );
        assert_eq!(
            versions(" \"7\" ,\"8\", W/\"9\",\"x\",\"\",\"07\""),
            Some(Precondition::Versions(vec![
                Version::new(7),
                Version::new(8)
            ]))
        );
        assert_eq!(
            versions(",\"7\", ,\"8\","),
            Some(Precondition::Versions(vec![
                Version::new(7),
                Version::new(8)
            ]))
        );
        assert_eq!(versions("W/\"7\""), Some(Precondition::Versions(vec![])));
        assert_eq!(versions("*"), Some(Precondition::None));
    }

    #[test]
    fn a_malformed_list_is_no_list() {
        for bad in [
            "",
            "7",
            "\"7",
            "7\"",
            "\"7\" \"8\"",
            ",",
            "w/\"7\"",
            "\"a b\"",
            "*,\"7\"",
        ] {
            assert_eq!(Tags::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_list_has_at_most_32_tags() {
        let list = |tags: usize| vec!["\"7\""; tags].join(", ");
        assert!(Tags::parse(&list(32)).is_some());
        assert_eq!(Tags::parse(&list(33)), None);
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let matches =
            |header: &str| Tags::parse(header).is_some_and(|tags| tags.matches(Version::new(7)));
        assert!(matches("\"7\"") && matches("W/\"7\"") && matches("*") && matches("\"1\", \"7\""));
        assert!(!matches("\"8\"") && !matches("\"07\""));
    }
}
