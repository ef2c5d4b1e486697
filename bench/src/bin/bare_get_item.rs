//! The first yardstick: a function that only gets an item. Its SDK is set up as that of every call, and
//! it connects before the first event.

use bench::{get_item, variable};
use lambda_http::{Error, service_fn};
use store::{Credentials, Settings, Table};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = Settings {
        region: variable("AWS_REGION")?,
        endpoint: variable("AWS_ENDPOINT_URL_DYNAMODB").ok(),
        table: variable("TABLE_NAME")?,
        credentials: Credentials::new(
            variable("AWS_ACCESS_KEY_ID")?,
            variable("AWS_SECRET_ACCESS_KEY")?,
            variable("AWS_SESSION_TOKEN").ok(),
            None,
            "environment",
        ),
        http_client: store::http_client(),
    };
    let (client, table) = (&store::connect(&settings), settings.table.as_str());
    let to_connect = Table::new(client.clone(), table.to_owned());
    to_connect.connect_by_get().await;
    lambda_http::run(service_fn(|request| get_item(client, table, request))).await
}
