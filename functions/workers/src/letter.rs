//! The texts of notifications. The templates are below `templates/mail` and `templates/sms`.
//!
//! A new language needs a folder there, a variant of [`Language`], and what the compiler then asks for.

#![expect(clippy::ref_binding_to_reference, reason = "what askama derives does")]

use askama::Template;
use aws::Mail;
use domain::link::AskedBy;
use domain::notification::{Message, Recipient};
use domain::{Notification, Timestamp};

/// A notification as text.
pub(crate) enum Letter {
    /// As an e-mail.
    Mail(Mail),
    /// As an SMS.
    Sms(String),
}

/// Writes a notification as text; `None` where its channel has no text for it. `site` is the host of
/// the public URL; `url` is the link's, if the notification holds one.
pub(crate) fn write(notification: &Notification, site: &str, url: Option<&str>) -> Option<Letter> {
    let language = Language::of(notification.locale.as_deref());
    let message = &notification.message;
    let facts = Facts::of(notification, site, url, language);
    match &notification.to {
        Recipient::Email(_) => Some(Letter::Mail(language.mail(message, &facts))),
        Recipient::Phone(_) => language.sms(message, &facts).map(Letter::Sms),
    }
}

/// The languages that there are texts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    En,
}

impl Language {
    /// All languages. The first one is for recipients without one of these.
    const ALL: [Self; 1] = [Self::En];

    /// The language for a `locale` claim (BCP 47, such as `de-CH`; OpenID Connect also allows `de_CH`).
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

    /// A time as people write it. It names its time zone, because the recipient's is not known.
    fn time(self, time: Timestamp) -> String {
        // A time after the last one that the calendar has is shown as that last one.
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

    fn sms(self, message: &Message, facts: &Facts<'_>) -> Option<String> {
        match self {
            Self::En => EnglishSms::of(message, facts).as_ref().map(words),
        }
    }
}

fn words(template: &impl Template) -> String {
    template
        .render()
        .expect("a template of texts alone can be rendered")
}

/// The facts that the texts name, in the form in which they are shown.
struct Facts<'a> {
    /// The host of the service that sends the message.
    site: &'a str,
    /// The address that is added, proved or dropped, or that was primary until now.
    address: &'a str,
    /// When the change was made.
    at: String,
    /// The management API asked for the link, not the person.
    is_managed: bool,
    link: Option<ShownLink<'a>>,
}

/// A link as it is shown.
struct ShownLink<'a> {
    url: &'a str,
    until: String,
}

impl<'a> Facts<'a> {
    fn of(
        notification: &'a Notification,
        site: &'a str,
        url: Option<&'a str>,
        language: Language,
    ) -> Self {
        let (Recipient::Email(to) | Recipient::Phone(to)) = &notification.to;
        let address = match &notification.message {
            Message::ConfirmChange(link)
            | Message::VerifyEmail(link)
            | Message::SetPrimaryEmail(link)
            | Message::ResetPassword(link)
            | Message::ResetByUndo(link) => &link.address,
            Message::PrimaryEmailChanged { new_address, .. } => new_address,
            Message::EmailAdded { address } | Message::EmailDropped { address } => address,
            Message::EmailChangeUndone => to,
        };
        let link = notification.message.link().map(|link| ShownLink {
            url: url.expect("a message with a link is written with the link's URL"),
            until: language.time(link.expires_at),
        });
        Self {
            site,
            address,
            at: language.time(notification.created_at),
            is_managed: notification
                .message
                .link()
                .is_some_and(|link| link.asked_by == AskedBy::ManagementApi),
            link,
        }
    }
}

/// The text part of mails. Its first line is the subject.
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
    #[template(path = "mail/en/email_added.txt")]
    EmailAdded { facts: &'a Facts<'a> },
    #[template(path = "mail/en/email_dropped.txt")]
    EmailDropped { facts: &'a Facts<'a> },
    #[template(path = "mail/en/reset_password.txt")]
    ResetPassword { facts: &'a Facts<'a> },
    #[template(path = "mail/en/reset_by_undo.txt")]
    ResetByUndo { facts: &'a Facts<'a> },
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
    #[template(path = "mail/en/email_added.html")]
    EmailAdded { facts: &'a Facts<'a> },
    #[template(path = "mail/en/email_dropped.html")]
    EmailDropped { facts: &'a Facts<'a> },
    #[template(path = "mail/en/reset_password.html")]
    ResetPassword { facts: &'a Facts<'a> },
    #[template(path = "mail/en/reset_by_undo.html")]
    ResetByUndo { facts: &'a Facts<'a> },
}

/// SMS. A phone gets one when an address is to be proved or to become the main one, and when an address
/// has become the main one at once.
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
}

impl<'a> EnglishSms<'a> {
    fn of(message: &Message, facts: &'a Facts<'a>) -> Option<Self> {
        match message {
            Message::ConfirmChange(_) => Some(Self::ConfirmChange { facts }),
            Message::VerifyEmail(_) => Some(Self::VerifyEmail { facts }),
            Message::SetPrimaryEmail(_) => Some(Self::SetPrimaryEmail { facts }),
            Message::PrimaryEmailChanged { .. } => Some(Self::PrimaryEmailChanged { facts }),
            Message::EmailChangeUndone
            | Message::EmailAdded { .. }
            | Message::EmailDropped { .. }
            | Message::ResetPassword(_)
            | Message::ResetByUndo(_) => None,
        }
    }
}

/// Chooses the template of an enum by the message.
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
                    Message::EmailAdded { .. } => Self::EmailAdded { facts },
                    Message::EmailDropped { .. } => Self::EmailDropped { facts },
                    Message::ResetPassword(_) => Self::ResetPassword { facts },
                    Message::ResetByUndo(_) => Self::ResetByUndo { facts },
                }
            }
        }
    )+};
}

chosen_by_message!(EnglishText, EnglishHtml);

#[cfg(test)]
mod tests {
    use domain::link::{Channel, Link, Purpose};
    use domain::notification::NotificationId;
    use domain::{OperationId, UserId};

    use super::*;

    const HOSTILE: &str = "\"><script>alert(1)</script>&'@example.org";
    const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);
    const SITE: &str = "accounts.example.org";

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
            subject: String::new().into(),
            asked_by: AskedBy::Person,
            address: address.to_owned(),
            generation: domain::Generation::new(0),
            issued_at: NOW,
            expires_at: Timestamp::from_unix(1_700_259_200),
        }
    }

    /// A link that the management API asked for.
    fn managed(address: &str) -> Link {
        Link {
            asked_by: AskedBy::ManagementApi,
            ..link(address)
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
            Message::ResetByUndo(link(address)),
            Message::VerifyEmail(managed(address)),
            Message::ResetPassword(managed(address)),
            Message::ResetByUndo(managed(address)),
            Message::EmailAdded {
                address: address.to_owned(),
            },
            Message::EmailDropped {
                address: address.to_owned(),
            },
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

    fn letter(message: Message, to: Recipient) -> Option<Letter> {
        let has_link = message.link().is_some();
        let url = has_link.then(url);
        write(&notification(message, to), SITE, url.as_deref())
    }

    fn mail(message: Message) -> Mail {
        let to = Recipient::Email("grace@example.org".to_owned());
        match letter(message, to) {
            Some(Letter::Mail(mail)) => mail,
            Some(Letter::Sms(text)) => panic!("an SMS: {text}"),
            None => panic!("no words"),
        }
    }

    /// The SMS for a message, if there is one.
    fn sms(message: Message) -> Option<String> {
        let to = Recipient::Phone("+441514960815".to_owned());
        letter(message, to).map(|letter| match letter {
            Letter::Sms(text) => text,
            Letter::Mail(mail) => panic!("a mail: {mail:?}"),
        })
    }

    fn all_sms(address: &str) -> Vec<String> {
        messages(address).into_iter().filter_map(sms).collect()
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
    fn every_part_of_a_mail_and_every_sms_names_the_site() {
        // The link's URL holds the host, too, but a message may have no link. So the text itself must
        // name the host.
        let names_it = |text: &str| text.replace(&url(), "").contains(SITE);
        for message in messages("grace@example.com") {
            let mail = mail(message);
            assert!(names_it(&mail.text) && names_it(&mail.html), "{mail:?}");
        }
        for text in all_sms("grace@example.com") {
            assert!(names_it(&text), "{text}");
        }
    }

    #[test]
    fn a_phone_is_told_of_what_waits_to_be_proved_or_set_or_was_set_and_of_nothing_else() {
        for message in messages("grace@example.org") {
            let is_told = matches!(
                message,
                Message::ConfirmChange(_)
                    | Message::VerifyEmail(_)
                    | Message::SetPrimaryEmail(_)
                    | Message::PrimaryEmailChanged { .. }
            );
            let text = sms(message);
            assert_eq!(text.is_some(), is_told, "{text:?}");
        }
    }

    #[test]
    fn an_sms_fits_with_a_long_link_which_comes_last() {
        for text in all_sms("grace@example.org") {
            assert!(text.chars().count() < 1600, "{text}");
            let words = text.strip_suffix(&url()).unwrap_or(&text);
            assert!(
                words.chars().count() < 320 && !words.contains("http"),
                "{text}"
            );
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
    fn a_mail_that_the_management_api_asked_for_mentions_no_sign_in_and_no_new_address() {
        let words = |message| {
            let mail = mail(message);
            [mail.text, mail.html]
        };
        for (message, wrong) in [
            (Message::VerifyEmail as fn(Link) -> Message, "asked to add"),
            (Message::ResetPassword, "tried to sign in"),
            (Message::ResetByUndo, "tried to sign in"),
        ] {
            let (own, managed) = (link("grace@example.org"), managed("grace@example.org"));
            assert!(words(message(own)).iter().all(|part| part.contains(wrong)));
            for part in words(message(managed)) {
                assert!(!part.contains(wrong), "{part}");
                assert!(
                    !part.contains("somebody else knows your password"),
                    "{part}"
                );
            }
        }
    }

    #[test]
    fn a_language_without_texts_is_english() {
        for locale in [None, Some("en-GB"), Some("de_CH"), Some(""), Some("x")] {
            assert_eq!(Language::of(locale), Language::En, "{locale:?}");
        }
    }
}
