//! Ways to take over another person's account. Each is tried here.

use std::time::Duration;

use domain::account::{PendingEmail, UndoRight};
use domain::{Account, Addresses, ChangeId, Email, IdentifierId, OperationId, User, sample};
use serde_json::json;

use crate::harness::person::managed;
use crate::harness::{NOW, Roster, write_by};

const OWN: &str = "ada@example.org";
const PHONE: &str = "+441514960815";
const THIEF: &str = "thief@example.net";
const PASSWORD: &str = "a new long password";
const FORM: &str = "password=a+new+long+password";
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_stolen_session_without_the_password_moves_nothing() {
    let roster = Roster::start().await;
    // The thief has Ada's session in all requests, but not her password.
    let ada = roster.ada().await;
    let items = roster
        .accounts
        .get(roster.read_ada().await.id())
        .await
        .unwrap();
    for body in [
        json!({ "user": ada.id, "email": THIEF, "password": "" }),
        json!({ "user": ada.id, "email": THIEF, "password": "wrong horse battery" }),
        json!({ "user": ada.id, "email": THIEF }),
        json!({ "user": ada.id, "email": THIEF, "password": null }),
    ] {
        ada.post("/users/email-change/", body).await.expect(400);
    }
    let mut after = roster
        .accounts
        .get(roster.read_ada().await.id())
        .await
        .unwrap()
        .unwrap();
    let before = items.unwrap();
    assert_eq!(after.user.sign_ins().failures, 2, "guesses are counted");
    after.user = sample::changed(after.user, |user| {
        user.sign_ins = before.user.sign_ins().clone();
        user.version = before.user.version();
    });
    assert_eq!(after, before);
    assert!(roster.recipients().await.is_empty());
}

#[tokio::test]
async fn guesses_of_the_password_by_a_stolen_session_lock_as_guesses_at_the_sign_in_do() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    for guess in ["first guess", "second guess", "third guess"] {
        ada.change_email(THIEF, guess).await.expect(400);
    }
    // Two more guesses, at the sign-in.
    for guess in ["fourth guess", "fifth guess"] {
        let body = json!({ "email": OWN, "password": guess });
        roster
            .visit("POST", "/users/login/")
            .json(body)
            .send()
            .await
            .expect(401);
    }
    assert_eq!(roster.read_ada().await.sign_ins().failures, 5);
    let refusal = ada.change_email(THIEF, sample::PASSWORD).await.expect(429);
    assert_eq!(refusal.header("retry-after"), Some("900"));
    let body = json!({ "email": OWN, "password": sample::PASSWORD });
    roster
        .visit("POST", "/users/login/")
        .json(body)
        .send()
        .await
        .expect(429);
    assert!(roster.recipients().await.is_empty());
    assert_eq!(
        ada.listed().await,
        ["ada@example.org primary", "ada.byron@example.org verified"]
    );
}

#[tokio::test]
async fn the_right_guess_after_the_lock_out_is_the_sixth_request_and_one_too_many() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    for guess in 0..5 {
        ada.change_email(THIEF, &format!("guess number {guess}"))
            .await
            .expect(400);
    }
    ada.change_email(THIEF, sample::PASSWORD).await.expect(429);
    assert!(roster.recipients().await.is_empty());
}

#[tokio::test]
async fn the_victims_undo_reaches_past_all_that_the_thief_did_since() {
    let roster = Roster::start().await;
    // A thief who knows the password moves from A to B, and then to C.
    let thief = roster.ada().await;
    thief.move_to("b@example.net").await;
    let undo = roster.link_to(OWN).await;
    thief.move_to("c@example.net").await;
    thief.prove("d@example.net").await;
    thief
        .change_email("e@example.net", sample::PASSWORD)
        .await
        .expect(200);
    let e = roster.link_to("e@example.net").await;

    roster.press(&undo, FORM).await.expect(200);
    thief.get("/users/emails/").await.expect(401);
    roster.follow(&e).await.expect(400);
    for email in ["b@example.net", "c@example.net", "d@example.net", OWN] {
        let body = json!({ "email": email, "password": sample::PASSWORD });
        roster
            .visit("POST", "/users/login/")
            .json(body)
            .send()
            .await
            .expect(401);
    }
    let ada = roster.sign_in("ada", PASSWORD).await;
    assert_eq!(
        ada.listed().await,
        ["ada@example.org primary", "ada.byron@example.org verified"]
    );
    // Only the address that was primary is told, and its message has no undo link.
    roster.send_notifications().await;
    let messages = roster.outbox.messages();
    let last = messages.last().unwrap();
    assert_eq!(last.to, "c@example.net");
    assert!(!last.text.contains("/users/"), "{last:#?}");
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn many_changes_do_not_disarm_the_victims_undo() {
    let roster = Roster::start().await;
    let thief = roster.ada().await;
    thief.move_to("b@example.net").await;
    let undo = roster.link_to(OWN).await;
    pile_up(&roster).await;
    // Each right that an undo ends is a part of its transaction, and the store limits the parts.
    let refusal = thief
        .change_email("z@example.net", sample::PASSWORD)
        .await
        .expect(400);
    let detail = refusal.body["detail"].as_str().unwrap();
    assert!(detail.contains("too often"), "{detail}");
    roster.press(&undo, FORM).await.expect(200);
    let ada = roster.sign_in("ada", PASSWORD).await;
    assert_eq!(
        ada.listed().await,
        ["ada@example.org primary", "ada.byron@example.org verified"]
    );
    roster.table.check_invariants().await;

    // Rights that have lapsed don't keep the owner from changes.
    let later = roster.later(Duration::from_hours(72)).await;
    let ada = ada.at(&later);
    ada.change_email("countess@example.com", PASSWORD)
        .await
        .expect(200);
    later.follow_link_to("countess@example.com").await;
    assert_eq!(ada.listed().await[0], "countess@example.com primary");
}

#[tokio::test]
async fn a_right_that_the_thief_earned_since_is_dead_after_the_victims_undo() {
    let roster = Roster::start().await;
    let thief = roster.ada().await;
    // The address was on the profile before the change, so the victim's undo leaves it there.
    thief.prove("planted@example.net").await;
    thief.move_to("b@example.net").await;
    let undo = roster.link_to(OWN).await;
    thief
        .change_email("planted@example.net", sample::PASSWORD)
        .await
        .expect(200);
    // The state after an import has established the address; the thief can't do this.
    roster
        .edit(&thief.id, |facts| {
            *facts = managed(User::restore(facts.clone())).into();
        })
        .await;
    thief.move_to("c@example.net").await;
    let of_planted = roster.link_to("planted@example.net").await;
    assert!(of_planted.starts_with("/users/email-undo/"), "{of_planted}");
    let nonce = roster.nonce(&of_planted).await;

    roster.press(&undo, FORM).await.expect(200);
    let items = roster.table.items().await;
    roster.open(&of_planted).await.expect(400);
    roster
        .submit(&of_planted, &nonce, "password=thiefs+long+password")
        .await
        .expect(400);
    assert_eq!(roster.table.items().await, items);
    roster.login("ada", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn an_undo_takes_no_older_right_of_another_address_away() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.change_email("ada.byron@example.org", sample::PASSWORD)
        .await
        .expect(200);
    let first = roster.link_to(OWN).await;
    // The state after an import has established the address.
    roster
        .edit(&ada.id, |facts| {
            *facts = managed(User::restore(facts.clone())).into();
        })
        .await;
    ada.move_to("b@example.net").await;
    let second = roster.link_to("ada.byron@example.org").await;
    roster.press(&second, FORM).await.expect(200);
    roster
        .press(&first, "password=yet+another+password")
        .await
        .expect(200);
    let ada = roster.sign_in("ada", "yet another password").await;
    assert_eq!(ada.listed().await[0], "ada@example.org primary");
}

#[tokio::test]
async fn an_sms_link_gives_a_thief_of_the_phone_no_unproved_address() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.change_email(THIEF, sample::PASSWORD).await.expect(200);
    let changing = roster.link_to(PHONE).await;
    ada.add_email("other@example.net").await.expect(200);
    let adding = roster.link_to(PHONE).await;
    let acting = roster.also(NOW.plus(SECOND), &[("LinkGet", "act")]).await;
    let items = roster.table.items().await;
    for link in [&changing, &adding] {
        for roster in [&roster, &acting] {
            roster.follow(link).await.expect(400);
            roster.open(link).await;
        }
        for form in [
            "",
            "action=confirm",
            "action=verify",
            "email=thief%40example.net",
        ] {
            roster.press(link, form).await.expect(400);
        }
        // The link is not valid for the other purpose either.
        let other = if link.contains("email-verify") {
            "email-set-primary"
        } else {
            "email-verify"
        };
        let name = link.split('/').nth(2).unwrap();
        roster.follow(&link.replace(name, other)).await.expect(400);
    }
    assert_eq!(roster.table.items().await, items);
}

#[tokio::test]
async fn an_address_that_is_not_verified_gets_no_undo_link_and_can_use_none() {
    let roster = Roster::start().await;
    // There is no right, because the address never was the primary one.
    let body = json!({
        "username": "grace", "email": THIEF, "email_verified": false,
        "password": sample::PASSWORD, "is_temporary_password": false,
    });
    roster.create(body).await;
    let grace = roster.sign_in("grace", sample::PASSWORD).await;
    grace.move_to("grace@example.org").await;
    assert_eq!(roster.recipients().await, ["grace@example.org"]);
    let items = roster.table.items().await;
    assert!(
        items
            .keys()
            .all(|(_, sort)| !sort.starts_with("USER#EMAIL_CHANGE#"))
    );

    // There is no working right, because the management API has marked the address as not proved since.
    let ada = roster.ada().await;
    ada.move_to("countess@example.com").await;
    let undo = roster.link_to(OWN).await;
    let nonce = roster.nonce(&undo).await;
    let old = ada.email_path(OWN).await;
    roster
        .send("POST", &format!("{old}/unverify"))
        .await
        .expect(200);
    let items = roster.table.items().await;
    roster.open(&undo).await.expect(400);
    roster.submit(&undo, &nonce, FORM).await.expect(400);
    assert_eq!(roster.table.items().await, items);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_lock_out_by_strangers_leaves_the_user_signed_in() {
    let roster = Roster::start().await;
    let limits = [("PairFailureLimit", "2"), ("AccountFailureLimit", "4")];
    let roster = roster.also(NOW.plus(SECOND), &limits).await;
    let ada = roster.ada().await;
    // The guesses come from several IP addresses, so that the account's limit is reached before a
    // pair's.
    let sign_in = |password: &str, from: &str| {
        let body = json!({ "username": "ada", "password": password });
        roster
            .visit("POST", "/users/login/")
            .json(body)
            .from(from)
            .send()
    };
    for stranger in ["127.0.0.2", "127.0.0.3"] {
        for guess in ["first guess", "second guess"] {
            sign_in(guess, stranger).await.expect(401);
        }
    }
    let until = NOW.plus(SECOND).plus(Duration::from_mins(15));
    assert_eq!(roster.read_ada().await.sign_ins().block_until, Some(until));
    sign_in(sample::PASSWORD, "127.0.0.4").await.expect(401);

    // Ada's session lives. From her own device she can sign in and make changes.
    assert_eq!(ada.listed().await[0], "ada@example.org primary");
    ada.change_email_at_home("countess@example.com", sample::PASSWORD)
        .await
        .expect(200);
    roster.follow_link_to("countess@example.com").await;
    let answer = roster.login_by(&ada.device, "ada", sample::PASSWORD).await;
    answer.expect(200);
}

#[tokio::test]
async fn a_stolen_session_adds_and_proves_an_address_and_cannot_make_it_primary() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email(THIEF).await.expect(200);
    let own = roster.link_to(THIEF).await;
    roster.press(&own, "").await.expect(200);
    assert_eq!(
        ada.listed().await,
        [
            "ada@example.org primary",
            "thief@example.net verified",
            "ada.byron@example.org verified",
        ]
    );
    // The links that could do it go to Ada. The thief's mailbox has only the link that proved its
    // address.
    assert_eq!(
        roster.recipients_after(2).await,
        [PHONE, "ada.byron@example.org", OWN]
    );
    let forged = own.replace("email-verify", "email-set-primary");
    roster.follow(&forged).await.expect(400);
    roster.open(&forged).await.expect(400);
    ada.change_email(THIEF, "guess").await.expect(400);
    ada.add_email(THIEF).await.expect(400);
    let id = ada.email_id(OWN).await;
    ada.delete(&format!("/users/emails/{id}/"))
        .await
        .expect(400);
    assert_eq!(ada.listed().await[0], "ada@example.org primary");
    assert_eq!(roster.recipients().await.len(), 5);

    // Ada can make all of this worthless.
    let id = ada.email_id(THIEF).await;
    let proposed = roster.link_to(OWN).await;
    ada.delete(&format!("/users/emails/{id}/"))
        .await
        .expect(204);
    roster.follow(&proposed).await.expect(400);
}

/// All items that a thief can make for Ada in the end, beyond the limits of an hour.
async fn pile_up(roster: &Roster) {
    let ada = roster.read_ada().await;
    let write = write_by(OperationId::of(&[b"pile up"]), NOW);
    let id = |n: usize| IdentifierId::issue(NOW, [u8::try_from(n).unwrap(); 10]);
    let email = |n: usize| Email::parse(&format!("a{n}@example.net")).unwrap();
    let pile_up = |account: &mut Account| {
        let old = account.user.emails().primary().unwrap().id;
        while account.user.emails().len() < Addresses::<Email>::MAX {
            let n = account.user.emails().len();
            account.user.prove_email(id(n), email(n))?;
        }
        account.user = managed(account.user.clone());
        while account.rights.len() < Account::MAX_RIGHTS {
            account.user = sample::changed(account.user.clone(), |user| {
                user.email_generation = user.email_generation.next();
            });
            let right = UndoRight {
                email: old,
                kept: account.user.emails().ids().collect(),
                made_in: account.user.email_generation(),
                base: account.user.right_base(old).unwrap(),
                expires_at: NOW.plus(Duration::from_hours(72)),
                is_used: false,
            };
            account.rights.insert(
                ChangeId::stored(format!("c{}", account.rights.len())),
                right,
            );
        }
        for n in 100..100 + Account::MAX_PENDING {
            let pending = PendingEmail {
                email: email(n),
                generation: account.user.email_generation(),
                expires_at: NOW.plus(Duration::from_hours(72)),
            };
            account.pending.insert(id(n), pending);
        }
        Ok(())
    };
    roster
        .accounts
        .edit(ada.id(), &write, pile_up)
        .await
        .unwrap();
}
