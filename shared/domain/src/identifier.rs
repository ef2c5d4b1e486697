//! Identifiers: the three kinds of name that belong to one user at most.

use caseless::Caseless as _;
use unicode_normalization::UnicodeNormalization as _;

use crate::{Code, Email, IdentityError, Phone, Refusal, Username};

/// The three kinds of identifier. Each kind has a name space of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// E-mail addresses.
    Email,
    /// Phone numbers.
    Phone,
    /// Usernames.
    Username,
}

impl Kind {
    /// The rule error of a second user with the same identifier.
    pub const fn duplicate(self) -> IdentityError {
        match self {
            Self::Email => IdentityError::new(
                Code::DuplicateEmail,
                "The e-mail address is already in use.",
            ),
            Self::Phone => IdentityError::new(
                Code::DuplicatePhoneNumber,
                "The phone number is already in use.",
            ),
            Self::Username => {
                IdentityError::new(Code::DuplicateUserName, "The username is already in use.")
            }
        }
    }
}

/// An identifier as uniqueness compares it: its kind and canonical form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    /// Which name space.
    pub kind: Kind,
    /// The canonical form, unique in that name space.
    pub canonical: String,
}

impl From<&Email> for Identifier {
    fn from(email: &Email) -> Self {
        Self {
            kind: Kind::Email,
            canonical: email.canonical().to_owned(),
        }
    }
}

impl From<&Phone> for Identifier {
    fn from(phone: &Phone) -> Self {
        Self {
            kind: Kind::Phone,
            canonical: phone.as_str().to_owned(),
        }
    }
}

impl From<&Username> for Identifier {
    fn from(username: &Username) -> Self {
        Self {
            kind: Kind::Username,
            canonical: username.canonical().to_owned(),
        }
    }
}

/// Refuses to remove one of a user's `identifiers` when it is the last one.
pub(crate) fn refuse_last_identifier(identifiers: usize) -> Result<(), Refusal> {
    if identifiers > 1 {
        return Ok(());
    }
    Err(IdentityError::new(
        Code::LastIdentifier,
        "The last identifier can't be removed: the user could not sign in any more.",
    )
    .into())
}

/// NFKC, full case folding, NFKC: texts that differ only in case, width or other compatibility become
/// equal.
pub(crate) fn folded(text: &str) -> String {
    text.nfkc().default_case_fold().nfkc().collect()
}

/// Folds until the text no longer changes: a few compatibility characters need a second round.
pub(crate) fn stably_folded(text: &str) -> Option<String> {
    const MAX_ROUNDS: usize = 4;
    let mut previous = folded(text);
    for _ in 0..MAX_ROUNDS {
        let next = folded(&previous);
        if next == previous {
            return Some(next);
        }
        previous = next;
    }
    None
}

/// Control and formatting characters: they make a text look like another one.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}'
            | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffd}' | '\u{e0000}'..='\u{e0fff}')
}
