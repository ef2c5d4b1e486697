//! The check of the whole table: what it names, what it mends, and what it leaves.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::sample;
use futures_util::future::{join, join_all};
use macro_rules_attribute::apply;
use serde_json::json;
use store::{Checks, Counted, Fault, Item, Key, Mended, Scan, Table};
use tokio::time::Instant;

use crate::harness::Roster;

/// The check of a directory.
struct Check<'a> {
    roster: &'a Roster,
    checks: Checks,
    scan: Scan,
}

impl<'a> Check<'a> {
    fn of(roster: &'a Roster) -> Self {
        let table = Table::at(roster.settings());
        Self {
            roster,
            checks: Checks::new(table.clone()),
            scan: Scan::new(table, 2),
        }
    }

    /// The items of the whole table with which something may be wrong, and what is counted.
    async fn pass(&self) -> (Vec<Key>, Counted) {
        let (mut suspects, mut counted) = (Vec::new(), Counted::default());
        let mut places = self.scan.places();
        while let Some(place) = places.pop() {
            let page = self.checks.page(&self.scan, &place, self.roster.now);
            let page = page.await.unwrap();
            suspects.extend(page.suspects);
            counted.add(page.counted);
            places.extend(page.next);
        }
        (suspects, counted)
    }

    async fn look(&self, keys: &[Key]) -> Vec<(Key, Fault)> {
        let mut found = Vec::new();
        for key in keys {
            let faults = self.checks.look(key, self.roster.now).await.unwrap();
            found.extend(faults.into_iter().map(|fault| (key.clone(), fault)));
        }
        found
    }

    async fn faults(&self) -> Vec<(Key, Fault)> {
        self.look(&self.pass().await.0).await
    }

    /// What is wrong, in words and in their order.
    async fn words(&self) -> Vec<String> {
        let faults = self.faults().await;
        let mut words: Vec<_> = faults.iter().map(|(_, fault)| fault.to_string()).collect();
        words.sort();
        words
    }

    async fn mend(&self, (key, fault): &(Key, Fault)) -> Mended {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mended = self.checks.mend(key, fault, self.roster.now, deadline);
        mended.await.unwrap()
    }

    /// Mends all, first what is too much, and looks whether nothing is left.
    async fn mend_all(&self) {
        let mut faults = self.faults().await;
        faults.sort_by_key(|(_, fault)| !fault.is_orphan());
        for fault in &faults {
            assert_eq!(self.mend(fault).await, Mended::Done, "{}", fault.1);
        }
        assert_eq!(self.words().await, [""; 0]);
        self.roster.table.check_invariants().await;
    }
}

/// A directory with all kinds of items: the paths of a user and of a group that the user is in.
async fn furnish(roster: &Roster) -> (String, String) {
    let group = roster.group_named("Staff").await;
    let user = roster
        .create(json!({
            "username": "grace",
            "email": "grace@example.org",
            "email_verified": true,
            "phone_number": "+441514960453",
            "password": sample::PASSWORD,
            "is_temporary_password": false,
        }))
        .await;
    roster.assign(&user, &group).await;
    let person = roster.sign_in("grace", sample::PASSWORD).await;
    person.add_email("hopper@example.org").await.expect(200);
    roster.deliver().await;
    (user, group)
}

fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// The item with this key.
async fn item(roster: &Roster, partition: &str, sort: &str) -> Item {
    let mut items = roster.table.items().await;
    let key = (partition.to_owned(), sort.to_owned());
    items.remove(&key).unwrap_or_else(|| panic!("{key:?}"))
}

/// The only key whose partition and sort key start so.
async fn key(roster: &Roster, partition: &str, sort: &str) -> (String, String) {
    let items = roster.table.items().await.into_keys();
    let mut keys = items.filter(|(pk, sk)| pk.starts_with(partition) && sk.starts_with(sort));
    keys.next().unwrap()
}

#[apply(on_both_stores)]
async fn a_directory_that_was_only_changed_by_calls_has_no_faults(roster: Roster) {
    let (user, group) = furnish(&roster).await;
    let other = roster.create(json!({ "username": "ada" })).await;
    roster.assign(&other, &group).await;
    let check = Check::of(&roster);
    assert_eq!(check.pass().await.0, []);
    for path in [&user, &group] {
        roster.send("DELETE", path).await.expect(204);
    }
    roster.deliver().await;
    let (suspects, counted) = check.pass().await;
    assert_eq!((suspects, counted.users()), (vec![], 1));
}

#[apply(on_both_stores)]
async fn all_that_a_lost_user_leaves_behind_is_named_and_goes(roster: Roster) {
    let (user, group) = furnish(&roster).await;
    let partition = format!("USER#{}", id(&user));
    roster.table.delete(&partition, "USER").await;
    let check = Check::of(&roster);
    let words = check.words().await;
    let (user_id, group_id) = (id(&user), id(&group));
    for wanted in [
        format!(
            "the e-mail address grace@example.org is reserved for {user_id}, who does not have it"
        ),
        format!("the phone number +441514960453 is reserved for {user_id}, who does not have it"),
        format!("the username grace is reserved for {user_id}, who does not have it"),
        format!("user {user_id}: is a member of group {group_id} from before the user was deleted"),
    ] {
        assert!(words.contains(&wanted), "{wanted}: {words:#?}");
    }
    for kind in [
        "SESSION#",
        "DEVICE#",
        "USER#PENDING_EMAIL#",
        "NOTIFICATION#",
    ] {
        let start = format!("{partition} {kind}");
        let is_named = words.iter().any(|it| it.starts_with(&start));
        assert!(is_named, "{kind}: {words:#?}");
    }
    check.mend_all().await;
    roster.deliver().await;
    let items = roster.table.items_without_log().await.into_keys();
    let left: Vec<_> = items.filter(|(pk, _)| *pk == partition).collect();
    assert_eq!(left, []);
    roster.create(json!({ "username": "grace" })).await;
    let shown = roster.send("GET", &group).await;
    assert_eq!(shown.body["users_assigned"], 0);
}

#[apply(on_both_stores)]
async fn all_that_a_lost_group_leaves_behind_is_named_and_goes(roster: Roster) {
    let (user, group) = furnish(&roster).await;
    roster
        .table
        .delete(&format!("GROUP#{}", id(&group)), "GROUP")
        .await;
    let check = Check::of(&roster);
    let words = check.words().await;
    let (user_id, group_id) = (id(&user), id(&group));
    for wanted in [
        format!("the group name staff is reserved for {group_id}, which does not have it"),
        format!("USER#{user_id} GROUP#{group_id}: its group is not there"),
    ] {
        assert!(words.contains(&wanted), "{wanted}: {words:#?}");
    }
    let counter = format!("GROUP#{group_id} COUNTER#");
    assert!(
        words.iter().any(|it| it.starts_with(&counter)),
        "{words:#?}"
    );
    check.mend_all().await;
    roster.group_named("Staff").await;
}

#[apply(on_both_stores)]
async fn what_is_missing_is_named_and_put_in_its_place(roster: Roster) {
    let (user, group) = furnish(&roster).await;
    let (user_id, group_id) = (id(&user), id(&group));
    let partition = format!("USER#{user_id}");
    roster.table.delete("USERNAME#grace", "RESERVATION").await;
    roster.table.delete("GROUP_NAME#staff", "RESERVATION").await;
    let (shard, member) = key(&roster, &format!("GROUP#{group_id}#"), "MEMBER#").await;
    roster.table.delete(&shard, &member).await;
    let mut email = item(&roster, "EMAIL#grace@example.org", "RESERVATION").await;
    email.remove("domain");
    roster.table.put(email).await;
    let mut phone = item(&roster, "PHONE#+441514960453", "RESERVATION").await;
    let wrong = AttributeValue::S("00000000-0000-7000-8000-000000000000".to_owned());
    phone.insert("identifier_id".to_owned(), wrong);
    roster.table.put(phone).await;
    let mut own = item(&roster, &partition, "USER").await;
    own.remove("prefix");
    roster.table.put(own).await;

    let check = Check::of(&roster);
    let mut wanted = [
        format!("user {user_id}: the username grace is not reserved"),
        format!(
            "user {user_id}: the reservation of the e-mail address grace@example.org is not whole"
        ),
        format!("user {user_id}: the reservation of the phone number +441514960453 is not whole"),
        format!("user {user_id}: is missing from an index, or in one too many"),
        format!("user {user_id}: is a member of group {group_id}, and missing from its list"),
        format!("group {group_id}: its name is not reserved, or not as a whole"),
    ];
    wanted.sort();
    assert_eq!(check.words().await, wanted);
    let before = roster.send("GET", &user).await;
    check.mend_all().await;

    let after = roster.send("GET", &user).await;
    assert_eq!(after.body, before.body);
    assert_eq!(after.version(), before.version());
    for filter in [
        "domain:example.org".to_owned(),
        "username:gra*".to_owned(),
        format!("user_id:{}*", &user_id[..6]),
    ] {
        let path = format!("/api/users?filter={filter}");
        let found = roster.send("GET", &path).await.expect(200);
        assert_eq!(found.each("user_id"), [json!(user_id)], "{filter}");
    }
    let path = format!("/api/users/groups/{group_id}/assigned");
    let found = roster.send("GET", &path).await.expect(200);
    assert_eq!(found.each("user_id"), [json!(user_id)]);
    let taken = json!({ "username": "Grace" });
    roster
        .send_json("POST", "/api/users", taken)
        .await
        .expect(422);
}

#[tokio::test]
async fn a_member_who_does_not_know_of_the_group_leaves_it() {
    let roster = Roster::start().await;
    let (user, group) = furnish(&roster).await;
    let place = format!("GROUP#{}", id(&group));
    roster
        .table
        .delete(&format!("USER#{}", id(&user)), &place)
        .await;
    let check = Check::of(&roster);
    let words = format!(
        "user {}: is in the list of group {}, and no member of it",
        id(&user),
        id(&group)
    );
    assert_eq!(check.words().await, [words]);
    check.mend_all().await;
}

#[tokio::test]
async fn what_is_left_in_a_group_of_an_earlier_user_with_the_same_id_goes() {
    let roster = Roster::start().await;
    let (user, group) = furnish(&roster).await;
    let (place, member) = key(&roster, &format!("GROUP#{}#", id(&group)), "MEMBER#").await;
    let mut stale = item(&roster, &place, &member).await;
    let sort = format!("000000000001#{}", id(&user));
    stale.insert("SK".to_owned(), AttributeValue::S(format!("MEMBER#{sort}")));
    stale.insert("list_sort".to_owned(), AttributeValue::S(sort));
    stale.insert("born".to_owned(), AttributeValue::N("1".to_owned()));
    roster.table.put(stale).await;
    roster.deliver().await;
    let shown = roster.send("GET", &group).await;
    assert_eq!(shown.body["users_assigned"], 2);
    let check = Check::of(&roster);
    check.mend_all().await;
    roster.deliver().await;
    let shown = roster.send("GET", &group).await;
    assert_eq!(shown.body["users_assigned"], 1);

    // The same in the place of the user's own.
    let mut replaced = item(&roster, &place, &member).await;
    replaced.insert("born".to_owned(), AttributeValue::N("1".to_owned()));
    roster.table.put(replaced).await;
    check.mend_all().await;
    let path = format!("/api/users/groups/{}/assigned", id(&group));
    let found = roster.send("GET", &path).await.expect(200);
    assert_eq!(found.each("user_id"), [json!(id(&user))]);
}

#[tokio::test]
async fn the_end_of_a_group_that_has_stopped_goes_on() {
    let roster = Roster::start().await;
    let (_, group) = furnish(&roster).await;
    roster.send("DELETE", &group).await.expect(204);
    // The stream forgets the order, as when it is off for a day.
    let order = key(&roster, "GROUP#", "DELETION").await;
    let order = item(&roster, &order.0, &order.1).await;
    roster.deliver().await;
    roster.table.put(order.clone()).await;
    let order_is_lost = roster.also(roster.now, &[]).await;
    order_is_lost.send_notifications().await;
    let check = Check::of(&roster);
    let words = format!(
        "group {}: was deleted; the removal of its members has stopped at step 0",
        id(&group)
    );
    assert_eq!(check.words().await, [words]);
    let faults = check.faults().await;
    assert_eq!(check.mend(&faults[0]).await, Mended::Done);
    roster.deliver().await;
    assert_eq!(check.words().await, [""; 0]);
}

#[apply(on_both_stores)]
async fn an_identifier_that_another_holds_is_left_to_a_person(roster: Roster) {
    let (user, _) = furnish(&roster).await;
    let other = roster.create(json!({ "username": "ada" })).await;
    let mut own = item(&roster, &format!("USER#{}", id(&other)), "USER").await;
    let grace = item(&roster, &format!("USER#{}", id(&user)), "USER").await;
    own.insert("emails".to_owned(), grace["emails"].clone());
    roster.table.put(own).await;
    let check = Check::of(&roster);
    let words = format!(
        "user {}: the e-mail address grace@example.org is reserved for {}",
        id(&other),
        id(&user)
    );
    assert_eq!(check.words().await, [words]);
    let before = roster.table.items().await;
    let faults = check.faults().await;
    assert!(faults[0].1.needs_person());
    assert_eq!(check.mend(&faults[0]).await, Mended::NeedsPerson);
    assert_eq!(roster.table.items().await, before);

    // Where the holder is gone, the address is free for the user who has it.
    for (partition, sort) in before.keys() {
        if *partition == format!("USER#{}", id(&user)) {
            roster.table.delete(partition, sort).await;
        }
    }
    let mut faults = check.faults().await;
    faults.retain(|(_, fault)| fault.is_orphan());
    for fault in &faults {
        assert_eq!(check.mend(fault).await, Mended::Done, "{}", fault.1);
    }
    check.mend_all().await;
}

#[apply(on_both_stores)]
async fn what_has_changed_since_it_was_seen_is_left_as_it_is(roster: Roster) {
    let (user, _) = furnish(&roster).await;
    let partition = format!("USER#{}", id(&user));
    let own = item(&roster, &partition, "USER").await;
    roster.table.delete(&partition, "USER").await;
    let check = Check::of(&roster);
    let faults = check.faults().await;
    assert!(faults.len() > 6, "{faults:?}");
    roster.table.put(own).await;
    let before = roster.table.items().await;
    for fault in &faults {
        assert_eq!(check.mend(fault).await, Mended::Gone, "{}", fault.1);
    }
    assert_eq!(roster.table.items().await, before);
    assert_eq!(check.words().await, [""; 0]);
}

#[tokio::test]
async fn what_can_not_be_read_is_named_and_left() {
    let roster = Roster::start().await;
    let (user, _) = furnish(&roster).await;
    let mut own = item(&roster, &format!("USER#{}", id(&user)), "USER").await;
    own.insert("format".to_owned(), AttributeValue::N("2".to_owned()));
    roster.table.put(own).await;
    let strange = ["PK", "SK"].map(|name| {
        let value = AttributeValue::S("STRANGE#1".to_owned());
        (name.to_owned(), value)
    });
    roster.table.put(strange.into()).await;
    let check = Check::of(&roster);
    let wanted = [
        "STRANGE#1 STRANGE#1: this item can't be read".to_owned(),
        format!("USER#{} USER: this item can't be read", id(&user)),
    ];
    assert_eq!(check.words().await, wanted);
    for fault in check.faults().await {
        assert_eq!(check.mend(&fault).await, Mended::NeedsPerson);
    }
}

#[apply(on_both_stores)]
async fn wrong_numbers_of_users_are_named_and_set_right(roster: Roster) {
    let (_, group) = furnish(&roster).await;
    let check = Check::of(&roster);
    assert_eq!(check.pass().await.1.miscounts(), []);
    // As users from before the consumer of the stream that counts: none is counted.
    for (partition, sort) in roster.table.items().await.into_keys() {
        if partition.starts_with("COUNTER#") || sort.starts_with("COUNTER#") {
            roster.table.delete(&partition, &sort).await;
        }
    }
    roster.create(json!({ "username": "ada" })).await;
    roster.deliver().await;
    let miscounts = check.pass().await.1.miscounts();
    let words: Vec<_> = miscounts.iter().map(ToString::to_string).collect();
    let group_id = id(&group);
    let wanted = [
        "the directory: counted users: 1, found: 2".to_owned(),
        format!("group {group_id}: counted users: 0, found: 1"),
    ];
    assert_eq!(words, wanted);
    let deadline = Instant::now() + Duration::from_secs(10);
    // A user comes in between, so the first number is another one by now.
    roster.create(json!({ "username": "bob" })).await;
    roster.deliver().await;
    let outcomes = miscounts.iter();
    let outcomes = outcomes.map(|wrong| check.checks.recount(wrong, deadline));
    let outcomes: Vec<_> = join_all(outcomes).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes, [false, true]);
    for wrong in check.pass().await.1.miscounts() {
        assert!(check.checks.recount(&wrong, deadline).await.unwrap());
    }
    assert_eq!(check.pass().await.1.miscounts(), []);
    let list = roster.send("GET", "/api/users").await;
    assert_eq!(list.pagination()["total_count"], 3);
    let group = roster.send("GET", &group).await;
    assert_eq!(group.body["users_assigned"], 1);
}

/// Writes until the check is over: what comes and goes is reserved, assigned, released, deleted, and
/// names move from user to user.
async fn write(roster: &Roster, writer: usize, group: &str, is_over: &AtomicBool) {
    let mut round = 0;
    while !is_over.load(Ordering::Relaxed) {
        round += 1;
        // Two writers want the same name.
        let name = format!("name{}", (writer / 2 + round) % 6);
        let address = format!("w{writer}-{round}@example.org");
        let user = roster.create(json!({ "email": address })).await;
        let place = format!("{user}/groups/{}", id(group));
        roster.send("POST", &place).await.expect(201);
        let username = json!({ "username": name });
        let answer = roster
            .send_json("PUT", &format!("{user}/username"), username)
            .await;
        assert!(matches!(answer.status, 200 | 422), "{answer:?}");
        let added = json!({ "email": format!("also-{address}") });
        let added = roster
            .send_json("POST", &format!("{user}/emails"), added)
            .await
            .expect(200);
        let first = added.body["emails"][0]["id"].as_str().unwrap().to_owned();
        roster
            .send("DELETE", &format!("{user}/emails/{first}"))
            .await
            .expect(200);
        // What would hang on the deleted user is deleted by the stream, which is not read meanwhile.
        roster.send("DELETE", &place).await.expect(204);
        roster.send("DELETE", &user).await.expect(204);
    }
}

#[apply(on_both_stores)]
async fn under_eight_writers_nothing_sound_is_named_or_mended(roster: Roster) {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 6;
    let group = roster.group_named("Staff").await;
    let stays = roster.write(&sample::published()).await;
    roster.assign(&stays, &group).await;
    let (partition, sort) = key(&roster, "EMAIL#", "RESERVATION").await;
    let model = item(&roster, &partition, &sort).await;
    let check = Check::of(&roster);
    let is_over = AtomicBool::new(false);
    let checking = async {
        for round in 0..ROUNDS {
            let (mut orphan, planted) = (model.clone(), format!("EMAIL#lost{round}@example.org"));
            for (name, value) in [("PK", planted.clone()), ("owner", format!("gone{round}"))] {
                orphan.insert(name.to_owned(), AttributeValue::S(value));
            }
            roster.table.put(orphan).await;
            let once = check.faults().await;
            let keys: Vec<Key> = once.iter().map(|(key, _)| key.clone()).collect();
            let mut twice = check.look(&keys).await;
            twice.retain(|found| once.contains(found));
            let named: BTreeSet<_> = twice.iter().map(|(key, _)| key.partition.clone()).collect();
            let wanted = BTreeSet::from([planted]);
            assert_eq!(named, wanted, "{twice:?}");
            for fault in &twice {
                assert_eq!(check.mend(fault).await, Mended::Done, "{}", fault.1);
            }
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let writers = (0..WRITERS).map(|writer| write(&roster, writer, &group, &is_over));
    join(checking, join_all(writers)).await;
    roster.deliver().await;
    roster.table.check_invariants().await;
    assert_eq!(check.words().await, [""; 0]);
    let left = roster.table.items().await;
    let left = left.keys().filter(|(_, sort)| sort == "RESERVATION");
    let left: Vec<_> = left.map(|(partition, _)| partition.clone()).collect();
    let wanted = sample::published().identifiers().len() + 1;
    assert_eq!(left.len(), wanted, "{left:?}");
    let shown = roster.send("GET", &group).await;
    assert_eq!(shown.body["users_assigned"], 1);
}
