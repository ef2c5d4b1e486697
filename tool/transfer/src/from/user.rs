//! A user as an import line has it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::NotCarried;
use super::members::Members;
use super::provider::Provider;

/// A user of Roster. What is not said is not in the line.
#[derive(Debug, Default, Serialize)]
pub(super) struct User {
    #[serde(rename = "user_id", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) creation_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_updated: Option<i64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<Username>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    emails: Vec<Email>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    phone_numbers: Vec<Phone>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) external_providers: Vec<Provider>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    claims: BTreeMap<&'static str, Value>,
    #[serde(skip_serializing_if = "Members::is_empty")]
    pub(super) public_data: Members,
    #[serde(skip_serializing_if = "Members::is_empty")]
    private_data: Members,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) password_updated_at: Option<i64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) force_password_reset: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sign_in_success_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_sign_in_success: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_sign_in_success_ip: Option<String>,
    /// The hash, or why Roster doesn't take it; none where there is no password.
    #[serde(skip)]
    pub(super) hash: Option<Result<String, NotCarried>>,
}

#[derive(Debug, Serialize)]
struct Username {
    username: String,
}

#[derive(Debug, Serialize)]
struct Email {
    email: String,
    #[serde(flatten)]
    state: State,
}

#[derive(Debug, Serialize)]
struct Phone {
    phone: String,
    #[serde(flatten)]
    state: State,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct State {
    verified: bool,
    primary: bool,
}

impl User {
    /// Sets the id, if Roster can have it: it has the product's own form, or one made of it. Otherwise
    /// Roster issues one, and the product's own is kept as this member.
    pub(super) fn identify(&mut self, id: &str, member: &'static str, members: &mut Members) {
        let own = id.replace('|', "_");
        let is_kept = own == id;
        if is_user_id(&own) {
            self.id = Some(own);
        }
        if !is_kept || self.id.is_none() {
            members.put(member, id);
        }
    }

    /// Adds an e-mail address that is not there yet. The first one that is verified is the primary one.
    pub(super) fn add_email(&mut self, email: String, verified: bool) {
        if !self.has_email(&email) {
            let primary = verified && !self.emails.iter().any(|own| own.state.primary);
            let state = State { verified, primary };
            self.emails.push(Email { email, state });
        }
    }

    /// Adds a phone number that is not there yet. The first one that is verified is the primary one.
    pub(super) fn add_phone(&mut self, phone: String, verified: bool) {
        if !self.has_phone(&phone) {
            let primary = verified && !self.phone_numbers.iter().any(|own| own.state.primary);
            let state = State { verified, primary };
            self.phone_numbers.push(Phone { phone, state });
        }
    }

    fn has_email(&self, email: &str) -> bool {
        let mut own = self.emails.iter();
        own.any(|own| own.email.eq_ignore_ascii_case(email))
    }

    fn has_phone(&self, phone: &str) -> bool {
        self.phone_numbers.iter().any(|own| own.phone == phone)
    }

    /// Sets the username, once the addresses are there. Roster has no usernames that read as addresses: one
    /// that is among the user's addresses is not needed, and one of a user without addresses is an
    /// unverified address. Any other one is kept as this member.
    pub(super) fn set_username(
        &mut self,
        username: String,
        member: &'static str,
        members: &mut Members,
    ) {
        let (is_email, is_phone) = (username.contains('@'), is_phone(&username));
        let has_none = self.emails.is_empty() && self.phone_numbers.is_empty();
        if !is_email && !is_phone {
            self.username = Some(Username { username });
        } else if is_email && has_none {
            self.add_email(username, false);
        } else if is_phone && has_none {
            self.add_phone(username, false);
        } else if !self.has_email(&username) && !self.has_phone(&username) {
            members.put(member, &username);
        }
    }

    /// Sets a claim of OpenID Connect, if there is one.
    pub(super) fn claim(&mut self, name: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.claims.insert(name, value.into());
        }
    }

    /// Takes members for the claims of the same name.
    pub(super) fn claims(&mut self, names: &[&'static str], members: &mut Members) {
        for name in names {
            self.claim(name, members.text(name));
        }
    }

    /// Keeps what is left of the record.
    pub(super) fn keep_rest(&mut self, members: Members) {
        self.private_data = members.said();
    }

    /// Whether there is an identifier.
    pub(super) fn is_named(&self) -> bool {
        !(self.emails.is_empty() && self.phone_numbers.is_empty() && self.username.is_none())
    }

    /// The user, if Roster can have it.
    pub(super) fn finish(mut self, drops_unusable_hashes: bool) -> Result<Self, NotCarried> {
        if !self.is_named() {
            return Err(NotCarried::NoIdentifier);
        }
        match self.hash.take() {
            Some(Ok(hash)) => self.password_hash = Some(hash),
            Some(Err(NotCarried::UnusableHash)) if drops_unusable_hashes => {}
            Some(Err(reason)) => return Err(reason),
            None => {}
        }
        Ok(self)
    }

    /// The line.
    pub(super) fn to_line(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts, numbers and JSON can be written as JSON")
    }
}

/// Whether it is a phone number with its country code.
pub(super) fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether Roster can have the id.
fn is_user_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && !matches!(text, "groups" | "import")
}
