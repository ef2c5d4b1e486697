use domain::sample;

use super::KINDS;
use crate::harness::Roster;

#[tokio::test]
async fn no_grant_is_there_to_delete() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let before = roster.table.items().await;
    for kind in KINDS {
        for id in ["a", "a%20b", "6cec8047-6149-4d9b-8d99-91c83c22a9dc"] {
            let answer = roster
                .send("DELETE", &format!("{path}/grants/{kind}/{id}"))
                .await
                .expect(404);
            assert_eq!(answer.body["detail"], "There is no such grant.");
        }
        let other = format!("/api/users/nobody/grants/{kind}/a");
        let answer = roster.send("DELETE", &other).await.expect(404);
        assert_eq!(answer.body["detail"], "There is no such user.");
        let malformed = format!("/api/users/a.b/grants/{kind}/a");
        roster.send("DELETE", &malformed).await.expect(422);
    }
    assert_eq!(roster.table.items().await, before);
}
