//! E-mail addresses.

use email_address::{EmailAddress, Options};

use crate::identifier::{is_hidden, stably_folded};
use crate::{Code, IdentityError};

/// An e-mail address: the form as typed, which is shown, and the canonical one, which decides
/// uniqueness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    shown: String,
    canonical: String,
}

/// The start of an address ends within a label that is not ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfinishedLabel;

impl Email {
    /// RFC 5321's limit on a path, less its angle brackets.
    const MAX_CHARACTERS: usize = 254;

    /// Takes an address. It is split at its last @, before anything is mapped. The canonical form
    /// has the local part by NFKC, full case folding and NFKC, and the domain as A-labels
    /// (users-api.md, section 3); two addresses with the same one are the same address.
    ///
    /// ```
    /// use domain::{Code, Email};
    ///
    /// let email = Email::parse(" Jane.Doe@BÜCHER.example ")?;
    /// assert_eq!(email.as_str(), "Jane.Doe@BÜCHER.example");
    /// assert_eq!(email.canonical(), "jane.doe@xn--bcher-kva.example");
    ///
    /// let refused = Email::parse("jane@localhost").unwrap_err();
    /// assert_eq!(refused.code, Code::InvalidEmail);
    /// # Ok::<(), domain::IdentityError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let shown = text.trim();
        let canonical = Self::canonical_of(shown).ok_or(IdentityError::new(
            Code::InvalidEmail,
            "The e-mail address is not valid: it needs the form name@example.com, at most 254 \
             characters.",
        ))?;
        Ok(Self {
            shown: shown.to_owned(),
            canonical,
        })
    }

    fn canonical_of(shown: &str) -> Option<String> {
        if shown.chars().count() > Self::MAX_CHARACTERS || shown.chars().any(is_unsafe) {
            return None;
        }
        let (local, domain) = shown.rsplit_once('@')?;
        let local = stably_folded(local)?;
        let domain = Self::canonical_domain(domain)?;
        if local.contains(['@', '"']) || local.chars().any(is_unsafe) {
            return None;
        }
        let canonical = format!("{local}@{domain}");
        let options = Options::default()
            .with_required_tld()
            .without_display_text()
            .without_domain_literal();
        let is_valid = canonical.len() <= Self::MAX_CHARACTERS
            && EmailAddress::parse_with_options(&canonical, options).is_ok();
        is_valid.then_some(canonical)
    }

    /// The domain of addresses in its canonical form, as A-labels; `None` for a text that is no domain
    /// of one.
    pub fn canonical_domain(domain: &str) -> Option<String> {
        // As typed: case folding would make other domains of those with ß and ς.
        let domain = idna::domain_to_ascii_strict(domain).ok()?;
        let (_, last_label) = domain.rsplit_once('.')?;
        let is_numeric = last_label.bytes().all(|b| b.is_ascii_digit());
        (!is_numeric).then_some(domain)
    }

    /// How the canonical forms of the addresses start that are typed with this start; `None` where no
    /// address starts so.
    ///
    /// A label of the domain must be whole or in ASCII: the start of a label has nothing in common
    /// with the A-label that the whole one becomes.
    pub fn canonical_start(start: &str) -> Result<Option<String>, UnfinishedLabel> {
        let (local, domain) = match start.rsplit_once('@') {
            Some((local, domain)) => (local, Some(domain)),
            None => (start, None),
        };
        let local = stably_folded(local).filter(|local| {
            let is_allowed = !local.contains(['@', '"']) && !local.chars().any(is_unsafe);
            !local.is_empty() && is_allowed
        });
        let fits = |start: &String| start.len() <= Self::MAX_CHARACTERS;
        let Some(domain) = domain else {
            return Ok(local.filter(fits));
        };
        let (whole, last) = match domain.rsplit_once('.') {
            Some((whole, last)) => (Some(whole), last),
            None => (None, domain),
        };
        if !last.is_ascii() {
            return Err(UnfinishedLabel);
        }
        let whole = match whole.map(idna::domain_to_ascii_strict) {
            None => String::new(),
            Some(Ok(whole)) => whole + ".",
            Some(Err(_)) => return Ok(None),
        };
        let last = last.to_ascii_lowercase();
        let start = local.map(|local| format!("{local}@{whole}{last}"));
        Ok(start.filter(fits))
    }

    /// An address that was parsed before and comes back from the table. It isn't folded again: a
    /// newer Unicode version must not move it away from its reservation.
    pub fn restore(shown: String, canonical: String) -> Self {
        Self { shown, canonical }
    }

    /// The address as its owner typed it.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Where mail to it goes: the local part as typed, in ASCII, and the domain's A-label. Amazon SES
    /// takes only ASCII before the @ (API reference of SES v2, `Destination`).
    ///
    /// There is none where folding changed more of the local part than ASCII's case and width:
    /// what is reserved is another mailbox then, and maybe another person's. Such an address is
    /// shown, never mailed and never proved by mail.
    pub fn mailbox(&self) -> Option<String> {
        let (typed, _) = self.shown.rsplit_once('@')?;
        let (folded, domain) = self.canonical.rsplit_once('@')?;
        let local: String = typed.chars().map(narrow).collect();
        let is_same = local.is_ascii() && local.eq_ignore_ascii_case(folded);
        is_same.then(|| format!("{local}@{domain}"))
    }

    /// Whether both are two spellings of one mailbox: a proof of the one is then a proof of the other.
    pub fn is_same_mailbox(&self, other: &Self) -> bool {
        let have_mailboxes = self.mailbox().is_some() && other.mailbox().is_some();
        self.canonical == other.canonical && (have_mailboxes || self.shown == other.shown)
    }

    /// The form that decides uniqueness and look-up.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The domain of the canonical form.
    pub fn domain(&self) -> &str {
        let parts = self.canonical.rsplit_once('@');
        parts.map_or("", |(_, domain)| domain)
    }
}

/// White space beside the characters that are never seen: it makes an address look like another one.
fn is_unsafe(c: char) -> bool {
    c.is_whitespace() || is_hidden(c)
}

/// An ASCII character in place of its full-width form; any other as it is.
fn narrow(c: char) -> char {
    const FULL_WIDTH: std::ops::RangeInclusive<char> = '\u{ff01}'..='\u{ff5e}';
    const DISTANCE: u32 = 0xfee0;
    match char::from_u32((c as u32).wrapping_sub(DISTANCE)) {
        Some(narrow) if FULL_WIDTH.contains(&c) => narrow,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization as _;

    use super::*;

    fn canonical_of(text: &str) -> Option<String> {
        Email::parse(text).ok().map(|email| email.canonical)
    }

    #[test]
    fn an_address_keeps_its_typed_form_beside_the_canonical_one() {
        let email = Email::parse(" Jane.Doe+News@BÜCHER.example ").unwrap();
        assert_eq!(email.as_str(), "Jane.Doe+News@BÜCHER.example");
        assert_eq!(email.canonical(), "jane.doe+news@xn--bcher-kva.example");
    }

    fn mailbox_of(text: &str) -> Option<String> {
        Email::parse(text).unwrap().mailbox()
    }

    #[test]
    fn mail_goes_to_the_domain_that_was_typed_and_to_no_folded_one() {
        for (typed, domain) in [
            ("faß.example", "xn--fa-hia.example"),
            ("FAẞ.example", "xn--fa-hia.example"),
            ("fass.example", "fass.example"),
            ("βόλος.example", "xn--nxasmm1c.example"),
            ("βόλοσ.example", "xn--nxasmq6b.example"),
            ("ΒΌΛΟΣ.example", "xn--nxasmq6b.example"),
            ("ｆａß.example", "xn--fa-hia.example"),
            ("example。com", "example.com"),
            ("ﬁrma.example", "firma.example"),
        ] {
            let expected = format!("x@{domain}");
            assert_eq!(canonical_of(&format!("X@{typed}")), Some(expected));
            let mailbox = format!("X@{domain}");
            assert_eq!(mailbox_of(&format!("X@{typed}")), Some(mailbox));
        }
    }

    #[test]
    fn an_address_is_split_at_an_ascii_at_sign_before_anything_is_mapped() {
        for bad in [
            "t＠evil.example",
            "t﹫evil.example",
            "a＠b@example.com",
            "a@b＠evil.example",
            "＂a＠b＂@example.com",
        ] {
            assert_eq!(canonical_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_domain_has_a_dot_and_a_last_label_that_is_not_all_digits() {
        for bad in [
            "a@127.0.0.1",
            "a@x.123",
            "a@x.１２３",
            "a@x.1",
            "a@123",
            "a@example.com.",
            "a@.example.com",
            "a@a_b.example",
            "a@ab--c.example",
            "a@xn--a.example",
            "a@xn--fass-.example",
        ] {
            assert_eq!(canonical_of(bad), None, "{bad}");
        }
        for good in ["a@1.example", "a@x.1a", "a@127.0.0.example"] {
            assert_eq!(canonical_of(good).as_deref(), Some(good));
        }
    }

    #[test]
    fn a_local_part_that_folding_makes_another_one_is_no_mailbox() {
        for (typed, folded) in [
            ("straße", "strasse"),
            ("weiß", "weiss"),
            ("STRAẞE", "strasse"),
            ("ﬁona", "fiona"),
            ("\u{212a}elvin", "kelvin"),
            ("me\u{17f}\u{17f}", "mess"),
            ("x²", "x2"),
            ("𝐣𝐚𝐧𝐞", "jane"),
            ("jürgen", "jürgen"),
            ("ΟΔΟΣ", "οδοσ"),
        ] {
            let email = Email::parse(&format!("{typed}@example.com")).unwrap();
            assert_eq!(email.canonical(), format!("{folded}@example.com"));
            assert_eq!(email.mailbox(), None, "{typed}");
        }
    }

    #[test]
    fn mail_goes_to_the_local_part_as_typed_in_ascii_s_own_width() {
        assert_eq!(
            mailbox_of("Jane.Doe+News@BÜCHER.example").as_deref(),
            Some("Jane.Doe+News@xn--bcher-kva.example")
        );
        assert_eq!(
            mailbox_of("ＪａｎｅDoe＋１@example.com").as_deref(),
            Some("JaneDoe+1@example.com")
        );
    }

    #[test]
    fn two_spellings_of_one_mailbox_are_one_address() {
        let email = |text: &str| Email::parse(text).unwrap();
        for (one, other) in [
            ("Jane@example.com", "jane@EXAMPLE.com"),
            ("ｊａｎｅ@example.com", "jane@example.com"),
            ("jane@faß.example", "jane@xn--fa-hia.example"),
            ("jane@FAẞ.example", "jane@XN--FA-HIA.example"),
            ("jane@bu\u{308}cher.example", "jane@bücher.example"),
        ] {
            assert!(email(one).is_same_mailbox(&email(other)), "{one} {other}");
            assert_eq!(canonical_of(one), canonical_of(other));
        }
        for (one, other) in [
            ("jane@faß.example", "jane@fass.example"),
            ("straße@example.com", "strasse@example.com"),
            ("straße@example.com", "STRAßE@example.com"),
            ("jane@example.com", "joan@example.com"),
        ] {
            assert!(!email(one).is_same_mailbox(&email(other)), "{one} {other}");
        }
        let typed = email("straße@example.com");
        assert!(typed.is_same_mailbox(&typed.clone()));
    }

    #[test]
    fn full_width_and_sharp_s_fold_into_the_same_address() {
        assert_eq!(
            canonical_of("ＪＡＮＥ@example.com").as_deref(),
            Some("jane@example.com")
        );
        assert_eq!(
            canonical_of("straße@example.com"),
            canonical_of("STRASSE@example.com")
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(243));
        for bad in [
            "",
            "@",
            "jane",
            "jane@",
            "@example.com",
            "jane@example",
            "jane@@example.com",
            "jane doe@example.com",
            "jane@exa mple.com",
            "jane@example.com\0",
            "a\u{202e}b@example.com",
            "\"jane doe\"@example.com",
            "jane@[127.0.0.1]",
            "Jane <jane@example.com>",
            "jane@-example.com",
            "jane@example..com",
            "jane\n@example.com",
            "jane\u{200b}@example.com",
            &long,
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn an_address_may_have_254_characters() {
        let domain = |last: usize| {
            let labels = ["d".repeat(60), "e".repeat(60), "f".repeat(last)];
            format!("{}.example", labels.join("."))
        };
        let local = "a".repeat(64);
        let longest = format!("{local}@{}", domain(59));
        assert_eq!(longest.len(), 254);
        assert!(Email::parse(&longest).is_ok());
        assert!(Email::parse(&format!("{local}@{}", domain(60))).is_err());
        assert!(Email::parse(&format!("a{local}@example.com")).is_err());
    }

    #[test]
    fn the_start_of_an_address_is_folded_as_the_address_is() {
        let start = Email::canonical_start;
        for (typed, canonical) in [
            ("Jane.D", "jane.d"),
            ("STRASSE", "strasse"),
            ("Stra\u{df}e", "strasse"),
            ("Jane@", "jane@"),
            ("Jane@EXAMPLE.o", "jane@example.o"),
            ("jane@b\u{fc}cher.ex", "jane@xn--bcher-kva.ex"),
            ("jane@xn--bch", "jane@xn--bch"),
        ] {
            assert_eq!(start(typed), Ok(Some(canonical.to_owned())), "{typed}");
        }
        for none in [
            "@example.org",
            "a@b@c",
            "a\"",
            "a b",
            "a\u{200b}",
            "a@-\u{fc}-.x",
            &"a".repeat(255),
            &format!("a@{}", "b".repeat(253)),
        ] {
            assert_eq!(start(none), Ok(None), "{none}");
        }
        assert_eq!(start("jane@b\u{fc}"), Err(UnfinishedLabel));
    }

    #[test]
    fn a_domain_is_one_that_an_address_may_have() {
        let domain = Email::canonical_domain("B\u{dc}CHER.example");
        assert_eq!(domain.as_deref(), Some("xn--bcher-kva.example"));
        for none in ["", "localhost", "example.7", "a b.example", ".example"] {
            assert_eq!(Email::canonical_domain(none), None, "{none}");
        }
        let email = Email::parse("jane@B\u{dc}CHER.example").unwrap();
        assert_eq!(email.domain(), "xn--bcher-kva.example");
    }

    proptest! {
        #[test]
        fn each_start_of_a_canonical_address_is_its_own(
            text in "[\\PC]{1,12}@[a-z]{1,8}\\.[a-z]{2,6}", length in 1_usize..20,
        ) {
            if let Ok(email) = Email::parse(&text) {
                let start: String = email.canonical().chars().take(length).collect();
                prop_assert_eq!(Email::canonical_start(&start), Ok(Some(start)));
            }
        }

        #[test]
        fn one_mailbox_belongs_to_one_canonical_address(
            text in "[\\PC]{1,20}@[\\PC]{1,12}\\.[a-z]{2,6}",
        ) {
            if let Some(mailbox) = Email::parse(&text).ok().and_then(|email| email.mailbox()) {
                prop_assert!(mailbox.is_ascii());
                prop_assert_eq!(canonical_of(&mailbox), canonical_of(&text));
                prop_assert_eq!(mailbox_of(&mailbox), Some(mailbox));
            }
        }

        #[test]
        fn a_canonical_address_is_a_fixed_point(text in "[\\PC]{1,20}@[\\PC]{1,12}\\.[a-z]{2,6}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(canonical_of(email.canonical()), Some(email.canonical));
            }
        }

        #[test]
        fn all_case_and_compatibility_variants_are_one_address(
            local in "[a-zà-öø-ÿα-ρτ-ωа-яß0-9.+_-]{1,20}",
            domain in "[a-zäöü]{1,12}",
            wide in any::<bool>(),
        ) {
            let plain = format!("{local}@{domain}.example");
            let upper = plain.to_uppercase();
            let wide: String = if wide {
                upper.chars().map(full_width).collect()
            } else {
                upper.nfkd().collect()
            };
            if let Some(canonical) = canonical_of(&plain) {
                prop_assert_eq!(canonical_of(&upper), Some(canonical.clone()));
                prop_assert_eq!(canonical_of(&wide), Some(canonical));
            }
        }
    }

    fn full_width(c: char) -> char {
        match c {
            'A'..='Z' | '0'..='9' => char::from_u32(c as u32 + 0xfee0).unwrap_or(c),
            _ => c,
        }
    }
}
