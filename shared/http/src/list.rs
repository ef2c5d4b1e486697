//! Lists: which page of one is asked for, in which order, and how much of it there is (users-api.md,
//! "lists", "paging query").

use std::cmp::Ordering;
use std::ops::RangeInclusive;
use std::str::FromStr;

use domain::UserField;
use serde::de::{DeserializeOwned, Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use store::UserSort;

use crate::Problem;

/// As far as clients count.
const MAX_PAGE: u32 = i32::MAX.unsigned_abs();
const MAX_SIZE: u32 = 100;

/// Which page of a list is asked for, in which order: the query parameters that lists have in
/// common. `S` is the order, such as [`Sort`].
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(bound = "S: DeserializeOwned")]
pub struct Paging<S> {
    /// Which page.
    #[serde(default = "first_page", deserialize_with = "page_number")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "i32", range(min = 1, max = 2_147_483_647))
    )]
    page: u32,
    /// How many entries a page has.
    #[serde(default = "usual_size", deserialize_with = "page_size")]
    #[cfg_attr(feature = "schema", schemars(with = "i32", range(min = 1, max = 100)))]
    size: u32,
    /// A field, `:1` upward or `:-1` downward.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "S"))]
    sort: Option<S>,
}

const fn first_page() -> u32 {
    1
}

/// How many entries a page has where the query does not say.
pub const fn usual_size() -> u32 {
    10
}

fn page_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    query_text(deserializer, "a whole number from 1", |text| {
        whole_number(text, 1..=MAX_PAGE)
    })
}

/// Reads how many entries a page has: 1 to 100.
pub fn page_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    query_text(deserializer, "a whole number from 1 to 100", |text| {
        whole_number(text, 1..=MAX_SIZE)
    })
}

/// A whole number of these, in digits alone.
pub fn whole_number<T: FromStr + PartialOrd>(text: &str, allowed: RangeInclusive<T>) -> Option<T> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_plain);
    number.filter(|number| allowed.contains(number))
}

/// Reads the text of a query parameter. The error says what it must be, and not what it was.
pub fn query_text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| D::Error::invalid_value(Unexpected::Other("text"), &expected))
}

impl<S> Paging<S> {
    /// Which page.
    pub(crate) const fn number(&self) -> u32 {
        self.page
    }

    /// How many entries a page has.
    pub(crate) const fn size(&self) -> usize {
        self.size as usize
    }

    /// How many entries come before the page, of a list that is read up to the page's end: such a page
    /// may end at `max`.
    pub(crate) fn number_of_those_before(&self, max: usize) -> Result<usize, Problem> {
        let (page, size) = (self.page as usize, self.size());
        if page.saturating_mul(size) > max {
            let message = format!(
                "must be used to go on: page times size is more than {max}. It is the header \
                 x-next-cursor of the page before"
            );
            return Err(Problem::query("cursor", &message));
        }
        Ok((page - 1) * size)
    }

    /// Refuses a page beside a cursor, which names the place by itself. The first page is what is read
    /// without the parameter.
    pub(crate) fn refuse_page(&self) -> Result<(), Problem> {
        if self.page == first_page() {
            return Ok(());
        }
        Err(Problem::query("page", "must be left out beside cursor"))
    }

    /// The number of the page that comes after so many entries.
    pub(crate) fn number_after(&self, entries: u64) -> u32 {
        let before = entries.div_ceil(u64::from(self.size));
        u32::try_from(before + 1).map_or(MAX_PAGE, |page| page.min(MAX_PAGE))
    }

    /// What the header tells of a page that was not cut from the whole list.
    pub(crate) const fn pagination(
        &self,
        page: u32,
        total_count: u64,
        has_next: bool,
    ) -> Pagination {
        Pagination {
            page_size: self.size,
            current_page: page,
            total_count,
            has_previous: page > 1,
            has_next,
        }
    }

    /// The page of all these entries that is asked for. Past the last one, a page is empty.
    pub fn cut<T>(&self, entries: Vec<T>) -> ListPage<T> {
        let (page, size) = (u64::from(self.page), u64::from(self.size));
        let total = entries.len() as u64;
        let before = (page - 1) * size;
        let skipped = usize::try_from(before).unwrap_or(usize::MAX);
        let entries = entries.into_iter().skip(skipped);
        ListPage::new(
            entries.take(self.size as usize).collect(),
            self.pagination(self.page, total, before + size < total),
        )
    }
}

impl Paging<Sort<UserField>> {
    /// The order of users that is asked for, if one is.
    pub(crate) fn order(&self) -> Option<UserSort> {
        self.sort
            .map(|Sort { by, is_downward }| UserSort { by, is_downward })
    }
}

impl<F: SortField> Paging<Sort<F>> {
    /// The field of the order that is asked for, or else of this one.
    pub fn sorted_by(&self, usual: Sort<F>) -> F {
        self.sort.unwrap_or(usual).by
    }

    /// Puts entries into the order that is asked for, or else into this one. Those that are alike in
    /// it stay as they are.
    pub fn sort<T>(
        &self,
        entries: &mut [T],
        usual: Sort<F>,
        compare: impl Fn(F, &T, &T) -> Ordering,
    ) {
        let Sort { by, is_downward } = self.sort.unwrap_or(usual);
        entries.sort_by(|one, other| {
            let order = compare(by, one, other);
            if is_downward { order.reverse() } else { order }
        });
    }
}

/// A field that a list can be sorted by.
pub trait SortField: Copy + 'static {
    /// All that there are, by their names.
    const ALL: &'static [(&'static str, Self)];
}

/// An order of a list: `field:1` upward, `field:-1` downward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort<F> {
    by: F,
    is_downward: bool,
}

impl<F: SortField> Sort<F> {
    /// From the largest to the smallest.
    pub const fn downward(by: F) -> Self {
        Self {
            by,
            is_downward: true,
        }
    }

    /// All that there are, as a query has them.
    fn choices() -> impl Iterator<Item = (String, Self)> {
        F::ALL.iter().flat_map(|(name, by)| {
            [("1", false), ("-1", true)].map(|(direction, is_downward)| {
                let order = Self {
                    by: *by,
                    is_downward,
                };
                (format!("{name}:{direction}"), order)
            })
        })
    }
}

impl<'de, F: SortField> Deserialize<'de> for Sort<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names: Vec<_> = Self::choices().map(|(name, _)| name).collect();
        let expected = format!("one of {}", names.join(" "));
        query_text(deserializer, &expected, |text| {
            Self::choices().find_map(|(name, order)| (name == text).then_some(order))
        })
    }
}

#[cfg(feature = "schema")]
impl<F: SortField> schemars::JsonSchema for Sort<F> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Sort".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = Self::choices().map(|(name, _)| name).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

/// An order of a list that is always empty: any field's.
#[derive(Debug)]
pub struct AnySort;

impl<'de> Deserialize<'de> for AnySort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        query_text(deserializer, "a field's name with :1 or :-1", |text| {
            let (name, direction) = text.split_once(':')?;
            let is_name = |b: u8| b.is_ascii_lowercase() || b == b'_';
            let is_order = !name.is_empty() && matches!(direction, "1" | "-1");
            (is_order && name.bytes().all(is_name)).then_some(Self)
        })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for AnySort {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AnySort".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[a-z_]+:-?1$" })
    }
}

/// One page of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct ListPage<T> {
    /// What is on it.
    pub entries: Vec<T>,
    /// Where it is in the list.
    pub pagination: Pagination,
    /// Where the next page begins, in lists that have cursors.
    pub(crate) next_cursor: Option<String>,
}

impl<T> ListPage<T> {
    /// A page of a list without cursors.
    pub const fn new(entries: Vec<T>, pagination: Pagination) -> Self {
        Self {
            entries,
            pagination,
            next_cursor: None,
        }
    }

    /// The same page, and where the next one begins.
    pub(crate) fn with_cursor(mut self, next_cursor: Option<String>) -> Self {
        self.next_cursor = next_cursor;
        self
    }
}

/// How much of a list there is: the header `x-pagination`.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields)
)]
pub struct Pagination {
    page_size: u32,
    current_page: u32,
    total_count: u64,
    has_previous: bool,
    has_next: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Field {
        Name,
        Size,
    }

    impl SortField for Field {
        const ALL: &'static [(&'static str, Self)] = &[("name", Self::Name), ("size", Self::Size)];
    }

    fn read<S: DeserializeOwned>(query: &str) -> Result<Paging<S>, String> {
        serde_urlencoded::from_str(query).map_err(|error| error.to_string())
    }

    fn shown(query: &str, entries: u32) -> (Vec<u32>, String) {
        let page = read::<Sort<Field>>(query)
            .unwrap()
            .cut((1..=entries).collect());
        let pagination = serde_json::to_string(&page.pagination).unwrap();
        (page.entries, pagination)
    }

    #[test]
    fn a_page_tells_how_much_there_is_as_clients_read_it() {
        assert_eq!(
            shown("", 0),
            (
                vec![],
                "{\"page_size\":10,\"current_page\":1,\"total_count\":0,\
                 \"has_previous\":false,\"has_next\":false}"
                    .to_owned()
            )
        );
        assert_eq!(
            shown("page=2&size=3", 7),
            (
                vec![4, 5, 6],
                "{\"page_size\":3,\"current_page\":2,\"total_count\":7,\
                 \"has_previous\":true,\"has_next\":true}"
                    .to_owned()
            )
        );
        for (query, entries, page) in [
            ("page=3&size=3", 7, vec![7]),
            ("page=2&size=3", 6, vec![4, 5, 6]),
            ("page=4&size=3", 7, vec![]),
            ("page=2147483647&size=100", 7, vec![]),
        ] {
            let (shown, pagination) = shown(query, entries);
            assert_eq!(shown, page, "{query}");
            assert!(pagination.ends_with("\"has_next\":false}"), "{pagination}");
        }
    }

    #[test]
    fn what_is_no_page_no_size_and_no_order_is_told_what_it_must_be() {
        for (query, expected) in [
            ("page=0", "a whole number from 1"),
            ("page=-1", "a whole number from 1"),
            ("page=%2B1", "a whole number from 1"),
            ("page=", "a whole number from 1"),
            ("page=2147483648", "a whole number from 1"),
            ("page=99999999999999999999", "a whole number from 1"),
            ("size=0", "a whole number from 1 to 100"),
            ("size=101", "a whole number from 1 to 100"),
            ("size=1.5", "a whole number from 1 to 100"),
            ("sort=name", "one of name:1 name:-1 size:1 size:-1"),
            ("sort=name:2", "one of name:1 name:-1 size:1 size:-1"),
            ("sort=NAME:1", "one of name:1 name:-1 size:1 size:-1"),
        ] {
            let error = read::<Sort<Field>>(query).unwrap_err();
            assert!(
                error.ends_with(&format!(", expected {expected}")),
                "{error}"
            );
        }
        for query in ["sort=x:2", "sort=x", "sort=:1", "sort=X:1"] {
            let error = read::<AnySort>(query).unwrap_err();
            assert!(error.contains("expected a field's name"), "{error}");
        }
        read::<AnySort>("sort=creation_time:-1").unwrap();
    }

    #[test]
    fn entries_that_are_alike_keep_their_order_in_both_directions() {
        let sorted = |query: &str| {
            let mut entries = vec![("b", 1), ("a", 2), ("c", 1)];
            let usual = Sort::downward(Field::Name);
            let paging: Paging<Sort<Field>> = read(query).unwrap();
            paging.sort(&mut entries, usual, |by, one, other| match by {
                Field::Name => one.0.cmp(other.0),
                Field::Size => one.1.cmp(&other.1),
            });
            entries
                .into_iter()
                .map(|(name, _)| name)
                .collect::<String>()
        };
        assert_eq!(sorted(""), "cba");
        assert_eq!(sorted("sort=name:1"), "abc");
        assert_eq!(sorted("sort=size:1"), "bca");
        assert_eq!(sorted("sort=size:-1"), "abc");
    }
}
