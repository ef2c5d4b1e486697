//! The attributes of a user that signing in reads. The others are not read: their size must not show in
//! the time of an answer.

use domain::password::PasswordHash;
use domain::sign_in::SignInUser;
use domain::{Epoch, Timestamp};
use serde::Deserialize;

use super::user;
use crate::table::Item;
use crate::{Cause, StoreError};

/// The attributes that are read of a user and of a device.
pub(crate) const ATTRIBUTES: [&str; 11] = [
    "PK",
    "SK",
    "format",
    "disabled",
    "password_hash",
    "force_password_reset",
    "session_epoch",
    "sign_in_success_count",
    "failure_count",
    "block_until",
    "expires_at",
];

#[derive(Deserialize)]
struct SignInUserItem {
    #[serde(rename = "PK")]
    pk: String,
    disabled: bool,
    password_hash: Option<String>,
    force_password_reset: Option<bool>,
    session_epoch: Epoch,
    sign_in_success_count: u64,
    failure_count: u64,
    block_until: Option<Timestamp>,
}

/// The user of an item, with the facts that signing in needs.
pub(crate) fn from_item(item: Item) -> Result<SignInUser, StoreError> {
    user::refuse_newer(&item)?;
    let unreadable = || Cause::Unreadable("user").unexpected();
    // The cause is left out, because it may quote the item.
    let item: SignInUserItem = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
    Ok(SignInUser {
        id: user::owner_of(&item.pk).ok_or_else(unreadable)?,
        disabled: item.disabled,
        hash: item.password_hash.map(PasswordHash::restore),
        force_reset: item.force_password_reset.unwrap_or_default(),
        session_epoch: item.session_epoch,
        successes: item.sign_in_success_count,
        failures: item.failure_count,
        block_until: item.block_until,
    })
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    #[test]
    fn what_is_read_of_a_user_to_sign_in_is_what_the_whole_user_has() {
        let user = sample::person().user;
        let mut item = user::item(&user).unwrap();
        item.retain(|name, _| ATTRIBUTES.contains(&name.as_str()));
        assert_eq!(from_item(item).unwrap(), SignInUser::from(&user));
    }
}
