//! Lists that are walked in the order of their entries: a part costs the same whatever the length.

use domain::User;
use futures_util::future::try_join;

use super::{
    Count, Directory, ListError, Listed, MAX_SORTED, Mark, Names, Part, Position, UserListing,
};
use crate::StoreError;
use crate::item::user;
use crate::merge::{Merged, Partitions};
use crate::table::Order;

impl Directory {
    /// A part of any list that lies in the order of creation: at the same cost whatever its length.
    pub(super) async fn by_creation(
        &self,
        wanted: &UserListing,
        partitions: &Partitions,
        count: &Count,
    ) -> Result<Listed, ListError> {
        let part = self.part_by_creation(wanted, partitions);
        let counted = async { Ok(self.counted(wanted, partitions, count).await?) };
        let (mut listed, counted) = try_join(part, counted).await?;
        listed.total = listed.total.max(counted);
        if let (Count::Entries, Some(next)) = (count, &mut listed.next) {
            next.total = Some(counted);
        }
        Ok(listed)
    }

    /// The part. Its `total` is as many users as the part itself proves.
    async fn part_by_creation(
        &self,
        wanted: &UserListing,
        partitions: &Partitions,
    ) -> Result<Listed, ListError> {
        let after = match &wanted.part {
            Part::Number(_) => None,
            Part::After(Mark {
                after: Position::Created(after),
                ..
            }) => Some(after.as_str()),
            Part::After(_) => return Err(ListError::OtherOrder),
        };
        let mut entries = Merged::new(&self.table, partitions, wanted.order(), after);
        let before = match &wanted.part {
            Part::Number(before) => entries.take(*before).await?.len() as u64,
            Part::After(mark) => mark.before,
        };
        let (mut users, mut last) = (Vec::new(), None);
        while users.len() < wanted.size {
            let some = entries.take(wanted.size - users.len()).await?;
            if some.is_empty() {
                break;
            }
            let found = self
                .read_users(some.iter().map(|entry| &entry.user_id))
                .await?;
            for (entry, user) in some.into_iter().zip(found) {
                // A user who was deleted, and imported anew, may have an entry at another place, too.
                let is_there = |user: &User| {
                    let place = entry.position.strip_prefix(&partitions.start);
                    place == Some(user::list_sort(user).as_str())
                };
                let is_it = |user: &User| is_there(user) && entry.is_of(user);
                users.extend(user.filter(|user| is_it(user) && wanted.includes(user)));
                last = Some(entry.position);
            }
        }
        let has_next = entries.has_more().await?;
        let end = before + users.len() as u64;
        let next = last.filter(|_| has_next).map(|last| Mark {
            after: Position::Created(last),
            before: end,
            total: None,
        });
        Ok(Listed {
            users,
            before,
            total: end + u64::from(has_next),
            has_next,
            next,
        })
    }

    /// The length of a list that lies in the order of creation. Entries are counted once in a walk.
    async fn counted(
        &self,
        wanted: &UserListing,
        partitions: &Partitions,
        count: &Count,
    ) -> Result<u64, StoreError> {
        match (count, &wanted.part) {
            (Count::Known(number), _) => Ok(*number),
            (Count::Users, _) => self.number_of_users().await,
            (Count::Entries, Part::After(Mark { total, .. })) => Ok(total.unwrap_or_default()),
            (Count::Entries, Part::Number(_)) => {
                let mut entries = Merged::new(&self.table, partitions, Order::Up, None);
                Ok(entries.take(MAX_SORTED).await?.len() as u64)
            }
        }
    }

    /// A part of a long list in the order of the names that a term finds, at the same cost whatever its
    /// length. A user is there at the first of their names that match.
    pub(super) async fn by_name(
        &self,
        names: &Names<'_>,
        after: Option<&Position>,
        before: u64,
        size: usize,
    ) -> Result<Listed, StoreError> {
        let (first, after) = match after {
            Some(Position::Named(number, after)) => (*number, Some(after.as_str())),
            _ => (0, None),
        };
        let (mut users, mut last, mut has_next) = (Vec::new(), None, false);
        for (number, partitions) in names.lists.iter().enumerate().skip(first) {
            let after = after.filter(|_| number == first);
            let mut entries = Merged::new(&self.table, partitions, Order::Up, after);
            while users.len() < size {
                let some = entries.take(size - users.len()).await?;
                if some.is_empty() {
                    break;
                }
                let found = self
                    .read_users(some.iter().map(|entry| &entry.user_id))
                    .await?;
                for (entry, user) in some.into_iter().zip(found) {
                    let is_first = |user: &User| {
                        names.term.first_match(user) == Some((number, &entry.position))
                    };
                    users.extend(user.filter(is_first));
                    last = Some(Position::Named(number, entry.position));
                }
            }
            has_next = users.len() == size && entries.has_more().await?;
            if has_next {
                break;
            }
        }
        let end = before + users.len() as u64;
        let next = last.filter(|_| has_next).map(|after| Mark {
            after,
            before: end,
            total: None,
        });
        Ok(Listed {
            users,
            before,
            total: (MAX_SORTED as u64).max(end + u64::from(has_next)),
            has_next,
            next,
        })
    }
}
