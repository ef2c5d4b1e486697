//! The messages that were sent on this machine: they are kept, and shown at `/_local/outbox`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use askama::Template as _;
use domain::Timestamp;
use serde::Serialize;

/// The outbox. Clones share what is in it.
#[derive(Clone, Debug, Default)]
pub struct Outbox(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    messages: Vec<Message>,
    refusals: VecDeque<Refusal>,
}

/// One e-mail or SMS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Counts from 1.
    pub id: usize,
    /// How it was sent.
    pub channel: Channel,
    /// The address or number that it was sent to.
    pub to: String,
    /// An e-mail's subject.
    pub subject: Option<String>,
    /// An SMS, or the part of an e-mail for readers of plain text.
    pub text: String,
    /// The part of an e-mail for all other readers.
    pub html: Option<String>,
    /// When it was sent.
    pub sent_at: Timestamp,
}

impl Message {
    /// The time in a form that the element `time` accepts, too.
    fn shown_time(&self) -> String {
        jiff::Timestamp::from_second(self.sent_at.as_unix())
            .map(|time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
            .unwrap_or_default()
    }
}

/// How something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// By Amazon SES.
    Email,
    /// By Amazon SNS.
    Sms,
}

impl Channel {
    fn shown(self) -> &'static str {
        match self {
            Self::Email => "E-mail",
            Self::Sms => "SMS",
        }
    }
}

/// A planned answer to a request to send, in place of sending.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
}

impl Outbox {
    /// An empty outbox.
    pub fn new() -> Self {
        Self::default()
    }

    /// The messages that were sent, newest last.
    pub fn messages(&self) -> Vec<Message> {
        self.state().messages.clone()
    }

    /// Plans refusals: the next `times` requests to send, by any channel, get this HTTP status and
    /// error code. Repeats of a request by the SDK count, too.
    pub fn refuse(&self, times: usize, status: u16, code: &'static str) {
        let refusal = Refusal { status, code };
        self.state()
            .refusals
            .extend(std::iter::repeat_n(refusal, times));
    }

    /// Keeps a message under a new id, unless a refusal is planned.
    pub(crate) fn send(&self, message: Message) -> Result<usize, Refusal> {
        let mut state = self.state();
        if let Some(refusal) = state.refusals.pop_front() {
            return Err(refusal);
        }
        let id = state.messages.len() + 1;
        state.messages.push(Message { id, ..message });
        Ok(id)
    }

    /// The message with this id.
    pub(crate) fn message(&self, id: usize) -> Option<Message> {
        let index = id.checked_sub(1)?;
        self.state().messages.get(index).cloned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(askama::Template)]
#[template(path = "outbox.html")]
struct ListPage {
    messages: Vec<Message>,
}

#[derive(askama::Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    message: &'a Message,
    parts: Vec<Part<'a>>,
}

/// A part of a text: a link, or the text between links.
#[derive(Debug, PartialEq, Eq)]
struct Part<'a> {
    text: &'a str,
    is_link: bool,
}

/// The list as a page, newest first.
pub(crate) fn list_page(mut messages: Vec<Message>) -> String {
    messages.reverse();
    let page = ListPage { messages };
    page.render().expect("a page of texts always renders")
}

/// A text with its links as a page.
pub(crate) fn text_page(message: &Message) -> String {
    let parts = parts(&message.text);
    let page = MessagePage { message, parts };
    page.render().expect("a page of texts always renders")
}

/// The stylesheet of both pages.
pub(crate) const STYLE: &str = include_str!("../templates/style.css");

/// Splits a text at its web addresses. An address ends at the next space, and a full stop at its end is
/// not part of it.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut plain_from = 0;
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let link = word
            .trim_end()
            .trim_end_matches(['.', ',', ';', ')', '!', '?']);
        if link.starts_with("https://") || link.starts_with("http://") {
            let plain = &text[plain_from..at];
            plain_from = at + link.len();
            parts.extend([(plain, false), (link, true)]);
        }
        at += word.len();
    }
    parts.push((&text[plain_from..], false));
    parts
        .into_iter()
        .filter(|(text, _)| !text.is_empty())
        .map(|(text, is_link)| Part { text, is_link })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subject: &str, text: &str) -> Message {
        Message {
            id: 0,
            channel: Channel::Email,
            to: "<a>@example.org".to_owned(),
            subject: Some(subject.to_owned()),
            text: text.to_owned(),
            html: None,
            sent_at: Timestamp::from_unix(1_700_000_000),
        }
    }

    #[test]
    fn messages_count_from_one_and_keep_their_order() {
        let outbox = Outbox::new();
        assert_eq!(outbox.send(message("first", "")).unwrap(), 1);
        assert_eq!(outbox.clone().send(message("second", "")).unwrap(), 2);
        let subjects: Vec<_> = outbox.messages().into_iter().map(|m| m.subject).collect();
        assert_eq!(subjects, [Some("first".into()), Some("second".into())]);
        assert_eq!(outbox.message(2).unwrap().id, 2);
        assert!(outbox.message(0).is_none() && outbox.message(3).is_none());
    }

    #[test]
    fn a_planned_refusal_keeps_nothing_and_is_used_up() {
        let outbox = Outbox::new();
        outbox.refuse(1, 400, "MessageRejected");
        let refusal = outbox.send(message("", "")).unwrap_err();
        assert_eq!((refusal.status, refusal.code), (400, "MessageRejected"));
        assert_eq!(outbox.messages(), []);
        assert!(outbox.send(message("", "")).is_ok());
    }

    #[test]
    fn pages_escape_what_they_show_and_show_the_newest_first() {
        let page = list_page(vec![message("old", ""), message("<b>new", "")]);
        assert!(!page.contains("<b>") && !page.contains("<a>"), "{page}");
        assert!(page.find("&#60;b&#62;new").unwrap() < page.find("old").unwrap());
        assert!(page.contains("<time>2023-11-14 22:13:20Z</time>"), "{page}");
        let page = text_page(&message("", "<script> http://a/\"onclick=\"x"));
        assert!(
            !page.contains("<script>") && !page.contains("\"onclick"),
            "{page}"
        );
    }

    #[test]
    fn web_addresses_of_a_text_become_links() {
        let part = |text, is_link| Part { text, is_link };
        assert_eq!(
            parts("Open https://a.example/x?y=1.\nOr http://b"),
            [
                part("Open ", false),
                part("https://a.example/x?y=1", true),
                part(".\nOr ", false),
                part("http://b", true),
            ]
        );
        assert_eq!(parts("javascript:x"), [part("javascript:x", false)]);
        assert_eq!(parts(""), []);
    }
}
