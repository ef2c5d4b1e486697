//! Which users a list is asked for: the text of `filter`, and whether a user is among them
//! (users-api.md, section 5).
//!
//! A filter has terms, and a user must match all of them. Each term but `disabled:false` is what an
//! index is sorted by, so that no list ever looks through all users.

use std::borrow::Cow;

use crate::{Email, Identifier, Kind, Phone, User, UserId, Username};

/// What the users of a list have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// At least one, and one of them finds users by an index.
    terms: Vec<Term>,
}

/// A statement about a user. Texts are in their canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// The user has exactly this name; `None` where no user can have it.
    Is(Option<Name>),
    /// One of the user's names starts as one of these; none of them where no name can start so.
    Starts(Vec<Name>),
    /// One of the user's e-mail addresses has this domain.
    Domain(String),
    /// `disabled` has this value.
    Disabled(bool),
}

/// A name of a user, or the start of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// What is named so.
    pub of: NameKind,
    /// The name in its canonical form, or its start.
    pub text: String,
}

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// One of the user's identifiers.
    Identifier(Kind),
    /// The user, for good.
    UserId,
}

/// Why a text is no filter: what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFilter {
    /// A word with a space in it, `OR`, `NOT`, or parentheses.
    #[error("terms that are joined by AND alone, without OR, NOT, parentheses and other spaces")]
    Joined,
    /// A field that is none of those that have an index.
    #[error(
        "words, and fields of these alone: email:, username:, phone:, user_id:, domain:, disabled:"
    )]
    Field,
    /// A term or a field without a value.
    #[error("terms that each have a value, such as email:ada@example.com")]
    Empty,
    /// A `*` that is not the end of a field's value.
    #[error(
        "terms with * at most at the end of an email:, username:, phone: or user_id:; a word \
         without a field is a start already"
    )]
    Star,
    /// The start of a phone number that is too short.
    #[error("a start of a phone number of at least three characters, such as phone:+44*")]
    ShortPhone,
    /// The start of an address ends within a label of its domain that is not ASCII.
    #[error(
        "a start of an address that ends in ASCII or in a dot, such as email:ada@b\u{fc}cher.*"
    )]
    UnfinishedLabel,
    /// A domain that no address can have.
    #[error("a whole domain, such as domain:example.com")]
    Domain,
    /// A value of `disabled:` that is no truth value.
    #[error("disabled:true or disabled:false")]
    Truth,
    /// More terms than a person needs.
    #[error("at most ten terms")]
    TooMany,
    /// `disabled:false` alone.
    #[error("another term beside disabled:false, which finds no users by itself")]
    NoIndex,
}

const SEPARATOR: &str = " AND ";
/// Each term is held against up to 10,000 users.
const MAX_TERMS: usize = 10;

impl Filter {
    /// Takes the text of `filter`; `None` where it is blank, which asks for all users.
    ///
    /// ```
    /// use domain::Filter;
    /// use domain::filter::InvalidFilter;
    ///
    /// assert!(Filter::parse("domain:example.com AND disabled:true").is_ok());
    /// assert_eq!(Filter::parse("ada OR grace"), Err(InvalidFilter::Joined));
    /// assert_eq!(Filter::parse(""), Ok(None));
    /// ```
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidFilter> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        if text.split(SEPARATOR).count() > MAX_TERMS {
            return Err(InvalidFilter::TooMany);
        }
        let terms = text.split(SEPARATOR).map(Term::parse);
        let terms = terms.collect::<Result<Vec<_>, _>>()?;
        if !terms.iter().any(|term| term.rank() < Rank::NoIndex) {
            return Err(InvalidFilter::NoIndex);
        }
        Ok(Some(Self { terms }))
    }

    /// Whether the user is among those that are asked for.
    pub fn matches(&self, user: &User) -> bool {
        self.terms.iter().all(|term| term.matches(user))
    }

    /// The term that finds the fewest users, as far as its kind can tell.
    pub fn most_selective(&self) -> &Term {
        let terms = self.terms.iter();
        let most = terms.min_by_key(|term| term.rank());
        most.expect("a filter has a term")
    }

    /// Whether the users of one term are those of the filter.
    pub fn has_one_term(&self) -> bool {
        self.terms.len() == 1
    }
}

/// How few users a term finds, by its kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    AtMostOne,
    Some,
    Many,
    NoIndex,
}

impl Term {
    fn parse(text: &str) -> Result<Self, InvalidFilter> {
        let text = with_plus_sign(text);
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidFilter::Empty);
        }
        let Some((field, value)) = text.split_once(':') else {
            return Self::word(text);
        };
        let value = match field {
            "phone" => with_plus_sign(value),
            _ => value.into(),
        };
        let value = value.trim();
        if value.is_empty() || value == "*" {
            return Err(InvalidFilter::Empty);
        }
        let kind = match field {
            "email" => NameKind::Identifier(Kind::Email),
            "username" => NameKind::Identifier(Kind::Username),
            "phone" => NameKind::Identifier(Kind::Phone),
            "user_id" => NameKind::UserId,
            "domain" if value.contains('*') => return Err(InvalidFilter::Star),
            "domain" => {
                let domain = Email::canonical_domain(value);
                return domain.map(Self::Domain).ok_or(InvalidFilter::Domain);
            }
            "disabled" => {
                let value = value.parse().map_err(|_| InvalidFilter::Truth)?;
                return Ok(Self::Disabled(value));
            }
            _ => return Err(InvalidFilter::Field),
        };
        refuse_operators(value, kind)?;
        match value.strip_suffix('*') {
            Some(start) if !start.contains('*') => {
                Ok(Self::Starts(kind.start(start)?.into_iter().collect()))
            }
            None if !value.contains('*') => Ok(Self::Is(kind.whole(value))),
            _ => Err(InvalidFilter::Star),
        }
    }

    /// A word without a field: the start of an identifier of any kind.
    fn word(word: &str) -> Result<Self, InvalidFilter> {
        if word.contains('*') {
            return Err(InvalidFilter::Star);
        }
        let kinds = if word.starts_with('+') && word.contains([' ', '(', ')']) {
            // Only a phone number is typed so.
            [Kind::Phone].as_slice()
        } else {
            &[Kind::Email, Kind::Username, Kind::Phone]
        };
        let mut starts = Vec::new();
        for kind in kinds {
            let kind = NameKind::Identifier(*kind);
            refuse_operators(word, kind)?;
            starts.extend(kind.start(word)?);
        }
        Ok(Self::Starts(starts))
    }

    /// Whether it is true for a user.
    pub fn matches(&self, user: &User) -> bool {
        match self {
            Self::Disabled(value) => user.is_disabled() == *value,
            Self::Is(None) => false,
            Self::Is(Some(name)) => name.of.names(user).contains(&name.text.as_str()),
            Self::Starts(_) | Self::Domain(_) => self.first_match(user).is_some(),
        }
    }

    /// The first name of a user that matches, in the order of the index: the number of the start that
    /// it matches, and the name.
    pub fn first_match<'a>(&self, user: &'a User) -> Option<(usize, &'a str)> {
        match self {
            Self::Is(_) | Self::Disabled(_) => None,
            Self::Starts(starts) => starts.iter().enumerate().find_map(|(number, start)| {
                let names = start.of.names(user).into_iter();
                let first = names.filter(|name| name.starts_with(&start.text)).min();
                first.map(|name| (number, name))
            }),
            Self::Domain(domain) => {
                let emails = user.emails().values();
                let of_domain = emails.filter(|email| email.domain() == domain);
                of_domain.map(Email::canonical).min().map(|name| (0, name))
            }
        }
    }

    fn rank(&self) -> Rank {
        match self {
            Self::Is(_) => Rank::AtMostOne,
            Self::Starts(_) | Self::Domain(_) => Rank::Some,
            Self::Disabled(true) => Rank::Many,
            Self::Disabled(false) => Rank::NoIndex,
        }
    }
}

impl NameKind {
    /// The canonical form of a whole name; `None` where no user can have it.
    fn whole(self, text: &str) -> Option<Name> {
        let text = match self {
            Self::Identifier(Kind::Email) => Identifier::from(&Email::parse(text).ok()?).canonical,
            Self::Identifier(Kind::Phone) => Identifier::from(&Phone::parse(text).ok()?).canonical,
            Self::Identifier(Kind::Username) => {
                Identifier::from(&Username::parse(text).ok()?).canonical
            }
            Self::UserId => UserId::parse(text).ok()?.to_string(),
        };
        Some(Name { of: self, text })
    }

    /// How many characters a start has at least. Every phone number begins with a plus sign, so one
    /// character alone would tell none apart.
    pub const fn min_start(self) -> usize {
        match self {
            Self::Identifier(Kind::Phone) => 3,
            Self::Identifier(Kind::Email | Kind::Username) | Self::UserId => 1,
        }
    }

    /// The canonical form of a name's start; `None` where no name can start so.
    fn start(self, text: &str) -> Result<Option<Name>, InvalidFilter> {
        let text = match self {
            Self::Identifier(Kind::Email) => {
                Email::canonical_start(text).map_err(|_| InvalidFilter::UnfinishedLabel)?
            }
            Self::Identifier(Kind::Phone) => match Phone::canonical_start(text) {
                Some(start) if start.len() < self.min_start() => {
                    return Err(InvalidFilter::ShortPhone);
                }
                start => start,
            },
            Self::Identifier(Kind::Username) => Username::canonical_start(text),
            Self::UserId => UserId::is_start(text).then(|| text.to_owned()),
        };
        Ok(text.map(|text| Name { of: self, text }))
    }

    /// The names of this kind that a user has, in their canonical form.
    fn names(self, user: &User) -> Vec<&str> {
        match self {
            Self::Identifier(Kind::Email) => user.emails().values().map(Email::canonical).collect(),
            Self::Identifier(Kind::Phone) => user.phones().values().map(Phone::as_str).collect(),
            Self::Identifier(Kind::Username) => {
                let username = user.username();
                let canonical = username.map(|username| username.value.canonical());
                canonical.into_iter().collect()
            }
            Self::UserId => vec![user.id().as_str()],
        }
    }
}

/// A query decodes a `+` as a space. Before what else would be a phone number, it was one.
fn with_plus_sign(text: &str) -> Cow<'_, str> {
    let number = text
        .strip_prefix(' ')
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        .map(|rest| format!("+{rest}"))
        .filter(|number| Phone::canonical_start(number.trim_end_matches('*')).is_some());
    number.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Refuses what reads as another query language. A phone number has spaces and parentheses of its own.
fn refuse_operators(value: &str, kind: NameKind) -> Result<(), InvalidFilter> {
    let is_phone = kind == NameKind::Identifier(Kind::Phone) && value.starts_with('+');
    let has_words = value.split_whitespace().nth(1).is_some();
    let has_operators = has_words || matches!(value, "OR" | "NOT" | "AND");
    if !is_phone && (has_operators || value.contains(['(', ')'])) {
        return Err(InvalidFilter::Joined);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample;

    const EMAIL: NameKind = NameKind::Identifier(Kind::Email);
    const PHONE: NameKind = NameKind::Identifier(Kind::Phone);
    const USERNAME: NameKind = NameKind::Identifier(Kind::Username);

    fn name(of: NameKind, text: &str) -> Name {
        let text = text.to_owned();
        Name { of, text }
    }

    fn terms(text: &str) -> Vec<Term> {
        let filter = Filter::parse(text).unwrap_or_else(|invalid| panic!("{text}: {invalid}"));
        filter.unwrap().terms
    }

    #[test]
    fn a_filter_is_terms_that_are_joined_by_and() {
        let is = |of, text| Term::Is(Some(name(of, text)));
        let starts = |of, text| Term::Starts(vec![name(of, text)]);
        for (text, wanted) in [
            ("email:Ada@Example.ORG", is(EMAIL, "ada@example.org")),
            ("username:Grace", is(USERNAME, "grace")),
            ("phone:+44 151 496 0453", is(PHONE, "+441514960453")),
            ("user_id:Ab-_", is(NameKind::UserId, "Ab-_")),
            ("email:Ada*", starts(EMAIL, "ada")),
            ("email: ada*", starts(EMAIL, "ada")),
            ("username:GRA*", starts(USERNAME, "gra")),
            ("phone:+44 (151)*", starts(PHONE, "+44151")),
            ("user_id:Ab*", starts(NameKind::UserId, "Ab")),
            (
                "domain:B\u{fc}cher.example",
                Term::Domain("xn--bcher-kva.example".to_owned()),
            ),
            ("disabled:true", Term::Disabled(true)),
            (
                "Ada",
                Term::Starts(vec![name(EMAIL, "ada"), name(USERNAME, "ada")]),
            ),
            ("ada@", starts(EMAIL, "ada@")),
            ("+44 (151) 4", starts(PHONE, "+441514")),
            (
                "+441",
                Term::Starts(vec![
                    name(EMAIL, "+441"),
                    name(USERNAME, "+441"),
                    name(PHONE, "+441"),
                ]),
            ),
        ] {
            assert_eq!(terms(text), [wanted], "{text}");
        }
        assert_eq!(
            terms("domain:example.org AND ada AND disabled:false").len(),
            3
        );
    }

    #[test]
    fn a_plus_sign_that_was_not_encoded_is_one_all_the_same() {
        for text in [" 441514960453", "phone: 44 151*", "a AND  44151"] {
            let terms = terms(text);
            let Some(Term::Starts(starts)) = terms.last() else {
                panic!("{terms:?}");
            };
            assert!(starts.iter().any(|start| start.of == PHONE), "{text}");
        }
        for (text, username) in [(" 7up", "7up"), ("username: 7up*", "7up")] {
            let Term::Starts(starts) = &terms(text)[0] else {
                panic!("{text} is a start");
            };
            assert!(starts.contains(&name(USERNAME, username)), "{text}");
        }
    }

    #[test]
    fn what_can_not_exist_is_matched_by_no_user() {
        for text in [
            "email:nobody",
            "phone:0151",
            "user_id:a.b",
            "username:a@b",
            "user_id:.*",
            "phone:044*",
        ] {
            let wanted = [Term::Is(None), Term::Starts(vec![])];
            assert!(wanted.contains(&terms(text)[0]), "{text}");
            for user in [sample::published(), sample::person().user] {
                assert!(!terms(text)[0].matches(&user), "{text}");
            }
        }
    }

    #[test]
    fn what_no_index_finds_is_refused_and_told_what_works() {
        use InvalidFilter as I;
        for (text, why) in [
            ("a OR b", I::Joined),
            ("NOT a", I::Joined),
            ("OR", I::Joined),
            ("(a)", I::Joined),
            ("email:(a)", I::Joined),
            ("a b", I::Joined),
            ("a and b", I::Joined),
            ("name:ada", I::Field),
            ("Email:ada@example.org", I::Field),
            (":a", I::Field),
            ("email:", I::Empty),
            ("email:*", I::Empty),
            ("a AND ", I::Empty),
            (" AND a", I::Empty),
            ("*", I::Star),
            ("ada*", I::Star),
            ("email:a*b", I::Star),
            ("email:a**", I::Star),
            ("domain:example*", I::Star),
            ("phone:+4*", I::ShortPhone),
            ("+4", I::ShortPhone),
            ("email:a@b\u{fc}*", I::UnfinishedLabel),
            ("domain:example", I::Domain),
            ("domain:a b", I::Domain),
            ("disabled:yes", I::Truth),
            ("disabled:false", I::NoIndex),
            ("disabled:false AND disabled:false", I::NoIndex),
        ] {
            assert_eq!(Filter::parse(text), Err(why), "{text}");
        }
        // A field's name alone is a word.
        assert!(Filter::parse("email").is_ok());
        for blank in ["", "  "] {
            assert_eq!(Filter::parse(blank), Ok(None));
        }
    }

    #[test]
    fn a_user_matches_a_filter_of_what_is_true() {
        let user = sample::published();
        let email = user.emails().values().next().unwrap().canonical();
        let (local, domain) = email.split_once('@').unwrap();
        let phone = user.phones().values().next().unwrap().as_str();
        let username = user.username().unwrap().value.as_str();
        let id = user.id();
        let true_ones = [
            format!("email:{email}"),
            format!("email:{}", email.to_uppercase()),
            format!("email:{}*", &local[..2]),
            format!("username:{username}"),
            format!("username:{}*", &username[..1]),
            format!("phone:{phone}"),
            format!("phone:{}*", &phone[..5]),
            format!("user_id:{id}"),
            format!("user_id:{}*", &id.as_str()[..3]),
            format!("domain:{domain}"),
            "disabled:true".to_owned(),
            username.to_owned(),
            email.to_owned(),
            phone[..4].to_owned(),
        ];
        let matches = |text: &str| Filter::parse(text).unwrap().unwrap().matches(&user);
        for text in &true_ones {
            assert!(matches(text), "{text}");
            assert!(!matches(&format!("{text} AND domain:other.example")));
        }
        assert!(matches(&true_ones[..MAX_TERMS].join(SEPARATOR)));
        let too_many = true_ones[..=MAX_TERMS].join(SEPARATOR);
        assert_eq!(Filter::parse(&too_many), Err(InvalidFilter::TooMany));
        for text in [
            format!("email:x{email}"),
            format!("username:{username}x*"),
            format!("user_id:{}", id.as_str().to_lowercase()),
            format!("domain:x.{domain}"),
            format!("{username} AND disabled:false"),
            "zzz".to_owned(),
        ] {
            assert!(!matches(&text), "{text}");
        }
    }

    #[test]
    fn the_most_selective_term_leads() {
        for (text, leads) in [
            ("disabled:true AND a AND email:a@example.org", 2),
            ("disabled:true AND domain:example.org", 1),
            ("disabled:false AND disabled:true", 1),
            ("ada AND domain:example.org", 0),
        ] {
            let filter = Filter::parse(text).unwrap().unwrap();
            assert_eq!(*filter.most_selective(), filter.terms[leads], "{text}");
        }
    }

    #[test]
    fn a_user_is_found_first_by_the_first_name_that_matches() {
        let user = sample::published();
        let username = user.username().unwrap().value.canonical();
        let Term::Starts(starts) = &terms(&username[..1])[0] else {
            panic!("a word is a start");
        };
        assert_eq!(starts.len(), 2);
        let email = user.emails().values().next().unwrap().canonical();
        let wanted = if email.starts_with(&username[..1]) {
            (0, email)
        } else {
            (1, username)
        };
        let found = terms(&username[..1])[0].first_match(&user);
        assert_eq!(found, Some(wanted));
    }

    proptest! {
        #[test]
        fn any_text_is_a_filter_or_is_refused(text in "\\PC{0,40}") {
            let _ = Filter::parse(&text);
        }
    }
}
