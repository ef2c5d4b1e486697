//! The whole table, segment by segment. No function scans: only maintenance does, by the credentials of a
//! person.

use domain::User;

use crate::StoreError;
use crate::item::user;
use crate::table::{Item, ScanPage, Table, key_texts};

/// The whole table. Its segments can be read at the same time, each from page to page.
#[derive(Clone, Debug)]
pub struct Scan {
    table: Table,
    segments: u32,
}

/// How far a segment is read.
#[derive(Clone, Debug)]
pub struct Place {
    segment: u32,
    after: Option<Item>,
}

/// Some users of a segment.
#[derive(Debug)]
pub struct UserPage {
    /// The users, each with the key of its partition. A user whose item can't be read is an error.
    pub users: Vec<(String, Result<User, StoreError>)>,
    /// From where to go on; `None` at the segment's end.
    pub next: Option<Place>,
}

impl Scan {
    /// The whole of this table, in so many segments.
    pub const fn new(table: Table, segments: u32) -> Self {
        Self { table, segments }
    }

    /// Where each segment begins.
    pub fn places(&self) -> Vec<Place> {
        let segments = 0..self.segments;
        let places = segments.map(|segment| Place {
            segment,
            after: None,
        });
        places.collect()
    }

    /// The next users, maybe none: one strongly consistent `Scan` of a megabyte.
    pub async fn users(&self, place: &Place) -> Result<UserPage, StoreError> {
        let (items, next) = self.items(place).await?;
        let mut users = Vec::new();
        for item in items {
            let [partition, sort_key] = key_texts(&item);
            if sort_key == user::SORT_KEY {
                users.push((partition, user::from_item(item)));
            }
        }
        Ok(UserPage { users, next })
    }

    /// The next items, and from where to go on.
    pub(crate) async fn items(
        &self,
        place: &Place,
    ) -> Result<(Vec<Item>, Option<Place>), StoreError> {
        let segment = place.segment;
        let of = [segment, self.segments];
        let ScanPage { items, last } = self.table.scan(of, place.after.clone()).await?;
        let next = last.map(|key| Place {
            segment,
            after: Some(key),
        });
        Ok((items, next))
    }
}
