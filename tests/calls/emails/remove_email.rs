use domain::sample;
use serde_json::json;

use crate::harness::Roster;

const EMAIL: &str = "6cec8047-6149-4d9b-8d99-91c83c22a9dc";

#[tokio::test]
async fn a_removed_address_is_free_in_every_spelling() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let other = json!({ "email": "User@EXAMPLE.com" });
    let taken = roster.send_json("POST", "/api/users", other.clone()).await;
    assert_eq!(taken.expect(422).codes(), ["DuplicateEmail"]);
    let email = format!("{path}/emails/{EMAIL}");
    roster.send("DELETE", &email).await.expect(200);
    roster.create(other).await;
    roster.table.check_invariants().await;
}
