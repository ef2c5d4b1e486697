//! Notifications in words: the texts are below `templates/mail` and `templates/sms`.
//!
//! A language is a folder there, a variant of [`Language`] and what the compiler then asks for.

#![expect(clippy::ref_binding_to_reference, reason = "what askama derives does")]

use askama::Template;
use aws::Mail;
use domain::notification::{Message, Recipient};
use domain::{Notification, Timestamp};

/// A notification in words.
pub enum Letter {
    /// As an e-mail.
    Mail(Mail),
    /// As an SMS.
    Sms(String),
}

/// Puts a notification into words. `url` is its link's, if it holds one.
pub fn write(notification: &Notification, url: Option<&str>) -> Letter {
    let language = Language::of(notification.locale.as_deref());
    let message = &notification.message;
    let facts = Facts::of(notification, url, language);
    match &notification.to {
        Recipient::Email(_) => Letter::Mail(language.mail(message, &facts)),
        Recipient::Phone(_) => Letter::Sms(language.sms(message, &facts)),
    }
}

/// The languages that there are texts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    En,
}

impl Language {
    /// All of them, the one for everybody else first.
    const ALL: [Self; 1] = [Self::En];

    /// The language of a `locale` claim (BCP 47, such as `de-CH`; OpenID Connect lets it be
    /// `de_CH`, too).
    fn of(locale: Option<&str>) -> Self {
        let tag = locale
            .and_then(|locale| locale.split(['-', '_']).next())
            .unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| language.tag().eq_ignore_ascii_case(tag))
            .unwrap_or(Self::ALL[0])
    }

    fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
        }
    }

    /// A time as people write it. Nobody told us a time zone, so it says its own.
    fn time(self, time: Timestamp) -> String {
        // A time beyond all calendars is as good as the last one in them.
        let time = jiff::Timestamp::from_second(time.as_unix()).unwrap_or(jiff::Timestamp::MAX);
        match self {
            Self::En => time.strftime("%-d %B %Y, %H:%M UTC").to_string(),
        }
    }

    fn mail(self, message: &Message, facts: &Facts<'_>) -> Mail {
        let (text, html) = match self {
            Self::En => (
                words(&EnglishText::of(message, facts)),
                words(&EnglishHtml::of(message, facts)),
            ),
        };
        let (subject, text) = text
            .split_once('\n')
            .expect("a text part's first line is the subject");
        Mail {
            subject: subject.to_owned(),
            text: text.to_owned(),
            html,
        }
    }

    fn sms(self, message: &Message, facts: &Facts<'_>) -> String {
        match self {
            Self::En => words(&EnglishSms::of(message, facts)),
        }
    }
}

fn words(template: &impl Template) -> String {
    template
        .render()
        .expect("a template of texts alone can be rendered")
}

/// What the words are about, as it is shown.
struct Facts<'a> {
    /// The address that is added, proved, or that was primary until now.
    address: &'a str,
    /// When it came about.
    at: String,
    link: Option<ShownLink<'a>>,
}

/// A link as it is shown.
struct ShownLink<'a> {
    url: &'a str,
    until: String,
}

impl<'a> Facts<'a> {
    fn of(notification: &'a Notification, url: Option<&'a str>, language: Language) -> Self {
        let (Recipient::Email(to) | Recipient::Phone(to)) = &notification.to;
        let address = match &notification.message {
            Message::ConfirmChange(link)
            | Message::VerifyEmail(link)
            | Message::SetPrimaryEmail(link)
            | Message::ResetPassword(link) => &link.address,
            Message::PrimaryEmailChanged { new_address, .. } => new_address,
            Message::EmailChangeUndone => to,
        };
        let link = notification.message.link().map(|link| ShownLink {
            url: url.expect("a message with a link is written with the link's URL"),
            until: language.time(link.expires_at),
        });
        Self {
            address,
            at: language.time(notification.created_at),
            link,
        }
    }
}

/// The subject, in the first line, and the text part of mails.
#[derive(Template)]
enum EnglishText<'a> {
    #[template(path = "mail/en/confirm_change.txt")]
    ConfirmChange { facts: &'a Facts<'a> },
    #[template(path = "mail/en/verify_email.txt")]
    VerifyEmail { facts: &'a Facts<'a> },
    #[template(path = "mail/en/set_primary_email.txt")]
    SetPrimaryEmail { facts: &'a Facts<'a> },
    #[template(path = "mail/en/primary_email_changed.txt")]
    PrimaryEmailChanged { facts: &'a Facts<'a> },
    #[template(path = "mail/en/email_change_undone.txt")]
    EmailChangeUndone { facts: &'a Facts<'a> },
    #[template(path = "mail/en/reset_password.txt")]
    ResetPassword { facts: &'a Facts<'a> },
}

/// The HTML part of mails.
#[derive(Template)]
enum EnglishHtml<'a> {
    #[template(path = "mail/en/confirm_change.html")]
    ConfirmChange { facts: &'a Facts<'a> },
    #[template(path = "mail/en/verify_email.html")]
    VerifyEmail { facts: &'a Facts<'a> },
    #[template(path = "mail/en/set_primary_email.html")]
    SetPrimaryEmail { facts: &'a Facts<'a> },
    #[template(path = "mail/en/primary_email_changed.html")]
    PrimaryEmailChanged { facts: &'a Facts<'a> },
    #[template(path = "mail/en/email_change_undone.html")]
    EmailChangeUndone { facts: &'a Facts<'a> },
    #[template(path = "mail/en/reset_password.html")]
    ResetPassword { facts: &'a Facts<'a> },
}

/// SMS.
#[derive(Template)]
enum EnglishSms<'a> {
    #[template(path = "sms/en/confirm_change.txt")]
    ConfirmChange { facts: &'a Facts<'a> },
    #[template(path = "sms/en/verify_email.txt")]
    VerifyEmail { facts: &'a Facts<'a> },
    #[template(path = "sms/en/set_primary_email.txt")]
    SetPrimaryEmail { facts: &'a Facts<'a> },
    #[template(path = "sms/en/primary_email_changed.txt")]
    PrimaryEmailChanged { facts: &'a Facts<'a> },
    #[template(path = "sms/en/email_change_undone.txt")]
    EmailChangeUndone { facts: &'a Facts<'a> },
    #[template(path = "sms/en/reset_password.txt")]
    ResetPassword { facts: &'a Facts<'a> },
}

/// Lets the message choose among the templates of an enum.
macro_rules! chosen_by_message {
    ($($name:ident),+) => {$(
        impl<'a> $name<'a> {
            fn of(message: &Message, facts: &'a Facts<'a>) -> Self {
                match message {
                    Message::ConfirmChange(_) => Self::ConfirmChange { facts },
                    Message::VerifyEmail(_) => Self::VerifyEmail { facts },
                    Message::SetPrimaryEmail(_) => Self::SetPrimaryEmail { facts },
                    Message::PrimaryEmailChanged { .. } => Self::PrimaryEmailChanged { facts },
                    Message::EmailChangeUndone => Self::EmailChangeUndone { facts },
                    Message::ResetPassword(_) => Self::ResetPassword { facts },
                }
            }
        }
    )+};
}

chosen_by_message!(EnglishText, EnglishHtml, EnglishSms);

#[cfg(test)]
mod tests {
    use domain::link::{Channel, Link, Purpose};
    use domain::notification::NotificationId;
    use domain::{OperationId, UserId};

    use super::*;

    const HOSTILE: &str = "\"><script>alert(1)</script>&'@example.org";
    const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

    fn url() -> String {
        format!(
            "https://accounts.example.org/users/email-verify/{}/x/",
            "a".repeat(800)
        )
    }

    fn link(address: &str) -> Link {
        Link {
            purpose: Purpose::VerifyEmail,
            channel: Channel::Mailbox,
            subject: String::new(),
            address: address.to_owned(),
            generation: 0,
            issued_at: NOW,
            expires_at: Timestamp::from_unix(1_700_259_200),
        }
    }

    fn messages(address: &str) -> Vec<Message> {
        let changed = |undo| Message::PrimaryEmailChanged {
            new_address: address.to_owned(),
            undo,
        };
        vec![
            Message::ConfirmChange(link(address)),
            Message::VerifyEmail(link(address)),
            Message::SetPrimaryEmail(link(address)),
            Message::ResetPassword(link(address)),
            changed(Some(link(address))),
            changed(None),
            Message::EmailChangeUndone,
        ]
    }

    fn notification(message: Message, to: Recipient) -> Notification {
        Notification {
            id: NotificationId::of(&OperationId::of(&[b"letter"]), 0),
            user_id: UserId::parse("x").unwrap(),
            to,
            message,
            locale: None,
            created_at: NOW,
        }
    }

    fn mail(message: Message) -> Mail {
        let has_link = message.link().is_some();
        let to = Recipient::Email("grace@example.org".to_owned());
        match write(&notification(message, to), has_link.then(url).as_deref()) {
            Letter::Mail(mail) => mail,
            Letter::Sms(text) => panic!("an SMS: {text}"),
        }
    }

    fn sms(message: Message) -> String {
        let has_link = message.link().is_some();
        let to = Recipient::Phone("+441632960815".to_owned());
        match write(&notification(message, to), has_link.then(url).as_deref()) {
            Letter::Sms(text) => text,
            Letter::Mail(mail) => panic!("a mail: {mail:?}"),
        }
    }

    #[test]
    fn a_mail_has_its_link_once_as_text_and_as_a_button_and_in_full() {
        for message in messages("grace@example.org") {
            let count = usize::from(message.link().is_some());
            let mail = mail(message);
            assert_eq!(mail.text.matches(&url()).count(), count, "{mail:?}");
            let button = format!("href=\"{}\"", url());
            assert_eq!(mail.html.matches(&button).count(), count, "{mail:?}");
            assert_eq!(mail.html.matches(&url()).count(), 2 * count, "{mail:?}");
            assert!(mail.html.contains("<html lang=\"en\">"), "{mail:?}");
            assert!(
                !mail.subject.is_empty() && !mail.subject.contains('\n'),
                "{mail:?}"
            );
        }
    }

    #[test]
    fn a_hostile_address_is_text_in_both_parts() {
        for message in messages(HOSTILE) {
            let mail = mail(message);
            assert!(!mail.html.contains("<script"), "{mail:?}");
            assert!(!mail.text.contains("&#"), "{mail:?}");
            assert!(!mail.subject.contains(HOSTILE), "{mail:?}");
        }
        assert!(
            mail(Message::VerifyEmail(link(HOSTILE)))
                .text
                .contains(HOSTILE)
        );
    }

    #[test]
    fn an_sms_fits_with_a_long_link_which_comes_last() {
        for message in messages("grace@example.org") {
            let has_link = message.link().is_some();
            let text = sms(message);
            assert!(text.chars().count() < 1600, "{text}");
            assert_eq!(text.ends_with(&url()), has_link, "{text}");
        }
    }

    #[test]
    fn the_old_address_is_told_until_when_it_can_undo() {
        let until = "17 November 2023, 22:13 UTC";
        let told = |undo| {
            mail(Message::PrimaryEmailChanged {
                new_address: "h…@example.com".to_owned(),
                undo,
            })
        };
        let mail = told(Some(link("grace@example.org")));
        assert!(
            mail.text.contains(until) && mail.html.contains(until),
            "{mail:?}"
        );
        let mail = told(None);
        assert!(
            !mail.text.contains(until) && !mail.html.contains(until),
            "{mail:?}"
        );
    }

    #[test]
    fn a_language_without_texts_is_english() {
        for locale in [None, Some("en-GB"), Some("de_CH"), Some(""), Some("x")] {
            assert_eq!(Language::of(locale), Language::En, "{locale:?}");
        }
    }
}
