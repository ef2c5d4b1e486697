//! Keycloak: the users of a realm's export.

use serde_json::value::RawValue;

use super::members::Members;
use super::provider::{Account, Provider, take_providers};
use super::time::Unit;
use super::user::{User, is_phone};
use super::{NotCarried, hash};

pub(super) fn user(members: &mut Members) -> Result<User, NotCarried> {
    if members.text("serviceAccountClientId").is_some() {
        return Err(NotCarried::ServiceAccount);
    }
    let mut user = User::default();
    if let Some(id) = members.text("id") {
        user.identify(&id, "id", members);
    }
    let email_is_verified = members.flag("emailVerified").unwrap_or(false);
    if let Some(email) = members.text("email") {
        user.add_email(email, email_is_verified);
    }
    let mut attributes = members.object("attributes").unwrap_or_default();
    add_phone(&mut user, &mut attributes);
    if let Some(username) = members.text("username") {
        user.set_username(username, "username", members);
    }
    user.disabled = !members.flag("enabled").unwrap_or(true);
    user.creation_time = members.time("createdTimestamp", Unit::Milliseconds);
    claims(&mut user, members, &mut attributes);
    members.put_object("attributes", attributes);
    user.external_providers = providers(members);
    let actions: Vec<String> = members.peek("requiredActions").unwrap_or_default();
    user.force_password_reset = actions.iter().any(|action| action == "UPDATE_PASSWORD");
    add_password(&mut user, members);
    members.remove(&[
        "access",
        "disableableCredentialTypes",
        "notBefore",
        "self",
        "totp",
    ]);
    Ok(user)
}

/// An attribute that has one value.
fn single(attributes: &Members, name: &str) -> Option<String> {
    match &attributes.peek::<Vec<String>>(name)?[..] {
        [value] if !value.is_empty() => Some(value.clone()),
        _ => None,
    }
}

/// A phone number signs in with Roster, and with Keycloak it doesn't. So only a proved one is taken: another
/// may be someone else's.
fn add_phone(user: &mut User, attributes: &mut Members) {
    let is_verified = single(attributes, "phoneNumberVerified").is_some_and(|flag| flag == "true");
    let phone = single(attributes, "phoneNumber").filter(|phone| is_verified && is_phone(phone));
    if let Some(phone) = phone {
        user.add_phone(phone, true);
        attributes.remove(&["phoneNumber", "phoneNumberVerified"]);
    }
}

/// Names, and the attributes that Keycloak's own client scope `profile` makes claims of.
fn claims(user: &mut User, members: &mut Members, attributes: &mut Members) {
    user.claim("given_name", members.text("firstName"));
    user.claim("family_name", members.text("lastName"));
    for (attribute, claim) in [
        ("middleName", "middle_name"),
        ("nickname", "nickname"),
        ("profile", "profile"),
        ("picture", "picture"),
        ("website", "website"),
        ("gender", "gender"),
        ("birthdate", "birthdate"),
        ("zoneinfo", "zoneinfo"),
        ("locale", "locale"),
    ] {
        if let Some(value) = single(attributes, attribute) {
            user.claim(claim, Some(value));
            attributes.remove(&[attribute]);
        }
    }
}

/// A provider's name is an alias that the realm has given it; most keep the one that Keycloak proposes.
fn providers(members: &mut Members) -> Vec<Provider> {
    take_providers(
        members,
        "federatedIdentities",
        |_| false,
        |identity| {
            let mut claims = Members::default();
            if let Some(name) = identity.text("userName") {
                claims.put("preferred_username", &name);
            }
            Account {
                provider: identity.text("identityProvider").unwrap_or_default(),
                id: identity.text("userId"),
                claims,
            }
        },
    )
}

/// Takes the password. Of other credentials it is kept what kind they are, and no secret. What is no list of
/// credentials may be a password, and is not kept.
fn add_password(user: &mut User, members: &mut Members) {
    let (mut rest, mut is_unknown) = (Vec::new(), false);
    if let Some(credentials) = members.take::<Vec<Box<RawValue>>>("credentials") {
        for credential in credentials {
            let Some(mut credential) = Members::parse(credential.get().as_bytes()) else {
                is_unknown = true;
                continue;
            };
            let kind: Option<String> = credential.peek("type");
            if kind.as_deref() == Some("password") && user.hash.is_none() {
                user.password_updated_at = credential.time("createdDate", Unit::Milliseconds);
                user.hash = Some(password_hash(&mut credential));
            } else {
                credential.retain(&["id", "type", "userLabel", "createdDate"]);
                rest.push(credential);
            }
        }
    }
    is_unknown |= members.has("credentials");
    members.remove(&["credentials"]);
    if is_unknown && user.hash.is_none() {
        user.hash = Some(Err(NotCarried::UnusableHash));
    }
    if !rest.is_empty() {
        members.put("credentials", &rest);
    }
}

fn password_hash(credential: &mut Members) -> Result<String, NotCarried> {
    let mut secret = credential.object("secretData").unwrap_or_default();
    let mut data = credential.object("credentialData").unwrap_or_default();
    let mut bytes = |name| secret.text(name).and_then(|text| hash::base64(&text));
    let (salt, output) = (bytes("salt"), bytes("value"));
    let rounds: u64 = data
        .take("hashIterations")
        .ok_or(NotCarried::UnusableHash)?;
    let pbkdf2 = |name| hash::phc(name, &format!("i={rounds}"), salt.clone(), output.clone());
    match data.text("algorithm").unwrap_or_default().as_str() {
        "pbkdf2" => pbkdf2("pbkdf2-sha1"),
        "pbkdf2-sha256" => pbkdf2("pbkdf2-sha256"),
        "pbkdf2-sha512" => pbkdf2("pbkdf2-sha512"),
        "argon2" => {
            let parameters = data.object("additionalParameters").unwrap_or_default();
            let parameter = |name| single(&parameters, name).ok_or(NotCarried::UnusableHash);
            let version = match parameter("version")?.as_str() {
                "1.3" => 19,
                "1.0" => 16,
                _ => return Err(NotCarried::UnusableHash),
            };
            if parameter("type")? != "id" {
                return Err(NotCarried::UnusableHash);
            }
            let (memory, lanes) = (parameter("memory")?, parameter("parallelism")?);
            let parameters = format!("v={version}$m={memory},t={rounds},p={lanes}");
            hash::phc("argon2id", &parameters, salt, output)
        }
        _ => Err(NotCarried::UnusableHash),
    }
}
