//! Lists of users: what their queries ask for, and how they are answered.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Filter, OperationId, Timestamp, UserField};
use serde::{Deserialize, Deserializer};
use store::{ListError, Listed, MAX_SORT_KEY, MAX_SORTED, Mark, Part, Position, UserListing};

use crate::list::{ListPage, Paging, Sort, SortField};
use crate::{Failure, Problem, Request, Response, Schema, UserSummaryBody};

impl SortField for UserField {
    const ALL: &'static [(&'static str, Self)] = Self::ALL;
}

/// The query of a list of users, beside the page.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct UserListQuery {
    /// Terms, joined by ` AND `: a word, which is the start of an e-mail address, username or phone
    /// number; `email:`, `username:`, `phone:` or `user_id:` with a value, or with the start of one
    /// and `*`; `domain:` of an e-mail address; `disabled:true`, and beside other terms
    /// `disabled:false`.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    filter: Option<String>,
    /// Where to go on: the header `x-next-cursor` of an answer to the same query.
    #[serde(default, deserialize_with = "cursor")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = "^[A-Za-z0-9_-]+$"))
    )]
    cursor: Option<Cursor>,
}

/// Where a list goes on, as a client keeps it. It holds no secret and decides nothing: a client that
/// makes one up gets another part of a list that it may read anyway.
#[derive(Debug)]
struct Cursor {
    /// Names the list: its path, filter and order.
    list: String,
    mark: Mark,
}

impl Cursor {
    const VERSION: u32 = 1;
    const EXPECTED: &'static str = "the x-next-cursor of a list";
    /// Far more than there are users.
    const MAX_NUMBER: u64 = u32::MAX as u64;

    fn parse(text: &str) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (version, list, mark): (u32, String, Mark) = serde_json::from_slice(&json).ok()?;
        let (Position::Created(position) | Position::Named(_, position)) = &mark.after;
        let is_key = (1..=MAX_SORT_KEY).contains(&position.len());
        let are_numbers = mark.before.max(mark.total.unwrap_or_default()) <= Self::MAX_NUMBER;
        let is_valid = version == Self::VERSION && is_key && are_numbers;
        is_valid.then_some(Self { list, mark })
    }

    fn to_text(&self) -> String {
        let parts = (Self::VERSION, &self.list, &self.mark);
        let json = serde_json::to_vec(&parts).expect("numbers and texts are JSON");
        URL_SAFE_NO_PAD.encode(json)
    }
}

fn cursor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cursor>, D::Error> {
    crate::query_text(deserializer, Cursor::EXPECTED, Cursor::parse).map(Some)
}

/// A list of users that a request asks for.
#[derive(Debug)]
pub struct UserList {
    /// What is asked of the directory.
    pub wanted: UserListing,
    paging: Paging<Sort<UserField>>,
    /// Names the list in cursors.
    name: String,
}

impl UserList {
    /// The query parameters that lists of users take.
    pub const QUERY: &'static [Schema] = &[
        Schema::of::<Paging<Sort<UserField>>>(),
        Schema::of::<UserListQuery>(),
    ];

    /// Reads the query.
    pub fn of(request: &Request) -> Result<Self, Problem> {
        let paging: Paging<Sort<UserField>> = request.query()?;
        let query: UserListQuery = request.query()?;
        let text = query.filter.unwrap_or_default();
        let filter = Filter::parse(&text)
            .map_err(|invalid| Problem::query("filter", &format!("must be {invalid}")))?;
        let sort = paging.order();
        let order = sort.map_or(String::new(), |sort| {
            let direction = if sort.is_downward { "-1" } else { "1" };
            format!("{}:{direction}", sort.by.as_str())
        });
        let parts = [request.public_path(), &text, &order].map(str::as_bytes);
        let name = OperationId::of(&parts).as_str().to_owned();
        let part = match query.cursor {
            None => Part::Number(paging.number_of_those_before(MAX_SORTED)?),
            Some(cursor) => {
                paging.refuse_page()?;
                if cursor.list != name {
                    let message = "must be used with the path, filter and sort that it came from";
                    return Err(Problem::query("cursor", message));
                }
                Part::After(cursor.mark)
            }
        };
        Ok(Self {
            wanted: UserListing {
                filter,
                sort,
                part,
                size: paging.size(),
            },
            paging,
            name,
        })
    }

    /// 200 with summaries of the users, as of `now`.
    pub fn answer(
        &self,
        listed: Result<Listed, ListError>,
        now: Timestamp,
    ) -> Result<Response, Failure> {
        let listed = listed?;
        let cursor = listed.next.map(|mark| {
            let cursor = Cursor {
                list: self.name.clone(),
                mark,
            };
            cursor.to_text()
        });
        let users = listed.users.iter();
        let summaries = users.map(|user| UserSummaryBody::of(user, now)).collect();
        let page = match self.wanted.part {
            Part::Number(_) => self.paging.number(),
            Part::After(_) => self.paging.number_after(listed.before),
        };
        let pagination = self.paging.pagination(page, listed.total, listed.has_next);
        Response::list(&ListPage::new(summaries, pagination).with_cursor(cursor))
    }
}

impl From<ListError> for Problem {
    fn from(error: ListError) -> Self {
        match error {
            ListError::TooManyToSort => Self::query(
                "sort",
                &format!(
                    "must be left out where a list has more than {MAX_SORTED} users: such a list has \
                     an order of its own, which is that of creation_time for all users and for those \
                     who are disabled; a filter makes it shorter"
                ),
            ),
            ListError::TooManyToFilter => Self::query(
                "filter",
                &format!(
                    "must be narrower: of several terms, the most selective one may find at most \
                     {MAX_SORTED} users"
                ),
            ),
            ListError::NoMarks => Self::query(
                "cursor",
                "must come with the order by creation_time: lists in other orders have pages alone",
            ),
            ListError::OtherOrder => Self::query(
                "cursor",
                "must be one of a walk that begins anew: the list has another order by now",
            ),
            ListError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(after: Position) -> Cursor {
        let mark = Mark {
            after,
            before: 20,
            total: Some(7),
        };
        Cursor {
            list: "a list".to_owned(),
            mark,
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        for position in [
            Position::Created("001700000000#a".to_owned()),
            Position::Named(1, "\u{e4}rger@example.org".to_owned()),
        ] {
            let text = cursor(position).to_text();
            assert!(
                text.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            );
            assert_eq!(Cursor::parse(&text).unwrap().to_text(), text);
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let long = "a".repeat(MAX_SORT_KEY + 1);
        let newer = r#"[2,"a list",{"after":{"created":"a"},"before":20}]"#;
        let present = newer.replace("[2", "[1");
        assert!(Cursor::parse(&URL_SAFE_NO_PAD.encode(&present)).is_some());
        let far = present.replace("20", "18446744073709551615");
        for text in [
            String::new(),
            "a".to_owned(),
            "e30".to_owned(),
            "+/+/".to_owned(),
            cursor(Position::Created(String::new())).to_text(),
            cursor(Position::Named(0, long)).to_text(),
            URL_SAFE_NO_PAD.encode(newer),
            URL_SAFE_NO_PAD.encode(far),
        ] {
            assert!(Cursor::parse(&text).is_none(), "{text}");
        }
    }
}
