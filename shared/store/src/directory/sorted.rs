//! Lists that are read whole and sorted in memory.

use std::cmp::Ordering;
use std::collections::HashMap;

use domain::{Epoch, User, UserField, UserId};

use super::{Candidate, Directory, ListError, Listed, Mark, Part, Position, UserListing};
use crate::StoreError;
use crate::item::log;
use crate::item::user::{self, SortValue};
use crate::merge::user_of_key;
use crate::table::{BATCH, Consistency, Item, Order};

/// A user of a list that is sorted in memory.
struct Ranked {
    value: SortValue,
    user_id: UserId,
    /// Kept where the users are few.
    user: Option<User>,
}

impl Directory {
    /// The part that is asked for of the list of these users.
    pub(super) async fn sorted(
        &self,
        wanted: &UserListing,
        candidates: Vec<Candidate>,
    ) -> Result<Listed, ListError> {
        let mut ranked = self.ranked(wanted, candidates).await?;
        let total = ranked.len();
        let before = match &wanted.part {
            Part::Number(before) => (*before).min(total),
            Part::After(mark) => {
                let Position::Created(after) = &mark.after else {
                    return Err(ListError::OtherOrder);
                };
                let after = SortValue::Text(Some(after.clone()));
                ranked.partition_point(|one| directed(wanted.order(), &one.value, &after).is_le())
            }
        };
        let end = total.min(before + wanted.size);
        let has_next = end < total;
        let page: Vec<_> = ranked.drain(before..end).collect();
        let has_mark = has_next && wanted.by() == UserField::CreationTime;
        let next = match page.last().map(|last| &last.value) {
            Some(SortValue::Text(Some(last))) if has_mark => Some(Mark {
                after: Position::Created(last.clone()),
                before: end as u64,
                total: None,
            }),
            _ => None,
        };
        let users = if page.iter().all(|one| one.user.is_some()) {
            page.into_iter().filter_map(|one| one.user).collect()
        } else {
            let read = self.read_users(page.iter().map(|one| &one.user_id)).await?;
            let users = read.into_iter().flatten();
            users.filter(|user| wanted.includes(user)).collect()
        };
        Ok(Listed {
            users,
            before: before as u64,
            total: total as u64,
            has_next,
            next,
        })
    }

    /// Those of the candidates whom the filter includes, in order. Of many, only what decides is kept.
    async fn ranked(
        &self,
        wanted: &UserListing,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<Ranked>, StoreError> {
        let by = wanted.by();
        let are_few = candidates.len() <= BATCH;
        let is_read_whole = are_few || wanted.filter.is_some();
        let sort_attribute = user::sort_attribute(by);
        let mut deciding = vec!["PK", "SK", "creation_time", log::BORN];
        if !deciding.contains(&sort_attribute) {
            deciding.push(sort_attribute);
        }
        let attributes = if is_read_whole {
            user::SUMMARY.as_slice()
        } else {
            deciding.as_slice()
        };
        let consistency = if are_few {
            Consistency::Strong
        } else {
            Consistency::Eventual
        };
        let of_group = candidates
            .iter()
            .filter_map(|one| Some((one.user_id.clone(), one.born?)));
        let born: HashMap<UserId, Epoch> = of_group.collect();
        let ids: Vec<_> = candidates.into_iter().map(|one| one.user_id).collect();
        let keys: Vec<_> = ids.iter().map(user::key).collect();
        let rank = |item: Item| {
            let owner = user_of_key(&item);
            let wanted_born = owner.and_then(|owner| born.get(&owner).copied());
            if wanted_born.is_some() && log::born(&item) != wanted_born {
                return Ok(None);
            }
            let value = user::sort_value(&item, by);
            if !is_read_whole {
                return Ok(Some((value, None)));
            }
            let user = user::from_item(item)?;
            let is_included = wanted.includes(&user);
            Ok(is_included.then(|| (value, are_few.then_some(user))))
        };
        let found = self.table.get_many(&keys, attributes, consistency, rank);
        let found = found.await?;
        let mut ranked: Vec<_> = ids
            .into_iter()
            .zip(found)
            .filter_map(|(user_id, found)| {
                let (value, user) = found.flatten()?;
                Some(Ranked {
                    value,
                    user_id,
                    user,
                })
            })
            .collect();
        ranked.sort_unstable_by(|one, other| {
            let order = directed(wanted.order(), &one.value, &other.value);
            order.then_with(|| one.user_id.cmp(&other.user_id))
        });
        Ok(ranked)
    }
}

fn directed(order: Order, one: &SortValue, other: &SortValue) -> Ordering {
    match order {
        Order::Up => one.cmp(other),
        Order::Down => other.cmp(one),
    }
}
