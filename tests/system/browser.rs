//! What people see, in Chromium: mails, the pages behind their links, and the buttons.

use domain::sample;
use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::{Fault, Roster};

const NEW_PASSWORD: &str = "a quiet morning in march";

/// Opens a message of the outbox, as a mail reader on another site would show it.
async fn read(browser: &Browser, roster: &Roster, subject: &str) {
    roster.send_notifications().await;
    let site = roster.base.replace("127.0.0.1", "localhost");
    browser.open(&format!("{site}/_local/outbox")).await;
    browser.sees("Outbox").await;
    browser.click(subject).await;
}

/// The URL of a link's page.
fn url(roster: &Roster, link: &str) -> String {
    format!("{}{link}", roster.base)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(chromium), ignore = "needs Chromium and its driver")]
async fn a_person_changes_their_address_and_undoes_it() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let browser = Browser::start().await;
    ada.change_email("ada@example.com", sample::PASSWORD)
        .await
        .expect(200);

    roster.send_notifications().await;
    browser.open(&url(&roster, "/_local/outbox")).await;
    let sms = roster
        .outbox
        .messages()
        .into_iter()
        .find(|sent| sent.subject.is_none());
    for entry in [
        "Confirm your new e-mail address",
        &format!("SMS {}", sms.unwrap().id),
    ] {
        browser.find_button(entry).await;
    }
    read(&browser, &roster, "Confirm your new e-mail address").await;
    browser.sees("Is this your new e-mail address?").await;
    browser.press("Confirm my new address").await;
    browser.sees("Change your main e-mail address?").await;
    assert_eq!(ada.emails().await[0].0, "ada@example.org");
    browser.press("Yes, make it my main address").await;
    browser.sees("Your main e-mail address is set").await;
    let primary = ("ada@example.com".to_owned(), true, true);
    assert_eq!(ada.emails().await[0], primary);

    read(&browser, &roster, "Your main e-mail address was changed").await;
    browser.sees("Your main e-mail address was changed").await;
    browser.press("Undo this change").await;
    let form = "Undo the change of your e-mail address";
    browser.sees(form).await;
    browser.type_into("New password", "password123").await;
    browser.press("Undo the change").await;
    let error = browser.text_of("[role=alert]").await;
    assert!(error.contains("Nothing has changed yet"), "{error}");
    browser.sees(form).await;
    assert_eq!(ada.emails().await[0], primary);
    browser.type_into("New password", NEW_PASSWORD).await;
    browser.press("Undo the change").await;
    browser.sees("The change is undone").await;
    // From now on the browser is her own device, so strangers can't lock it out.
    let cookie = serde_json::to_value(browser.cookie("__Host-device").await).unwrap();
    for (member, value) in [
        ("sameSite", json!("Strict")),
        ("httpOnly", true.into()),
        ("secure", true.into()),
    ] {
        assert_eq!(cookie[member], value);
    }
    let device = cookie["value"].as_str().unwrap();
    let answer = roster
        .login_by(device, "ada", NEW_PASSWORD)
        .await
        .expect(200);
    assert_eq!(answer.device().as_deref(), Some(device));

    ada.get("/users/emails/").await.expect(401);
    roster.login("ada", sample::PASSWORD).await.expect(401);
    let ada = roster.sign_in("ada", NEW_PASSWORD).await;
    assert_eq!(ada.emails().await[0].0, "ada@example.org");

    let undo = roster.link_to("ada@example.org").await;
    browser.open(&url(&roster, &undo)).await;
    browser.sees("This was done already").await;
    read(&browser, &roster, "A change of e-mail address was undone").await;
    browser.sees("A change of e-mail address was undone").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(chromium), ignore = "needs Chromium and its driver")]
async fn a_person_adds_an_address_and_makes_it_the_main_one_later() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let browser = Browser::start().await;
    ada.add_email("ada@example.com").await.expect(200);

    read(&browser, &roster, "Confirm your e-mail address").await;
    browser.sees("Is this your e-mail address?").await;
    browser.click("Confirm my address").await;
    browser.sees("Is this your e-mail address?").await;
    browser.click("Yes, add this address").await;
    browser.sees("Your e-mail address is confirmed").await;
    let added = |primary| ("ada@example.com".to_owned(), true, primary);
    assert!(ada.emails().await.contains(&added(false)));

    read(
        &browser,
        &roster,
        "An e-mail address was added to your account",
    )
    .await;
    browser
        .sees("An e-mail address was added to your account")
        .await;
    browser.click("Make it my main address").await;
    browser.sees("Change your main e-mail address?").await;
    browser.click("Yes, make it my main address").await;
    browser.sees("Your main e-mail address is set").await;
    assert_eq!(ada.emails().await[0], added(true));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(chromium), ignore = "needs Chromium and its driver")]
async fn the_page_of_an_sms_says_which_mail_to_open_and_cancels_the_change() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let browser = Browser::start().await;
    ada.change_email("ada@example.com", sample::PASSWORD)
        .await
        .expect(200);
    let mailed = roster.link_to("ada@example.com").await;
    let texted = roster.link_to("+441514960815").await;

    let messages = roster.outbox.messages();
    let sms = messages.iter().find(|message| message.subject.is_none());
    read(&browser, &roster, &format!("SMS {}", sms.unwrap().id)).await;
    browser.sees("SMS").await;
    browser.press(&url(&roster, &texted)).await;
    browser.sees("A new e-mail address is waiting").await;
    assert_eq!(browser.text_of("main p strong").await, "ada@example.com");
    browser.press("Cancel this change").await;
    browser.sees("The change is cancelled").await;

    let cancelled = |email: &(String, bool, bool)| email.0 != "ada@example.com";
    assert!(ada.emails().await.iter().all(cancelled));
    browser.open(&url(&roster, &mailed)).await;
    browser.sees("This link is not valid").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(chromium), ignore = "needs Chromium and its driver")]
async fn a_button_without_its_pages_cookie_changes_nothing_and_says_how_to_go_on() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let browser = Browser::start().await;
    ada.change_email("ada@example.com", sample::PASSWORD)
        .await
        .expect(200);
    let link = roster.link_to("ada@example.com").await;
    let before = roster.table.items().await;

    browser.open(&url(&roster, &link)).await;
    browser.sees("Change your main e-mail address?").await;
    let nonce = serde_json::to_value(browser.cookie("linknonce").await).unwrap();
    assert_eq!(
        (&nonce["httpOnly"], &nonce["secure"], &nonce["sameSite"]),
        (&json!(true), &json!(true), &json!("Strict")),
    );
    assert_eq!(nonce["path"], json!(link.trim_end_matches('/')));
    browser.forget_cookies().await;
    browser.press("Yes, make it my main address").await;
    browser.sees("Please open the link again").await;
    assert_eq!(roster.table.items().await, before);

    browser.open(&url(&roster, &link)).await;
    browser.sees("Change your main e-mail address?").await;
    browser.press("Yes, make it my main address").await;
    browser.sees("Your main e-mail address is set").await;
    browser.close().await;
}

/// Bob has tried to sign in with a password that must be changed first.
async fn bob_must_change_his_password(roster: &Roster) {
    roster
        .create(json!({
            "username": "bob", "email": "bob@example.org", "email_verified": true,
            "password": sample::PASSWORD, "is_temporary_password": true,
        }))
        .await;
    roster.login("bob", sample::PASSWORD).await.expect(403);
}

/// Opens a link without keeping its cookie, and presses the button: nothing happens.
async fn press_without_cookie(browser: &Browser, roster: &Roster, link: &str, button: &str) {
    let before = roster.table.items().await;
    browser.open(&url(roster, link)).await;
    browser.find_button(button).await;
    browser.forget_cookies().await;
    if link.contains("email-undo") || link.contains("password-reset") {
        browser.type_into("New password", NEW_PASSWORD).await;
    }
    browser.press(button).await;
    browser.sees("Please open the link again").await;
    assert_eq!(roster.table.items().await, before, "{link}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(chromium), ignore = "needs Chromium and its driver")]
async fn a_scanner_that_opens_every_link_and_presses_every_button_without_cookies_changes_nothing()
{
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let browser = Browser::start().await;
    ada.move_to("first@example.com").await;
    let undo = roster.link_to("ada@example.org").await;
    ada.change_email("second@example.com", sample::PASSWORD)
        .await
        .expect(200);
    let (change, texted) = (
        roster.link_to("second@example.com").await,
        roster.link_to("+441514960815").await,
    );
    ada.add_email("third@example.com").await.expect(200);
    let add = roster.link_to("third@example.com").await;
    bob_must_change_his_password(&roster).await;
    let reset = roster.link_to("bob@example.org").await;
    for (link, button) in [
        (change, "Yes, make it my main address"),
        (texted, "Cancel this change"),
        (add, "Yes, add this address"),
        (undo, "Undo the change"),
        (reset, "Set the new password"),
    ] {
        press_without_cookie(&browser, &roster, &link, button).await;
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(chromium), ignore = "needs Chromium and its driver")]
async fn a_link_that_cannot_do_its_work_says_so() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let browser = Browser::start().await;
    ada.change_email("shared@example.com", sample::PASSWORD)
        .await
        .expect(200);
    let ours = roster.link_to("shared@example.com").await;

    browser
        .open(&url(&roster, &ours.replacen('.', "", 1)))
        .await;
    browser.sees("This link is not valid").await;

    roster.faults.plan(0, usize::MAX, Fault::Refuse);
    browser.open(&url(&roster, &ours)).await;
    browser.sees("We cannot do this just now").await;
    roster.faults.clear();

    let bob = roster.person("bob").await;
    bob.change_email("shared@example.com", sample::PASSWORD)
        .await
        .expect(200);
    let theirs = roster.link_to("shared@example.com").await;
    roster.press(&theirs, "").await.expect(200);
    browser.open(&url(&roster, &ours)).await;
    browser.sees("Change your main e-mail address?").await;
    browser.press("Yes, make it my main address").await;
    browser
        .sees("This address belongs to another account")
        .await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(chromium), ignore = "needs Chromium and its driver")]
async fn a_person_replaces_a_password_that_must_be_changed() {
    let roster = Roster::start().await;
    let browser = Browser::start().await;
    bob_must_change_his_password(&roster).await;

    read(&browser, &roster, "Choose a new password").await;
    browser.sees("Please choose a new password").await;
    browser.press("Choose a new password").await;
    browser.sees("Choose a new password").await;
    browser.type_into("New password", NEW_PASSWORD).await;
    browser.press("Set the new password").await;
    browser.sees("Your new password is set").await;
    roster.login("bob", NEW_PASSWORD).await.expect(200);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(chromium), ignore = "needs Chromium and its driver")]
async fn what_gets_onto_a_page_can_neither_run_nor_load_nor_send_anything() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let browser = Browser::start().await;
    ada.change_email("ada@example.com", sample::PASSWORD)
        .await
        .expect(200);
    let link = roster.link_to("ada@example.com").await;
    browser.open(&url(&roster, &link)).await;
    browser.sees("Change your main e-mail address?").await;

    for (intruder, directive) in [
        ("script", "script-src"),
        ("style", "style-src"),
        ("img", "img-src"),
        ("iframe", "default-src"),
    ] {
        let script = format!(
            "const it = document.createElement('{intruder}'); \
             it.textContent = 'body {{ color: red }}'; it.src = 'http://127.0.0.1:9/'; \
             document.body.append(it)"
        );
        browser.tamper(&script).await;
        browser.complains_of(directive).await;
    }
    let form = "document.forms[0].action = 'http://127.0.0.1:9/'; document.forms[0].submit()";
    browser.tamper(form).await;
    browser.complains_of("form-action").await;
}
