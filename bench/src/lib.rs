//! Cold start, compared with two yardsticks.
//!
//! **Invariant:** the work of the yardsticks on a request is written here once. They differ only in the
//! set-up of the client. They check nothing, parse nothing and show nothing.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_http::{Body, Error, Request, RequestExt as _, Response};

/// One strongly consistent `GetItem` of the user that the path names, answered with the item's
/// partition key.
pub async fn get_item(
    client: &Client,
    table: &str,
    request: Request,
) -> Result<Response<Body>, Error> {
    let parameters = request.path_parameters();
    let user_id = parameters.first("user_id").unwrap_or_default();
    let found = client
        .get_item()
        .table_name(table)
        .key("PK", AttributeValue::S(format!("USER#{user_id}")))
        .key("SK", AttributeValue::S("USER".to_owned()))
        .consistent_read(true)
        .send()
        .await?;
    let item = found.item.ok_or("the table has no such item")?;
    let Some(AttributeValue::S(key)) = item.get("PK") else {
        return Err("the item has no partition key".into());
    };
    Ok(Response::new(Body::Text(key.clone())))
}

/// The value of a variable that Lambda or the template sets.
#[expect(
    clippy::disallowed_methods,
    reason = "the yardsticks have no App to read it"
)]
pub fn variable(name: &str) -> Result<String, Error> {
    std::env::var(name).map_err(|error| format!("{name}: {error}").into())
}
