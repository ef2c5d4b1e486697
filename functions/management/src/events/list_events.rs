//! `GET /api/events`: what happened in the directory.

use roster_http::{
    Access, Action, Answer, App, Connect, Endpoint, EventBody, Failure, FeedCursor, Index, Method,
    Request, Response, Schema, page_size, usual_size,
};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "list_events",
    summary: "List what happened in the directory",
    description: "The changes of all users, in the order in which the log wrote them, so that a cursor \
        misses none: an event appears a minute and a half after its change. Each answer has the header \
        `x-next-cursor`, the last one too: a follower asks again with it later.",
    routes: &[(Method::GET, "/api/events")],
    access: Access::Read,
    actions: &[Action::BatchGetItem],
    indexes: &[Index::ByCreation],
    connect: Connect::BY_BATCH_GET,
    statuses: &[200],
    query: &[Schema::of::<FeedQuery>()],
    answer: Answer::json::<Vec<EventBody<'_>>>(),
    handler: |app, request| Box::pin(list_events(app, request)),
    ..Endpoint::LISTS
};

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct FeedQuery {
    /// Where to go on: the header `x-next-cursor` of another answer. Without it, the log is read from
    /// its start.
    #[serde(default)]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = "^[A-Za-z0-9_-]+$"))
    )]
    cursor: Option<FeedCursor>,
    /// How many events are answered, at most.
    #[serde(default = "usual_size", deserialize_with = "page_size")]
    #[cfg_attr(feature = "schema", schemars(with = "i32", range(min = 1, max = 100)))]
    size: u32,
}

async fn list_events(app: &App, request: Request) -> Result<Response, Failure> {
    let FeedQuery { cursor, size } = request.query()?;
    let after = cursor.map(FeedCursor::place);
    let (events, next) = app.log.feed(after, request.now(), size).await?;
    let events: Vec<_> = events.iter().map(EventBody::of).collect();
    Ok(Response::json(&events)?.with_next(&FeedCursor::of(&next)))
}
