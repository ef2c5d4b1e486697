//! Clerk: the CSV that its dashboard exports, or the JSON of `clerk migrate export`, which has no password
//! hashes.

use super::NotCarried;
use super::hash::{self, base64, hex, phc};
use super::members::Members;
use super::time::Unit;
use super::user::User;

pub(super) fn user(members: &mut Members) -> User {
    let mut user = User::default();
    if let Some(id) = members.text("id") {
        user.identify(&id, "id", members);
    }
    for (address, is_verified) in addresses(members, "email_address", "email_addresses") {
        user.add_email(address, is_verified);
    }
    for (number, is_verified) in addresses(members, "phone_number", "phone_numbers") {
        user.add_phone(number, is_verified);
    }
    if let Some(username) = members.text("username") {
        user.set_username(username, "username", members);
    }
    user.claim("given_name", members.text("first_name"));
    user.claim("family_name", members.text("last_name"));
    user.creation_time = members.time("created_at", Unit::Milliseconds);
    user.last_updated = members.time("updated_at", Unit::Milliseconds);
    user.last_sign_in_success = members.time("last_sign_in_at", Unit::Milliseconds);
    user.disabled = members.flag("banned").unwrap_or(false);
    // What the user's own browser may read.
    for name in ["public_metadata", "unsafe_metadata"] {
        if let Some(metadata) = members.object(name) {
            user.public_data.put_object(name, metadata);
        }
    }
    if let Some(metadata) = members.object("private_metadata") {
        members.put_object("private_metadata", metadata);
    }
    members.mask("totp_secret");
    let hasher = members.text("password_hasher").unwrap_or_default();
    let digest = members.text("password_digest");
    user.hash = digest.map(|digest| password_hash(&hasher, digest));
    user
}

/// The addresses of one kind, the primary one first. An address is verified if it is among those that are.
fn addresses(members: &mut Members, one: &str, many: &str) -> Vec<(String, bool)> {
    let primary = members.text(&format!("primary_{one}"));
    let verified = list(members, &format!("verified_{many}"));
    let unverified = list(members, &format!("unverified_{many}"));
    let primary = primary.map(|primary| {
        let is_verified = verified.contains(&primary);
        (primary, is_verified)
    });
    let verified = verified.into_iter().map(|address| (address, true));
    let unverified = unverified.into_iter().map(|address| (address, false));
    primary
        .into_iter()
        .chain(verified)
        .chain(unverified)
        .collect()
}

/// A list; in the table it is a text with bars or commas.
fn list(members: &mut Members, name: &str) -> Vec<String> {
    if let Some(list) = members.json(name) {
        return list;
    }
    let text = members.text(name).unwrap_or_default();
    let parts = text.split(['|', ',']).map(str::trim);
    let parts = parts.filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// The digest in a form that Roster takes. Its form depends on the hasher, as Clerk's API describes it.
fn password_hash(hasher: &str, digest: String) -> Result<String, NotCarried> {
    let parts: Vec<&str> = digest.split('$').collect();
    let rounds = |rounds: &str| format!("i={rounds}");
    let plain = |salt: &str| Some(salt.as_bytes().to_vec());
    match (hasher, &parts[..]) {
        ("bcrypt" | "argon2id", _) => hash::known(digest),
        ("pbkdf2_sha256", [_, i, salt, hash]) => {
            phc("pbkdf2-sha256", &rounds(i), base64(salt), base64(hash))
        }
        ("pbkdf2_sha512", [_, i, salt, hash]) => {
            phc("pbkdf2-sha512", &rounds(i), base64(salt), base64(hash))
        }
        ("pbkdf2_sha256_django", [_, i, salt, hash]) => {
            phc("pbkdf2-sha256", &rounds(i), plain(salt), base64(hash))
        }
        ("pbkdf2_sha1", [_, i, salt, hash]) => {
            phc("pbkdf2-sha1", &rounds(i), plain(salt), hex(hash))
        }
        ("pbkdf2_sha1", [_, i, salt, hash, _]) => {
            phc("pbkdf2-sha1", &rounds(i), hex(salt), hex(hash))
        }
        ("scrypt_firebase", [hash, salt, signer_key, salt_separator, rounds, memory_cost]) => {
            hash::Firebase {
                signer_key,
                salt_separator,
                rounds,
                memory_cost,
                salt,
                hash,
            }
            .spelled()
        }
        ("scrypt_werkzeug", [method, salt, hash]) => {
            phc("scrypt", &werkzeug(method)?, plain(salt), hex(hash))
        }
        _ => Err(NotCarried::UnusableHash),
    }
}

/// The parameters in `scrypt:32768:8:1`.
fn werkzeug(method: &str) -> Result<String, NotCarried> {
    let parts: Vec<&str> = method.split(':').collect();
    let ["scrypt", cost, blocks, lanes] = parts[..] else {
        return Err(NotCarried::UnusableHash);
    };
    let cost: u32 = cost.parse().map_err(|_| NotCarried::UnusableHash)?;
    if !cost.is_power_of_two() {
        return Err(NotCarried::UnusableHash);
    }
    Ok(format!("ln={},r={blocks},p={lanes}", cost.ilog2()))
}
