//! Items as deployed code has stored them. Each must be readable for as long as a table may hold it.
//!
//! The files in `stored/` are never edited: that would hide that an older item can't be read any more.
//! A new attribute adds a file, or nothing where it has a default. In the files `…_least.json`, all
//! that an item may lack is missing.

use domain::UserId;
use serde_json::Value;

use super::{notification, pending_email, session, undo_right, user};
use crate::StoreError;
use crate::table::Item;

/// Reads an item and makes it anew.
type Again = fn(Item) -> Result<Item, StoreError>;

fn owner() -> UserId {
    UserId::parse("Ada0Lovelace1815Byron").unwrap()
}

const SESSION: Again = |item| session::item(&session::from_item(item)?, &owner());
const USER: Again = |item| user::item(&user::from_item(item)?);
const NOTIFICATION: Again = |item| notification::item(&notification::from_item(item)?);
const PENDING_EMAIL: Again = |item| {
    let (id, pending) = pending_email::from_item(item)?;
    pending_email::item(&owner(), id, &pending)
};
const UNDO_RIGHT: Again = |item| {
    let (id, right) = undo_right::from_item(item)?;
    undo_right::item(&owner(), &id, &right)
};

fn stored(text: &str) -> Item {
    let item: Value = serde_json::from_str(text).unwrap();
    serde_dynamo::to_item(item).unwrap()
}

#[test]
fn an_item_that_was_stored_is_read_and_loses_nothing() {
    for (again, text) in [
        (USER, include_str!("stored/user.json")),
        (SESSION, include_str!("stored/session.json")),
        (PENDING_EMAIL, include_str!("stored/pending_email.json")),
        (UNDO_RIGHT, include_str!("stored/undo_right.json")),
        (NOTIFICATION, include_str!("stored/notification.json")),
    ] {
        let item = stored(text);
        let mut again = again(item.clone()).unwrap();
        // Newer attributes may come to it.
        again.retain(|name, _| item.contains_key(name));
        assert_eq!(again, item);
    }
}

#[test]
fn an_item_that_lacks_all_that_it_may_lack_is_read() {
    for (again, text) in [
        (USER, include_str!("stored/user_least.json")),
        (SESSION, include_str!("stored/session_least.json")),
        (UNDO_RIGHT, include_str!("stored/undo_right_least.json")),
        (NOTIFICATION, include_str!("stored/notification_least.json")),
    ] {
        again(stored(text)).unwrap();
    }
}
