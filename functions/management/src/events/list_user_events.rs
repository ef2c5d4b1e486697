//! `GET /api/users/{user_id}/events`: what happened to a user.

use domain::Part;
use roster_http::{
    Action, Answer, App, Endpoint, EventBody, Failure, Method, Problem, Request, Response, Schema,
    page_size, query_text, usual_size, whole_number,
};
use serde::{Deserialize, Deserializer};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "list_user_events",
    summary: "List what happened to a user",
    description: "The changes of the user, by whom and by which call, in their order and without any \
        value; failed sign-ins are left out. An event appears about a second after its change. It also \
        answers after the user was deleted, until the events lapse.",
    routes: &[(Method::GET, "/api/users/{user_id}/events")],
    actions: &[Action::GetItem, Action::Query],
    query: &[Schema::of::<EventsQuery>()],
    answer: Answer::json::<Vec<EventBody<'_>>>(),
    handler: |app, request| Box::pin(list_user_events(app, request)),
    ..Endpoint::LISTS
};

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct EventsQuery {
    /// Events with a greater revision alone. Send the last revision that you have read.
    #[serde(default, deserialize_with = "revision")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    after: u64,
    /// How many events are answered, at most.
    #[serde(default = "usual_size", deserialize_with = "page_size")]
    #[cfg_attr(feature = "schema", schemars(with = "i32", range(min = 1, max = 100)))]
    size: u32,
}

fn revision<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    query_text(deserializer, "a revision: a whole number from 0", |text| {
        whole_number(text, 0..=u64::MAX)
    })
}

async fn list_user_events(app: &App, request: Request) -> Result<Response, Failure> {
    let query: EventsQuery = request.query()?;
    let user_id = request.path()?;
    let events = app.log.of_user(&user_id, query.after, query.size).await?;
    let events = events.ok_or(Problem::NotFound(Part::User))?;
    Response::json(&events.iter().map(EventBody::of).collect::<Vec<_>>())
}
