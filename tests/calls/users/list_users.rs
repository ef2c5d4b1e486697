use std::time::Duration;

use domain::{JsonObject, Timestamp, UserFacts, UserField, sample};
use serde_json::{Value, json};

use crate::harness::{Answer, READ_ONLY, Roster};

const SECOND: Duration = Duration::from_secs(1);

async fn list(roster: &Roster, query: &str) -> Answer {
    roster.send("GET", &format!("/api/users?{query}")).await
}

/// The ids on a page.
async fn ids(roster: &Roster, query: &str) -> Vec<Value> {
    list(roster, query).await.expect(200).each("user_id")
}

/// A user of another creation time, who is called so; their id.
async fn create_at(roster: &Roster, seconds: u32, body: Value) -> Value {
    let then = roster.later(SECOND * seconds).await;
    let answer = then.send_json("POST", "/api/users", body).await;
    answer.expect(201).body["user_id"].clone()
}

/// Users who were created one after the other, and are called `user0`, `user1` and so on.
async fn several(roster: &Roster, count: u32) -> Vec<Value> {
    let mut ids = Vec::new();
    for n in 0..count {
        let body = json!({ "username": format!("user{n}") });
        ids.push(create_at(roster, n, body).await);
    }
    ids
}

fn reversed(mut ids: Vec<Value>) -> Vec<Value> {
    ids.reverse();
    ids
}

/// All ids, page by page, by the cursors that come with the pages.
async fn walk(roster: &Roster, query: &str) -> Vec<Value> {
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = list(roster, &format!("{query}{cursor}")).await.expect(200);
        walked.extend(page.each("user_id"));
        let next = page.header("x-next-cursor");
        assert_eq!(page.pagination()["has_next"], next.is_some());
        match next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return walked,
        }
    }
}

#[tokio::test]
async fn a_summary_is_the_user_without_the_applications_data() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let mut user = roster.send("GET", &path).await.expect(200).body;
    let members = user.as_object_mut().unwrap();
    members.remove("public_data");
    members.remove("private_data");
    for list in ["external_providers", "idps"] {
        for provider in user[list].as_array_mut().unwrap() {
            let claims = provider.as_object_mut().unwrap().remove("claims");
            assert!(claims.is_some());
        }
    }
    let call = roster.request("GET", "/api/users").key(Some(READ_ONLY));
    let answer = call.send().await.expect(200);
    assert_eq!(answer.body, json!([user]));
    let pagination = json!({
        "page_size": 10, "current_page": 1, "total_count": 1,
        "has_previous": false, "has_next": false,
    });
    assert_eq!(answer.pagination(), pagination);
    assert_eq!(answer.header("x-next-cursor"), None);
    assert_eq!(answer.header("etag"), None);
}

#[tokio::test]
async fn an_empty_directory_has_an_empty_list() {
    let roster = Roster::start().await;
    for query in ["", "sort=name:1", "filter=ada", "filter=disabled:true"] {
        let answer = list(&roster, query).await.expect(200);
        assert_eq!(answer.body, json!([]), "{query}");
        assert_eq!(answer.pagination()["total_count"], 0, "{query}");
    }
}

#[tokio::test]
async fn users_come_in_the_order_of_their_creation_page_by_page() {
    let roster = Roster::start().await;
    let created = several(&roster, 23).await;
    assert_eq!(ids(&roster, "size=100").await, created);
    assert_eq!(ids(&roster, "").await, created[..10]);
    let page = list(&roster, "page=3").await.expect(200);
    assert_eq!(page.each("user_id"), created[20..]);
    let pagination = json!({
        "page_size": 10, "current_page": 3, "total_count": 23,
        "has_previous": true, "has_next": false,
    });
    assert_eq!(page.pagination(), pagination);
    assert_eq!(
        ids(&roster, "sort=creation_time:1&page=2&size=5").await,
        created[5..10]
    );
    let down = reversed(created.clone());
    assert_eq!(ids(&roster, "sort=creation_time:-1&size=100").await, down);
    assert_eq!(
        ids(&roster, "sort=creation_time:-1&page=2").await,
        down[10..20]
    );
}

#[tokio::test]
async fn a_cursor_walks_the_list_in_both_directions() {
    let roster = Roster::start().await;
    let created = several(&roster, 23).await;
    for size in [1, 4, 23, 100] {
        let up = walk(&roster, &format!("size={size}")).await;
        assert_eq!(up, created, "{size}");
        let down = walk(&roster, &format!("size={size}&sort=creation_time:-1")).await;
        assert_eq!(down, reversed(created.clone()), "{size}");
    }
    // Also from a page that was asked for by its number.
    let third = list(&roster, "page=3&size=5").await.expect(200);
    let next = third.header("x-next-cursor").unwrap();
    let fourth = list(&roster, &format!("size=5&cursor={next}")).await;
    let fourth = fourth.expect(200);
    assert_eq!(fourth.each("user_id"), created[15..20]);
    let pagination = json!({
        "page_size": 5, "current_page": 4, "total_count": 21,
        "has_previous": true, "has_next": true,
    });
    assert_eq!(fourth.pagination(), pagination);
    // The first page is what is read without a page.
    let first = format!("page=1&size=5&cursor={next}");
    assert_eq!(ids(&roster, &first).await, created[15..20]);
}

#[tokio::test]
async fn a_cursor_is_of_one_list() {
    let roster = Roster::start().await;
    several(&roster, 5).await;
    let page = list(&roster, "size=2").await.expect(200);
    let cursor = page.header("x-next-cursor").unwrap();
    for (query, parameter) in [
        ("sort=creation_time:-1", "cursor"),
        ("filter=user", "cursor"),
        ("sort=name:1", "cursor"),
        ("page=2", "page"),
    ] {
        let answer = list(&roster, &format!("{query}&cursor={cursor}")).await;
        let detail = answer.expect(400).body["detail"].clone();
        let start = format!("The query parameter {parameter} must ");
        assert!(detail.as_str().unwrap().starts_with(&start), "{detail}");
    }
    for wrong in ["", "x", "%20", &cursor[1..], &format!("{cursor}A")] {
        let answer = list(&roster, &format!("cursor={wrong}")).await.expect(400);
        let detail = "The query parameter cursor must be the x-next-cursor of a list.";
        assert_eq!(answer.body["detail"], detail, "{wrong}");
    }
    // Another size goes on from the same place.
    let rest = format!("size=100&cursor={cursor}");
    assert_eq!(ids(&roster, &rest).await.len(), 3);
}

#[tokio::test]
async fn pages_by_number_end_at_ten_thousand_users() {
    let roster = Roster::start().await;
    let answer = list(&roster, "page=100&size=100").await.expect(200);
    assert_eq!(answer.body, json!([]));
    for query in ["page=101&size=100", "page=1001", "page=2147483647"] {
        let answer = list(&roster, query).await.expect(400);
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("The query parameter cursor must"),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn each_filter_finds_whom_it_says() {
    let roster = Roster::start().await;
    let ada = create_at(
        &roster,
        0,
        json!({ "username": "Ada", "email": "ada@b\u{fc}cher.example" }),
    )
    .await;
    let body = json!({
        "username": "byron", "email": "Ada.Byron@example.org", "phone_number": "+441514960454",
    });
    let byron = create_at(&roster, 1, body).await;
    let grace = create_at(
        &roster,
        2,
        json!({ "email": "grace@example.org", "phone_number": "+12125552368" }),
    )
    .await;
    let disable = format!("/api/users/{}/disable", byron.as_str().unwrap());
    roster.send("POST", &disable).await.expect(200);
    let (a, b, g) = (&ada, &byron, &grace);
    let id = byron.as_str().unwrap();
    let by_id = [format!("user_id:{id}"), format!("user_id:{}*", &id[..12])];
    for (filter, wanted) in [
        ("ada", vec![a, b]),
        ("ADA", vec![a, b]),
        ("ada@", vec![a]),
        ("grace", vec![g]),
        ("b", vec![b]),
        ("%2B44", vec![b]),
        // As a form writes a plus sign that nothing encoded.
        ("+44", vec![b]),
        ("zoe", vec![]),
        ("email:ada.byron@EXAMPLE.org", vec![b]),
        ("email:ada@xn--bcher-kva.example", vec![a]),
        ("email:ada*", vec![a, b]),
        ("email:ada.byron@ex*", vec![b]),
        ("email:nobody", vec![]),
        ("username:ADA", vec![a]),
        ("username:by*", vec![b]),
        ("phone:%2B44%20151%20496%200454", vec![b]),
        ("phone:+441514960454", vec![b]),
        ("phone:%2B12*", vec![g]),
        (&by_id[0], vec![b]),
        (&by_id[1], vec![b]),
        ("domain:example.org", vec![b, g]),
        ("domain:B%C3%9CCHER.example", vec![a]),
        ("domain:example.com", vec![]),
        ("disabled:true", vec![b]),
        ("disabled:true%20AND%20grace", vec![]),
        ("domain:example.org%20AND%20disabled:false", vec![g]),
        ("ada%20AND%20disabled:true%20AND%20phone:%2B44*", vec![b]),
        ("ada%20AND%20domain:example.org", vec![b]),
        ("", vec![a, b, g]),
    ] {
        let answer = list(&roster, &format!("filter={filter}")).await.expect(200);
        let found: Vec<_> = answer.each("user_id");
        assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{filter}");
        assert_eq!(answer.pagination()["total_count"], wanted.len(), "{filter}");
    }
}

#[tokio::test]
async fn a_filter_follows_its_users() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let count = async |filter: &str| ids(&roster, &format!("filter={filter}")).await.len();
    let change = async |method: &str, rest: &str, body: Value| {
        let path = format!("{path}{rest}");
        roster.send_json(method, &path, body).await.expect(200)
    };
    assert_eq!(count("username:grace").await, 1);
    change("PUT", "/username", json!({ "username": "hopper" })).await;
    assert_eq!(count("username:gr*").await, 0);
    assert_eq!(count("hopper").await, 1);
    for _ in 0..2 {
        change("POST", "/disable", json!({})).await;
        assert_eq!(count("disabled:true").await, 1);
        change("POST", "/enable", json!({})).await;
        assert_eq!(count("disabled:true").await, 0);
    }
    change("POST", "/disable", json!({})).await;
    roster.send("DELETE", &path).await.expect(204);
    for filter in ["hopper", "disabled:true", "user_id:*"] {
        let answer = list(&roster, &format!("filter={filter}")).await;
        assert!(answer.status == 400 || answer.body == json!([]), "{filter}");
    }
}

#[tokio::test]
async fn a_filter_that_no_index_finds_is_told_what_works() {
    let roster = Roster::start().await;
    for (filter, works) in [
        ("ada%20OR%20grace", "AND alone"),
        ("NOT%20hunter2", "AND alone"),
        ("(hunter2)", "AND alone"),
        ("name:hunter2", "email:, username:, phone:, user_id:"),
        ("email:", "email:ada@example.com"),
        ("hunter2*", "a word without a field is a start already"),
        ("phone:%2B4*", "three characters"),
        ("domain:hunter2", "domain:example.com"),
        ("disabled:false", "another term beside disabled:false"),
        ("disabled:hunter2", "disabled:true or disabled:false"),
    ] {
        let answer = list(&roster, &format!("filter={filter}")).await.expect(400);
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("The query parameter filter must be ") && detail.contains(works),
            "{detail}"
        );
        assert!(!detail.contains("hunter2"), "{detail}");
    }
}

#[tokio::test]
async fn a_filtered_list_has_pages_and_cursors_too() {
    let roster = Roster::start().await;
    let mut wanted = Vec::new();
    for (n, id) in several(&roster, 12).await.into_iter().enumerate() {
        if n % 2 == 0 {
            let path = format!("/api/users/{}/disable", id.as_str().unwrap());
            roster.send("POST", &path).await.expect(200);
            wanted.push(id);
        }
    }
    let both = "username:user*%20AND%20disabled:true";
    for filter in ["disabled:true", both] {
        let query = format!("filter={filter}&size=4");
        assert_eq!(walk(&roster, &query).await, wanted, "{filter}");
        let down = format!("{query}&sort=creation_time:-1");
        assert_eq!(walk(&roster, &down).await, reversed(wanted.clone()));
        let page = list(&roster, &format!("{query}&page=2")).await.expect(200);
        assert_eq!(page.each("user_id"), wanted[4..]);
        let pagination = json!({
            "page_size": 4, "current_page": 2, "total_count": 6,
            "has_previous": true, "has_next": false,
        });
        assert_eq!(page.pagination(), pagination, "{filter}");
    }
}

#[tokio::test]
async fn a_list_can_be_sorted_by_each_of_its_fields() {
    let roster = Roster::start().await;
    // The second has everything twice as large as the first, the third nothing.
    let mut ids_in_order = Vec::new();
    for (n, (name, size)) in [("ada", 1_u32), ("Byron", 2), ("", 0)]
        .into_iter()
        .enumerate()
    {
        let body = json!({ "username": format!("user{n}") });
        let id = create_at(&roster, 0, body).await;
        let then = Timestamp::from_unix(i64::from(size) * 1000);
        let time = (size > 0).then_some(then);
        let claims = if name.is_empty() {
            JsonObject::empty()
        } else {
            let members = ["name", "given_name", "middle_name", "family_name"];
            let members: serde_json::Map<_, _> = members
                .into_iter()
                .map(|member| (member.to_owned(), name.into()))
                .collect();
            JsonObject::parse(&Value::from(members).to_string()).unwrap()
        };
        let change = |user: &mut UserFacts| {
            user.claims = claims.clone();
            user.sign_ins.failures = size.into();
            user.sign_ins.attempts = size.into();
            user.sign_ins.successes = size.into();
            user.sign_ins.block_until = time;
            user.sign_ins.last_attempt = time;
            user.sign_ins.last_success = time;
            user.sign_ins.last_activity = time;
        };
        // The time of the edit is `last_updated`.
        let editor = roster.later(SECOND * size).await;
        editor.edit(id.as_str().unwrap(), change).await;
        ids_in_order.push(id);
    }
    // What is absent is before all that is there.
    ids_in_order.rotate_right(1);
    for (field, _) in UserField::ALL {
        if *field == "creation_time" {
            continue;
        }
        for filter in ["", "&filter=user", "&filter=user%20AND%20disabled:false"] {
            let up = ids(&roster, &format!("sort={field}:1{filter}")).await;
            assert_eq!(up, ids_in_order, "{field} {filter}");
            let down = ids(&roster, &format!("sort={field}:-1{filter}")).await;
            assert_eq!(down, reversed(ids_in_order.clone()), "{field} {filter}");
        }
    }
    let page = list(&roster, "sort=name:1&page=2&size=2").await.expect(200);
    assert_eq!(page.each("user_id"), ids_in_order[2..]);
    let pagination = json!({
        "page_size": 2, "current_page": 2, "total_count": 3,
        "has_previous": true, "has_next": false,
    });
    assert_eq!(page.pagination(), pagination);
    // Such a list has pages by number alone.
    let first = list(&roster, "sort=name:1&size=2").await.expect(200);
    assert_eq!(first.header("x-next-cursor"), None);
}

#[tokio::test]
async fn users_who_are_alike_in_an_order_follow_their_ids() {
    let roster = Roster::start().await;
    let mut created = several(&roster, 5).await;
    created.sort_by_key(|id| id.as_str().unwrap().to_owned());
    for direction in ["1", "-1"] {
        let alike = format!("sort=name:{direction}");
        assert_eq!(ids(&roster, &alike).await, created);
    }
}

#[tokio::test]
async fn a_page_over_five_megabytes_is_refused_and_a_smaller_one_is_not() {
    let roster = Roster::start().await;
    let claims = json!({ "name": "x".repeat(60_000) }).to_string();
    let claims = JsonObject::parse(&claims).unwrap();
    for n in 0..90 {
        let path = roster
            .create(json!({ "username": format!("user{n}") }))
            .await;
        let (_, id) = path.rsplit_once('/').unwrap();
        roster.edit(id, |user| user.claims = claims.clone()).await;
    }
    let answer = list(&roster, "size=100").await.expect(400);
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("The query parameter size must"),
        "{detail}"
    );
    assert_eq!(ids(&roster, "size=80").await.len(), 80);
}
