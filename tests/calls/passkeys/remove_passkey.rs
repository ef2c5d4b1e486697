use domain::sample;

use crate::harness::Roster;

#[tokio::test]
async fn a_passkey_is_removed_and_others_stay() {
    let roster = Roster::start().await;
    let user = sample::changed(sample::published(), |user| {
        let mut other = user.passkeys[0].clone();
        other.passkey_id = "AAAA".to_owned();
        user.passkeys.push(other);
    });
    let path = roster.write(&user).await;
    let passkey = format!("{path}/passkeys/{}", user.passkeys()[0].passkey_id);
    roster.send("DELETE", &passkey).await.expect(204);
    let left = roster.send("GET", &path).await.body["passkeys"].clone();
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["passkey_id"], "AAAA");
    assert_eq!(roster.read(&path).await.unwrap().version().as_u64(), 2);
    let again = roster.send("DELETE", &passkey).await.expect(404);
    assert_eq!(again.body["detail"], "There is no such passkey.");
}

#[tokio::test]
async fn what_is_no_passkey_id_is_named() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    for id in ["A", "AA==", "A%2FAA", "A%20AA", &"A".repeat(1368)] {
        let answer = roster
            .send("DELETE", &format!("{path}/passkeys/{id}"))
            .await;
        let answer = answer.expect(422);
        assert!(answer.body["errors"]["passkey_id"].is_array(), "{id}");
    }
    roster
        .send("DELETE", &format!("{path}/passkeys/AAAA"))
        .await
        .expect(404);
}

#[tokio::test]
async fn a_repeat_of_a_named_removal_succeeds() {
    let roster = Roster::start().await;
    let user = sample::published();
    let path = roster.write(&user).await;
    let passkey = format!("{path}/passkeys/{}", user.passkeys()[0].passkey_id);
    for _ in 0..2 {
        let call = roster.request("DELETE", &passkey);
        let answer = call.header("idempotency-key", "k").send().await;
        answer.expect(204);
    }
}
