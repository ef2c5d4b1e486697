//! The second yardstick: the same function with the SDK as its guide sets it up, with default features.

use aws_config::BehaviorVersion;
use bench::{get_item, variable};
use lambda_http::{Error, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let client = &aws_sdk_dynamodb::Client::new(&config);
    let table = &variable("TABLE_NAME")?;
    lambda_http::run(service_fn(|request| get_item(client, table, request))).await
}
