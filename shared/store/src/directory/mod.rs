//! Lists of users: by creation at any size, by other orders and filters up to 10,000
//! (users-api.md, section 5). Every list is read from indexes; the users on a page are then read from the
//! table itself, strongly consistent, so that what a page shows is true. An index trails the table by
//! moments: an entry whose user is gone, or no longer what the list is of, is skipped.

mod sorted;
mod walked;

use std::collections::HashSet;

use domain::filter::{Name, NameKind, Term};
use domain::group::CountedGroup;
use domain::{Epoch, Filter, GroupId, Identifier, User, UserField, UserId};
use serde::{Deserialize, Serialize};

use crate::item::{counter, layout, membership, prefix, reservation, user};
use crate::merge::{Merged, Partitions, user_of_key};
use crate::table::{Index, Item, Order, Table};
use crate::{Groups, StoreError, read};

/// How many users a list may have that is sorted in memory.
pub const MAX_SORTED: usize = 10_000;

/// The users of the directory as lists.
#[derive(Clone, Debug)]
pub struct Directory {
    table: Table,
}

/// Which users are asked for, in which order, and which part of the list.
#[derive(Clone, Debug)]
pub struct UserListing {
    /// What they have in common; all users without it.
    pub filter: Option<Filter>,
    /// The order that was asked for, if one was.
    pub sort: Option<UserSort>,
    /// Where the part begins.
    pub part: Part,
    /// How many users it has at most: 100.
    pub size: usize,
}

/// An order of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserSort {
    /// By which member.
    pub by: UserField,
    /// From the largest to the smallest.
    pub is_downward: bool,
}

/// Where a part of a list begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// After this many users.
    Number(usize),
    /// Where another part has ended.
    After(Mark),
}

/// The end of a part: what the next one needs to go on from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The last entry.
    pub after: Position,
    /// How many users came before the next part.
    pub before: u64,
    /// The length of the list, where it is not known without counting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// A place in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// In the order of creation.
    Created(String),
    /// In the order of names: the number of the start that the name has, and the name.
    Named(usize, String),
}

/// A part of a list of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The users. What their summaries leave out was not read.
    pub users: Vec<User>,
    /// How many came before them.
    pub before: u64,
    /// How many the whole list has.
    pub total: u64,
    /// Whether there are more after them.
    pub has_next: bool,
    /// Where the next part begins, if there is one and the order has marks.
    pub next: Option<Mark>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Too many users for an order other than the list's own.
    #[error("more than {MAX_SORTED} users are to be sorted")]
    TooManyToSort,
    /// Too many users match the most selective term.
    #[error("more than {MAX_SORTED} users match the most selective of several terms")]
    TooManyToFilter,
    /// Only the order of creation has marks.
    #[error("this order has no marks")]
    NoMarks,
    /// The mark is of a list that was shorter or longer, and so had another order.
    #[error("the list's order is another one than the mark's")]
    OtherOrder,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What finds the users of a list.
enum Driver {
    /// A look-up of one.
    One(Option<Name>),
    /// Partitions in the order of creation.
    Created {
        partitions: Partitions,
        count: Count,
    },
    /// Partitions in the order of names, for each start that the names may have.
    Named(Vec<Partitions>),
}

/// How the length of a list in the order of creation is known.
enum Count {
    /// It was read before.
    Known(u64),
    /// By the counter of all users.
    Users,
    /// By its entries, up to [`MAX_SORTED`].
    Entries,
}

/// A term that finds users by their names, and where these lie.
struct Names<'a> {
    term: &'a Term,
    lists: &'a [Partitions],
}

/// A user who may be on a list, and the entry by which they were found.
struct Candidate {
    user_id: UserId,
    born: Option<Epoch>,
    position: Position,
}

impl UserListing {
    fn by(&self) -> UserField {
        self.sort.map_or(UserField::CreationTime, |sort| sort.by)
    }

    fn order(&self) -> Order {
        match self.sort {
            Some(UserSort {
                is_downward: true, ..
            }) => Order::Down,
            _ => Order::Up,
        }
    }

    fn includes(&self, user: &User) -> bool {
        let filter = self.filter.as_ref();
        filter.is_none_or(|filter| filter.matches(user))
    }
}

impl Directory {
    /// The users in this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// A list of the directory's users.
    pub async fn users(&self, wanted: &UserListing) -> Result<Listed, ListError> {
        let filter = wanted.filter.as_ref();
        let has_more_terms = filter.is_some_and(|filter| !filter.has_one_term());
        self.list(wanted, &Driver::of(filter), has_more_terms).await
    }

    /// A list of a group's users, if the group is there: it is looked up by one `Query` more.
    pub async fn users_of_group(
        &self,
        id: GroupId,
        wanted: &UserListing,
    ) -> Result<Option<Listed>, ListError> {
        let group = Groups::new(self.table.clone()).get(id).await?;
        let Some(CountedGroup { assigned, .. }) = group else {
            return Ok(None);
        };
        let driver = Driver::Created {
            partitions: Partitions {
                index: None,
                keys: membership::group_partitions(id).collect(),
                start: membership::MEMBER_START.to_owned(),
                owner: membership::user_of,
            },
            count: Count::Known(assigned.users),
        };
        let has_more_terms = wanted.filter.is_some();
        self.list(wanted, &driver, has_more_terms).await.map(Some)
    }

    /// A list of the users whom `driver` finds. `has_more_terms`: the filter says more of them than the
    /// driver does.
    ///
    /// In the order of creation, such a list is walked. All others are read whole and sorted; one that
    /// is too long for that, and of which nothing but the start of names is asked for, is walked in the
    /// order of the names.
    async fn list(
        &self,
        wanted: &UserListing,
        driver: &Driver,
        has_more_terms: bool,
    ) -> Result<Listed, ListError> {
        let is_by_creation = wanted.by() == UserField::CreationTime;
        let names = match (driver, &wanted.filter) {
            (Driver::Created { partitions, count }, _) if is_by_creation && !has_more_terms => {
                return self.by_creation(wanted, partitions, count).await;
            }
            (Driver::Named(lists), Some(filter)) if wanted.sort.is_none() && !has_more_terms => {
                let term = filter.most_selective();
                Some(Names { term, lists })
            }
            _ => None,
        };
        let mark = match &wanted.part {
            Part::Number(_) => None,
            Part::After(_) if !is_by_creation => return Err(ListError::NoMarks),
            Part::After(mark) => Some(mark),
        };
        if let Some(mark) = mark
            && let Position::Named(..) = mark.after
        {
            let names = names.ok_or(ListError::OtherOrder)?;
            let walked = self.by_name(&names, Some(&mark.after), mark.before, wanted.size);
            return Ok(walked.await?);
        }
        let candidates = self.candidates(driver).await?;
        if candidates.len() <= MAX_SORTED {
            return self.sorted(wanted, candidates).await;
        }
        match (names, &wanted.part) {
            (Some(names), Part::Number(before)) => {
                let last = before.checked_sub(1).map(|last| &candidates[last].position);
                let walked = self.by_name(&names, last, *before as u64, wanted.size);
                Ok(walked.await?)
            }
            (Some(_), Part::After(_)) => Err(ListError::OtherOrder),
            (None, _) if has_more_terms => Err(ListError::TooManyToFilter),
            (None, _) => Err(ListError::TooManyToSort),
        }
    }

    /// Those whom the driver finds, each once: in its order, and at most one more than can be sorted.
    async fn candidates(&self, driver: &Driver) -> Result<Vec<Candidate>, StoreError> {
        const MIN_READ: usize = 100;
        let lists = match driver {
            Driver::One(name) => return self.only_candidate(name.as_ref()).await,
            Driver::Created { partitions, .. } => std::slice::from_ref(partitions),
            Driver::Named(lists) => lists,
        };
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        for (number, partitions) in lists.iter().enumerate() {
            let mut entries = Merged::new(&self.table, partitions, Order::Up, None);
            while found.len() <= MAX_SORTED {
                let some = entries.take(MIN_READ.max(MAX_SORTED + 1 - found.len()));
                let some = some.await?;
                if some.is_empty() {
                    break;
                }
                for entry in some {
                    if seen.insert(entry.user_id.clone()) {
                        found.push(Candidate {
                            user_id: entry.user_id,
                            born: entry.born,
                            position: Position::Named(number, entry.position),
                        });
                    }
                }
            }
        }
        found.truncate(MAX_SORTED + 1);
        Ok(found)
    }

    async fn only_candidate(&self, name: Option<&Name>) -> Result<Vec<Candidate>, StoreError> {
        let user_id = match name {
            None => None,
            Some(Name {
                of: NameKind::UserId,
                text,
            }) => UserId::parse(text).ok(),
            Some(Name {
                of: NameKind::Identifier(kind),
                text,
            }) => {
                let identifier = Identifier {
                    kind: *kind,
                    canonical: text.clone(),
                };
                read::owner(&self.table, Some(&identifier)).await?
            }
        };
        let position = Position::Named(0, String::new());
        let candidate = user_id.map(|user_id| Candidate {
            user_id,
            born: None,
            position,
        });
        Ok(candidate.into_iter().collect())
    }

    /// The users with these ids, at most a hundred, as lists show them: one `BatchGetItem`.
    async fn read_users(
        &self,
        ids: impl Iterator<Item = &UserId>,
    ) -> Result<Vec<Option<User>>, StoreError> {
        let keys: Vec<_> = ids.map(user::key).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let items = self.table.get_each(keys, &user::SUMMARY).await?.into_iter();
        items
            .map(|item| item.map(user::from_item).transpose())
            .collect()
    }

    /// How many users the directory has: one `Query`.
    async fn number_of_users(&self) -> Result<u64, StoreError> {
        let partition = counter::users_partition();
        let parts = self.table.query_between(partition, counter::PARTS).await?;
        Ok(counter::sum(&parts))
    }
}

impl Driver {
    fn of(filter: Option<&Filter>) -> Self {
        let created = |index, count| Self::Created {
            partitions: Partitions {
                index: Some(index),
                keys: layout::partitions(&[]),
                start: String::new(),
                owner: user_of_key,
            },
            count,
        };
        let named = |index, keys, start: &str| Partitions {
            index: Some(index),
            keys,
            start: start.to_owned(),
            owner: owner_or_user,
        };
        let Some(filter) = filter else {
            return created(Index::ByCreation, Count::Users);
        };
        match filter.most_selective() {
            Term::Is(name) => Self::One(name.clone()),
            Term::Starts(starts) => {
                let lists = starts
                    .iter()
                    .map(|start| named(Index::ByPrefix, prefix::partitions(start), &start.text));
                Self::Named(lists.collect())
            }
            Term::Domain(domain) => {
                let keys = layout::partitions(&[domain]);
                Self::Named(vec![named(Index::ByDomain, keys, "")])
            }
            Term::Disabled(_) => created(Index::ByDisabled, Count::Entries),
        }
    }
}

/// Whose name an entry of `by_prefix` or `by_domain` is: a reservation names its owner, and a user's
/// item is in the user's own partition.
fn owner_or_user(item: &Item) -> Option<UserId> {
    reservation::owner(item).or_else(|| user_of_key(item))
}
