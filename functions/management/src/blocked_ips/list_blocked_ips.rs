//! `GET /api/users/{user_id}/blocked_ips`: the IP addresses from which signing in has failed.

use std::cmp::Ordering;

use domain::blocked_ip::{AddressStart, BlockedIp};
use roster_http::{
    Action, Answer, App, BlockedIpBody, Endpoint, Failure, Method, Paging, Partition, Request,
    Response, Schema, Sort, SortField, query_text,
};
use serde::{Deserialize, Deserializer};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "list_blocked_ips",
    summary: "List the IP addresses from which signing in has failed",
    description: "IP addresses whose failed sign-ins for this user still count, and those that are \
        locked out. An IPv6 address counts by its /64 network. `filter` is an address, or the \
        start of one.",
    routes: &[(Method::GET, "/api/users/{user_id}/blocked_ips")],
    actions: &[Action::GetItem, Action::Query],
    partitions: &[Partition::SignIn, Partition::User],
    query: &[
        Schema::of::<Paging<Sort<SortBy>>>(),
        Schema::of::<BlockedIpsQuery>(),
    ],
    answer: Answer::list::<BlockedIpBody<'_>>(),
    handler: |app, request| Box::pin(list_blocked_ips(app, request)),
    ..Endpoint::LISTS
};

/// The query, beside the page.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct BlockedIpsQuery {
    /// An IP address, or the start of one.
    #[serde(default, deserialize_with = "address_start")]
    #[cfg_attr(
        feature = "schema",
        schemars(
            with = "String",
            length(max = 49),
            regex(pattern = "^[0-9A-Fa-f.:/]*$")
        )
    )]
    filter: Option<AddressStart>,
}

fn address_start<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<AddressStart>, D::Error> {
    let expected = "an IP address or the start of one";
    query_text(deserializer, expected, AddressStart::parse).map(Some)
}

#[derive(Clone, Copy)]
enum SortBy {
    BlockUntil,
    LastAttempt,
    LastSuccess,
}

impl SortField for SortBy {
    const ALL: &'static [(&'static str, Self)] = &[
        ("block_until", Self::BlockUntil),
        ("last_sign_in_attempt", Self::LastAttempt),
        ("last_sign_in_success", Self::LastSuccess),
        ("last_login_attempt", Self::LastAttempt),
    ];
}

impl SortBy {
    fn compare(self, one: &BlockedIp, other: &BlockedIp) -> Ordering {
        match self {
            Self::BlockUntil => one.block_until.cmp(&other.block_until),
            Self::LastAttempt => one.last_attempt.cmp(&other.last_attempt),
            Self::LastSuccess => one.last_success.cmp(&other.last_success),
        }
    }
}

async fn list_blocked_ips(app: &App, request: Request) -> Result<Response, Failure> {
    let paging: Paging<Sort<SortBy>> = request.query()?;
    let BlockedIpsQuery { filter } = request.query()?;
    let user = app.user(&request.path()?).await?;
    let counted = app.sign_ins.by_ip_address(&user).await?;
    let mut blocked = BlockedIp::all(&counted, &user, app.account.limits, request.now());
    if let Some(filter) = filter {
        blocked.retain(|one| filter.matches(&one.ip_address));
    }
    let usual = Sort::downward(SortBy::LastAttempt);
    paging.sort(&mut blocked, usual, SortBy::compare);
    Response::list(&paging.cut(blocked.iter().map(BlockedIpBody::of).collect()))
}
