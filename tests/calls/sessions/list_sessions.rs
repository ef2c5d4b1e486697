use std::time::Duration;

use domain::sample;
use domain::session::{IDLE_LIFETIME, MAX_LIFETIME};
use serde_json::{Value, json};

use crate::harness::person::Person;
use crate::harness::{NOW, READ_ONLY, Roster};

const HOUR: Duration = Duration::from_hours(1);

/// The path of a person's sessions.
fn path(person: &Person<'_>) -> String {
    format!("/api/users/{}/sessions", person.id)
}

/// The id that a session's cookie has.
fn id(person: &Person<'_>) -> Value {
    person.session.split('.').nth(1).unwrap().into()
}

#[tokio::test]
async fn a_session_tells_when_and_from_where_it_was_signed_in() {
    let roster = Roster::start().await;
    roster.person("grace").await;
    let body = json!({ "username": "grace", "password": sample::PASSWORD });
    let later = roster.later(HOUR).await;
    let call = later.attempt(body).header("user-agent", "A browser");
    let grace = Person::of(&later, &call.send().await.expect(200));
    let answer = roster
        .request("GET", &path(&grace))
        .key(Some(READ_ONLY))
        .send()
        .await
        .expect(200);
    let began = NOW.plus(HOUR);
    let wanted = json!({
        "session_id": id(&grace),
        "session_key": id(&grace),
        "client_ids": [],
        "initiated_at": began.as_unix(),
        "expires_at": began.plus(IDLE_LIFETIME).as_unix(),
        "last_updated": began.as_unix(),
        "last_metadata": {
            "city": null, "country": null, "region": null, "latitude": null, "longitude": null,
            "ip_address": "127.0.0.1", "user_agent": "A browser",
        },
    });
    // The one that began last comes first.
    assert_eq!(answer.body[0], wanted);
    let pagination = json!({
        "page_size": 10, "current_page": 1, "total_count": 2,
        "has_previous": false, "has_next": false,
    });
    assert_eq!(answer.pagination(), pagination);
}

#[tokio::test]
async fn the_place_shows_where_cloudfront_tells_it() {
    let roster = Roster::start().await;
    roster.person("grace").await;
    let behind = roster.also(NOW, &[("BehindCloudFront", "true")]).await;
    let login = behind
        .attempt(json!({ "username": "grace", "password": sample::PASSWORD }))
        .header("cloudfront-viewer-address", "[2001:db8::7]:443")
        .header("cloudfront-viewer-city", "Paris")
        .header("cloudfront-viewer-country-region-name", "Île-de-France")
        .header("cloudfront-viewer-country-name", "France");
    let grace = Person::of(&behind, &login.send().await.expect(200));
    let one = format!("{}/{}", path(&grace), id(&grace).as_str().unwrap());
    let shown = roster.send("GET", &one).await.expect(200);
    let metadata = &shown.body["last_metadata"];
    assert_eq!(metadata["city"], "Paris");
    assert_eq!(metadata["region"], "Île-de-France");
    assert_eq!(metadata["country"], "France");
    assert_eq!(metadata["ip_address"], "2001:db8::7");
}

#[tokio::test]
async fn a_list_has_pages_and_an_order() {
    let roster = Roster::start().await;
    let first = roster.person("grace").await;
    let (second, third) = (roster.later(HOUR).await, roster.later(2 * HOUR).await);
    let second = second.sign_in("grace", sample::PASSWORD).await;
    let third = third.sign_in("grace", sample::PASSWORD).await;
    let ids = [id(&first), id(&second), id(&third)];
    let list = async |query: &str| {
        let path = format!("{}?{query}", path(&first));
        roster.send("GET", &path).await.expect(200)
    };
    let by_time = [ids[0].clone(), ids[1].clone(), ids[2].clone()];
    for field in ["initiated_at", "expires_at", "last_updated"] {
        let up = list(&format!("sort={field}:1")).await;
        assert_eq!(up.each("session_id"), by_time, "{field}");
        let down = list(&format!("sort={field}:-1")).await;
        let mut reversed = by_time.to_vec();
        reversed.reverse();
        assert_eq!(down.each("session_id"), reversed, "{field}");
    }
    let mut by_id = ids.to_vec();
    by_id.sort_by_key(|id| id.as_str().unwrap().to_owned());
    let sorted = list("sort=session_id:1").await;
    assert_eq!(sorted.each("session_id"), by_id);

    let page = list("page=2&size=2&sort=initiated_at:1").await;
    assert_eq!(page.each("session_id"), ids[2..]);
    let pagination = json!({
        "page_size": 2, "current_page": 2, "total_count": 3,
        "has_previous": true, "has_next": false,
    });
    assert_eq!(page.pagination(), pagination);
    let page = list("size=2").await;
    assert_eq!(page.pagination()["has_next"], true);
}

#[tokio::test]
async fn what_is_over_is_not_listed() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let signed_out = roster.sign_in("grace", sample::PASSWORD).await;
    let list = async |roster: &Roster| {
        let answer = roster.send("GET", &path(&grace)).await.expect(200);
        answer.each("session_id")
    };
    signed_out
        .post("/users/logout", json!({}))
        .await
        .expect(204);
    assert_eq!(list(&roster).await, [id(&grace)]);
    let in_time = roster.just_before(IDLE_LIFETIME).await;
    assert_eq!(list(&in_time).await, [id(&grace)]);
    let idle = roster.later(IDLE_LIFETIME).await;
    assert_eq!(list(&idle).await, [] as [Value; 0]);
    assert_eq!(
        list(&roster.later(MAX_LIFETIME).await).await,
        [] as [Value; 0]
    );
    let disable = format!("/api/users/{}/disable", grace.id);
    // A disabled user's sessions hold again once the user is enabled.
    roster.send("POST", &disable).await.expect(200);
    assert_eq!(list(&roster).await, [id(&grace)]);
    let enable = format!("/api/users/{}/enable", grace.id);
    roster.send("POST", &enable).await.expect(200);
    let body = json!({ "revoke_sessions": true });
    roster.send_json("POST", &disable, body).await.expect(200);
    assert_eq!(list(&roster).await, [] as [Value; 0]);
}

#[tokio::test]
async fn no_session_is_of_a_client() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    for query in ["client_id=a", "clientId=a", "client_id=a&clientId=b"] {
        let path = format!("{}?{query}", path(&grace));
        let answer = roster.send("GET", &path).await.expect(200);
        assert_eq!(answer.body, json!([]), "{query}");
        assert_eq!(answer.pagination()["total_count"], 0, "{query}");
    }
}

#[tokio::test]
async fn the_sessions_of_a_deleted_user_are_not_found() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let user = format!("/api/users/{}", grace.id);
    roster.send("DELETE", &user).await.expect(204);
    roster.send("GET", &path(&grace)).await.expect(404);
    let one = format!("{}/{}", path(&grace), id(&grace).as_str().unwrap());
    roster.send("GET", &one).await.expect(404);
    roster.send("DELETE", &one).await.expect(404);
}
