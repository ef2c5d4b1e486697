//! The claims that a user can be created with (OpenID Connect Core 1.0, section 5.1).

use crate::JsonObject;

/// The profile members of a create. Absent members make no claim.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "OpenID Connect's own claim names")]
pub struct Profile<'a> {
    pub name: Option<&'a str>,
    pub given_name: Option<&'a str>,
    pub middle_name: Option<&'a str>,
    pub family_name: Option<&'a str>,
    pub nickname: Option<&'a str>,
    pub picture: Option<&'a str>,
}

/// A profile member that is not what OpenID Connect says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidClaim {
    /// The member's name.
    pub member: &'static str,
    /// What it must be.
    pub reason: &'static str,
}

impl<'a> Profile<'a> {
    const MAX_CHARACTERS: usize = 1024;

    /// The members as claims. `conformance` also checks that `picture` is an absolute URL.
    pub fn claims(self, conformance: bool) -> Result<JsonObject, InvalidClaim> {
        let present: Vec<(&'static str, &'a str)> = [
            ("name", self.name),
            ("given_name", self.given_name),
            ("middle_name", self.middle_name),
            ("family_name", self.family_name),
            ("nickname", self.nickname),
            ("picture", self.picture),
        ]
        .into_iter()
        .filter_map(|(member, value)| Some((member, value?)))
        .collect();
        for (member, value) in &present {
            if value.chars().count() > Self::MAX_CHARACTERS {
                return Err(InvalidClaim {
                    member,
                    reason: "must have at most 1024 characters",
                });
            }
            if value.chars().any(char::is_control) {
                return Err(InvalidClaim {
                    member,
                    reason: "must not contain control characters",
                });
            }
        }
        let is_url =
            |text| url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if conformance && self.picture.is_some_and(|picture| !is_url(picture)) {
            return Err(InvalidClaim {
                member: "picture",
                reason: "must be an absolute http or https URL",
            });
        }
        JsonObject::of_strings(present).map_err(|_| InvalidClaim {
            member: "name",
            reason: "the profile must have at most 65536 bytes",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_present_members_become_claims() {
        let profile = Profile {
            name: Some("Grace Hopper"),
            nickname: Some(""),
            ..Profile::default()
        };
        assert_eq!(
            profile.claims(true).unwrap().as_str(),
            r#"{"name":"Grace Hopper","nickname":""}"#
        );
    }

    #[test]
    fn a_picture_is_a_url_unless_conformance_is_skipped() {
        let profile = Profile {
            picture: Some("javascript:alert(1)"),
            ..Profile::default()
        };
        assert_eq!(profile.claims(true).unwrap_err().member, "picture");
        assert!(profile.claims(false).is_ok());
    }

    #[test]
    fn control_characters_and_overlong_values_are_refused() {
        for bad in ["a\0b", "a\u{85}b", &"x".repeat(1025)] {
            let profile = Profile {
                given_name: Some(bad),
                ..Profile::default()
            };
            assert_eq!(profile.claims(true).unwrap_err().member, "given_name");
        }
    }
}
