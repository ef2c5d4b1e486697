//! What the two calls that change data have in common.

use domain::user::DataKind;
use domain::{JsonObject, User};
use roster_http::{App, Problem, Request, required};
use serde_json::value::RawValue;

/// Changes the data of one kind as the body says.
pub(super) async fn change(
    app: &App,
    request: &Request,
    kind: DataKind,
    sent: Option<Box<RawValue>>,
) -> Result<User, Problem> {
    let user_id = request.path()?;
    let member = kind.as_str();
    let sent = required(member, sent)?;
    let changes = JsonObject::parse(sent.get());
    let changes = changes.map_err(|invalid| Problem::invalid(member, invalid))?;
    let edit = app.users.edit(&user_id, &request.write, |user| {
        user.change_data(kind, &changes)
    });
    Ok(edit.await?)
}
