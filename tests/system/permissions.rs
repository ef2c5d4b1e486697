//! What happens when a function does something that its role does not allow.

use macro_rules_attribute::apply;
use reqwest::Client;
use serde_json::{Value, json};

use crate::harness::Roster;

#[apply(on_both_stores)]
async fn what_a_role_does_not_allow_is_refused_as_the_service_does(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    let id = path.rsplit('/').next().unwrap();
    let user = format!("USER#{id}");
    let ask = async |function: &str, action: &str, partition: &str| {
        let key = json!({ "PK": { "S": partition }, "SK": { "S": "USER" } });
        let body = json!({ "TableName": roster.table.name, "Key": key });
        let scope = format!("{function}/20260101/eu-west-1/dynamodb/aws4_request");
        let signed =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let answer = Client::new()
            .post(roster.faulty_store_url())
            .header("authorization", signed)
            .header("x-amz-date", "20260101T000000Z")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDB_20120810.{action}"))
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        (status, body)
    };
    let (status, read) = ask("GetUser", "GetItem", &user).await;
    assert_eq!(status, 200, "{read}");
    assert!(read["Item"]["version"].is_object(), "{read}");
    for (action, partition) in [
        ("DeleteItem", user.as_str()),
        ("GetItem", "SIGN_IN#0"),
        ("GetItem", "EMAIL#grace@example.org"),
        ("GetItem", "LIMIT#0"),
    ] {
        let (status, refused) = ask("GetUser", action, partition).await;
        assert_eq!(status, 400, "{action} {partition}: {refused}");
        assert_eq!(
            refused["__type"],
            "com.amazon.coral.service#AccessDeniedException"
        );
    }
    assert!(roster.read(&path).await.is_some());
}
