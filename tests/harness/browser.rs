//! Chromium, used as a person uses it: it reads pages, clicks, types, and moves by keyboard.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities as _;
use thirtyfour::{
    By, Cookie, DesiredCapabilities, Key, LoggingPrefsLogLevel, WebDriver, WebElement,
};
use tokio::time::Instant;

use super::server::Server;

/// As root there is no sandbox. All that would connect to other machines is turned off.
const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
/// How long a page may take to appear.
const A_MOMENT: Duration = Duration::from_secs(30);
/// The pause between two checks of a page.
const PAUSE: Duration = Duration::from_millis(20);
/// More elements that take the focus than any page has.
const MAX_STOPS: usize = 20;

const READ: &str = include_str!("page_facts.js");
/// The name by which a screen reader announces the element with the focus, and whether the focus is
/// visible.
const FOCUS: &str = "const it = document.activeElement; \
    return [(it.labels?.[0] ?? it).textContent.trim(), it.matches(':focus-visible') \
        && getComputedStyle(it).outlineStyle !== 'none'];";

/// A browser with an empty profile of its own. It ends when this value is dropped.
pub(crate) struct Browser {
    driver: WebDriver,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        static DRIVER: Server = Server::new();
        let url = DRIVER.url(command).await;
        let mut wishes = DesiredCapabilities::chrome();
        for flag in FLAGS {
            wishes.add_arg(flag).unwrap();
        }
        let level = LoggingPrefsLogLevel::Warning;
        wishes.set_browser_log_level(level).unwrap();
        Self {
            driver: WebDriver::new(url, wishes).await.unwrap(),
        }
    }

    /// Goes to a page.
    pub(crate) async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// Waits for the page with this heading, and checks what is true for every page: on a phone and a
    /// desktop, in light and dark mode.
    pub(crate) async fn sees(&self, heading: &str) {
        let start = Instant::now();
        loop {
            let facts = self.read().await;
            let shown = facts.as_ref().map(|facts| &facts["headings"]);
            if shown == Some(&json!([heading])) {
                break;
            }
            assert!(
                start.elapsed() < A_MOMENT,
                "not {heading:?}: {facts:?} {}",
                self.driver.source().await.unwrap_or_default()
            );
            tokio::time::sleep(PAUSE).await;
        }
        for (width, scheme) in [
            (1280, "light"),
            (1280, "dark"),
            (320, "dark"),
            (320, "light"),
        ] {
            self.show_at(width, scheme).await;
            let facts = self.read().await.unwrap();
            let title = facts["title"].as_str().unwrap();
            assert!(!title.is_empty() && !title.contains('@'), "{title:?}");
            let promised = json!({
                "headings": [heading],
                "lang": "en",
                "title": title,
                "isStyled": true,
                "isDark": scheme == "dark",
                "scripts": 0,
                "unlabelled": [],
                "smallTargets": [],
                "faintTexts": [],
                "widerBy": 0,
            });
            assert_eq!(facts, promised, "{heading:?} at {width}, {scheme}");
        }
    }

    async fn show_at(&self, width: u32, scheme: &str) {
        let cdp = self.driver.cdp();
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        cdp.send_raw("Emulation.setDeviceMetricsOverride", size)
            .await
            .unwrap();
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        cdp.send_raw(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        )
        .await
        .unwrap();
    }

    /// The facts about the page; `None` while one page replaces the other.
    async fn read(&self) -> Option<Value> {
        let facts = self.driver.execute(READ, Vec::new()).await.ok()?;
        Some(facts.json().clone())
    }

    /// Waits for an element; the first one, where there are more.
    async fn find(&self, by: By) -> WebElement {
        let start = Instant::now();
        loop {
            match self.driver.find(by.clone()).await {
                Ok(found) => return found,
                Err(error) => assert!(start.elapsed() < A_MOMENT, "{by:?}: {error}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits for an element, and returns its text.
    pub(crate) async fn text_of(&self, selector: &str) -> String {
        let found = self.find(By::Css(selector.to_owned())).await;
        found.text().await.unwrap()
    }

    /// Waits for the link or button with this text.
    pub(crate) async fn find_button(&self, text: &str) -> WebElement {
        self.find(by_text(text)).await
    }

    /// Waits for the link or button with this text, and clicks it.
    pub(crate) async fn click(&self, text: &str) {
        self.find_button(text).await.click().await.unwrap();
    }

    /// Waits for the link or button with this text, goes there and presses it, by keyboard alone.
    pub(crate) async fn press(&self, text: &str) {
        self.find_button(text).await;
        self.tab_to(text).await;
        self.keys(Key::Enter).await;
    }

    /// Moves to the field with this label by keyboard, and types.
    pub(crate) async fn type_into(&self, label: &str, text: &str) {
        self.tab_to(label).await;
        let keys = self.driver.action_chain().send_keys(text);
        keys.perform().await.unwrap();
    }

    async fn tab_to(&self, name: &str) {
        let mut stops = Vec::new();
        while stops.len() < MAX_STOPS {
            let focus = self.driver.execute(FOCUS, Vec::new()).await.unwrap();
            let focus = focus.json().clone();
            if focus == json!([name, true]) {
                return;
            }
            stops.push(focus);
            self.keys(Key::Tab).await;
        }
        panic!("the keyboard does not reach {name:?}: {stops:?}");
    }

    async fn keys(&self, key: Key) {
        let keys = self.driver.action_chain().send_keys(key);
        keys.perform().await.unwrap();
    }

    /// Changes the page by a script.
    pub(crate) async fn tamper(&self, script: &str) {
        self.driver.execute(script, Vec::new()).await.unwrap();
    }

    pub(crate) async fn cookie(&self, name: &str) -> Cookie {
        self.driver.get_named_cookie(name).await.unwrap()
    }

    /// Deletes the cookies that this page would get.
    pub(crate) async fn forget_cookies(&self) {
        self.driver.delete_all_cookies().await.unwrap();
    }

    /// The browser's complaints since the last call: about scripts, styles, policies and requests. That
    /// a page came with an error status is not one of them.
    async fn complaints(&self) -> Vec<String> {
        let log = self.driver.browser_log().await.unwrap();
        log.into_iter()
            .map(|entry| entry.message)
            .filter(|message| !message.contains("the server responded with a status of"))
            .collect()
    }

    /// Waits for a complaint that names this.
    pub(crate) async fn complains_of(&self, name: &str) {
        let start = Instant::now();
        let mut complaints = self.complaints().await;
        while !complaints.iter().any(|complaint| complaint.contains(name)) {
            assert!(start.elapsed() < A_MOMENT, "not {name}: {complaints:?}");
            tokio::time::sleep(PAUSE).await;
            complaints.extend(self.complaints().await);
        }
    }

    /// Ends the browser. There must have been no complaints.
    pub(crate) async fn close(self) {
        assert_eq!(self.complaints().await, Vec::<String>::new());
        self.driver.quit().await.unwrap();
    }
}

fn by_text(text: &str) -> By {
    By::XPath(format!("(//a|//button)[normalize-space()='{text}']"))
}

/// Files that browsers leave go into cargo's folder for tests, and stay until the next run.
fn command(port: u16) -> Command {
    let left_behind = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chromium");
    let _ = std::fs::remove_dir_all(&left_behind);
    std::fs::create_dir_all(&left_behind).unwrap();
    let mut driver = Command::new("chromedriver");
    driver
        .arg(format!("--port={port}"))
        .env("TMPDIR", left_behind);
    driver
}
