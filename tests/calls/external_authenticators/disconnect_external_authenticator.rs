use domain::external::{Authenticator, Connection, Idp};
use domain::{User, sample};
use serde_json::{Value, json};

use crate::harness::{Answer, Roster};

async fn disconnect(roster: &Roster, path: &str, body: Value) -> Answer {
    let path = format!("{path}/external_authenticator/disconnect");
    roster.send_json("POST", &path, body).await
}

fn pair(user: &User) -> Value {
    let id = &user.external_providers()[0].provider_user_id;
    json!({ "authenticator": "google", "provider_user_id": id })
}

#[tokio::test]
async fn an_account_is_disconnected_and_its_connection_goes_with_it() {
    let roster = Roster::start().await;
    let user = sample::changed(sample::published(), |user| {
        let own = user.external_providers[0].provider_user_id.clone();
        for connection_id in [own, "another".to_owned()] {
            user.connections.push(Connection {
                idp: Idp::External(Authenticator::Google),
                connection_id,
            });
        }
    });
    let path = roster.write(&user).await;
    let answer = disconnect(&roster, &path, pair(&user)).await.expect(200);
    assert_eq!(answer.body["external_providers"], json!([]));
    assert_eq!(answer.body["idps"], json!([]));
    assert_eq!(answer.body["emails"][0]["idps"], json!(["monocloud"]));
    let connections = answer.body["connections"].as_array().unwrap();
    assert_eq!(connections.len(), 2);
    assert_eq!(connections[1]["connection_id"], "another");
    let again = disconnect(&roster, &path, pair(&user)).await.expect(404);
    assert_eq!(
        again.body["detail"],
        "There is no such account with this provider."
    );
}

#[tokio::test]
async fn another_pair_is_not_found() {
    let roster = Roster::start().await;
    let user = sample::published();
    let path = roster.write(&user).await;
    let mut apple = pair(&user);
    apple["authenticator"] = json!("apple");
    let other = json!({ "authenticator": "google", "provider_user_id": "another" });
    for body in [apple, other] {
        disconnect(&roster, &path, body).await.expect(404);
    }
}

#[tokio::test]
async fn both_members_are_needed_and_the_list_of_providers_is_closed() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    for (body, member) in [
        (json!({ "provider_user_id": "x" }), "authenticator"),
        (json!({ "authenticator": "google" }), "provider_user_id"),
        (
            json!({ "authenticator": "monocloud", "provider_user_id": "x" }),
            "authenticator",
        ),
        (
            json!({ "authenticator": "Google", "provider_user_id": "x" }),
            "authenticator",
        ),
        (
            json!({ "authenticator": 1, "provider_user_id": "x" }),
            "authenticator",
        ),
        (
            json!({ "authenticator": "google", "provider_user_id": 7 }),
            "provider_user_id",
        ),
    ] {
        let answer = disconnect(&roster, &path, body).await.expect(422);
        let named: Vec<_> = answer.body["errors"].as_object().unwrap().keys().collect();
        assert_eq!(named, [member]);
    }
}
