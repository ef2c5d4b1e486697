//! The pages behind links: plain HTML without script, from `templates/pages`.
//!
//! A form posts to the page's own URL. It carries no token: a cookie proves that the page was shown.

#![expect(
    clippy::ref_binding_to_reference,
    clippy::ref_option_ref,
    reason = "what askama derives does"
)]

use std::any::Any;
use std::sync::LazyLock;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// The style of all pages. The policy names its hash, so a page must contain exactly these bytes.
const STYLE: &str = include_str!("../../templates/pages/style.css");

/// A page for a person who opened a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Template)]
pub(super) enum Page<'a> {
    /// Says what the link will do, with the button that does it: a POST without a field.
    #[template(path = "pages/confirm.html")]
    Confirm(Deed<'a>),
    /// The address is not proved yet. The page says which mail to open, and has a button that cancels
    /// the change: a POST of `action=cancel`.
    #[template(path = "pages/unproved.html")]
    Unproved {
        /// The address to be proved.
        address: &'a str,
    },
    /// The form for a new password: a POST of `password`.
    #[template(path = "pages/new_password.html")]
    NewPassword {
        /// What the password is for.
        deed: PasswordDeed<'a>,
        /// Why the last password was refused, as a sentence.
        error: Option<&'a str>,
    },
    /// It is done.
    #[template(path = "pages/done.html")]
    Done(Done<'a>),
    /// The link is not valid. The page doesn't say why.
    #[template(path = "pages/not_valid.html")]
    NotValid,
    /// The form was sent too late, or not from the link's own page.
    #[template(path = "pages/expired.html")]
    Expired,
    /// The address belongs to another account now.
    #[template(path = "pages/taken.html")]
    Taken,
    /// The link can't act now, or it is not known whether it did.
    #[template(path = "pages/unavailable.html")]
    Unavailable,
}

/// What a link does when the button is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed<'a> {
    /// Proves an address.
    VerifyEmail {
        /// The address.
        address: &'a str,
        /// It is put on the account thereby.
        is_added: bool,
    },
    /// Makes an address the main one.
    SetPrimaryEmail {
        /// The address.
        address: &'a str,
    },
}

/// What a link does with a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PasswordDeed<'a> {
    /// Takes a change of the main address back.
    Undo {
        /// The address that becomes the main one again.
        address: &'a str,
    },
    /// Sets a new password in place of any.
    ResetPassword,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done<'a> {
    /// The address is proved. The link has proved it now or before.
    Verified {
        /// The address.
        address: &'a str,
        /// It was put on the account thereby.
        is_added: bool,
    },
    /// The address is the main one. The link has made it that now or before.
    PrimarySet {
        /// The address.
        address: &'a str,
    },
    /// The change that waited for a proof of its address is dropped.
    Cancelled,
    /// The earlier address is the main one again.
    Undone {
        /// The earlier address.
        address: &'a str,
    },
    /// The new password is set.
    PasswordReset,
    /// The link has set a password before, so it did not set one now.
    Already,
}

impl Page<'_> {
    /// The page as HTML. `site` is the host of the public URL; every page ends with it.
    pub(super) fn render(&self, site: Option<&str>) -> String {
        let site = site.map(str::to_owned);
        let values = site.as_ref().map(|site| ("site", site as &dyn Any));
        Template::render_with_values(self, &values)
            .expect("a template of texts alone can be rendered")
    }
}

/// The Content-Security-Policy of pages: it allows only their own style and form.
pub(super) fn content_security_policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'"
        )
    });
    &POLICY
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = "accounts.example.org";
    const HOSTILE: &str = "\"><script>alert(1)</script>&'@example.org";

    fn all(address: &str) -> Vec<Page<'_>> {
        let mut pages = vec![
            Page::Confirm(Deed::SetPrimaryEmail { address }),
            Page::Unproved { address },
            Page::NotValid,
            Page::Expired,
            Page::Taken,
            Page::Unavailable,
        ];
        for is_added in [true, false] {
            pages.push(Page::Confirm(Deed::VerifyEmail { address, is_added }));
            pages.push(Page::Done(Done::Verified { address, is_added }));
        }
        for deed in [PasswordDeed::Undo { address }, PasswordDeed::ResetPassword] {
            for error in [None, Some("The password needs at least 8 characters.")] {
                pages.push(Page::NewPassword { deed, error });
            }
        }
        pages.extend(
            [
                Done::PrimarySet { address },
                Done::Cancelled,
                Done::Undone { address },
                Done::PasswordReset,
                Done::Already,
            ]
            .map(Page::Done),
        );
        pages
    }

    fn between<'a>(html: &'a str, start: &str, end: &str) -> &'a str {
        let start = html.find(start).unwrap() + start.len();
        &html[start..start + html[start..].find(end).unwrap()]
    }

    #[test]
    fn every_page_has_a_language_one_heading_and_a_title_without_an_address() {
        for page in all("grace@example.org") {
            let html = page.render(Some(SITE));
            assert!(html.contains("<html lang=\"en\">"), "{html}");
            assert_eq!(html.matches("<h1").count(), 1, "{html}");
            assert_eq!(html.matches("<main").count(), 1, "{html}");
            assert!(html.contains("name=\"viewport\""), "{html}");
            let title = between(&html, "<title>", "</title>");
            assert!(!title.is_empty() && !title.contains('@'), "{title}");
        }
    }

    #[test]
    fn every_page_names_the_site_if_it_is_known() {
        for page in all("grace@example.com") {
            let html = page.render(Some(SITE));
            assert_eq!(html.matches(SITE).count(), 1, "{html}");
            let html = page.render(None);
            assert!(!html.contains("<footer"), "{html}");
        }
    }

    #[test]
    fn no_page_runs_or_loads_anything() {
        for page in all("grace@example.org") {
            let html = page.render(Some(SITE));
            for active in [
                "<script", "style=", "src=", "url(", "@import", "http:", "onclick",
            ] {
                assert!(!html.contains(active), "{active}: {html}");
            }
        }
    }

    #[test]
    fn a_hostile_address_is_shown_as_text() {
        for page in all(HOSTILE) {
            let html = page.render(Some(SITE));
            assert!(
                !html.contains("<script") && !html.contains(HOSTILE),
                "{html}"
            );
        }
        let page = Page::Confirm(Deed::VerifyEmail {
            address: HOSTILE,
            is_added: true,
        });
        assert!(
            page.render(Some(SITE)).contains("&#60;script&#62;"),
            "{}",
            page.render(Some(SITE))
        );
    }

    #[test]
    fn the_policy_lets_in_the_style_of_every_page_and_no_other() {
        for page in all("grace@example.org") {
            let html = page.render(Some(SITE));
            let style = between(&html, "<style>", "</style>");
            let hash = STANDARD.encode(Sha256::digest(style));
            let allowed = format!("style-src 'sha256-{hash}'");
            assert!(content_security_policy().contains(&allowed), "{html}");
            assert_eq!(html.matches("<style").count(), 1);
        }
        assert!(content_security_policy().starts_with("default-src 'none';"));
    }

    #[test]
    fn a_form_posts_to_its_own_page_and_its_field_has_a_label() {
        for page in all("grace@example.org") {
            let html = page.render(Some(SITE));
            let is_form = matches!(
                page,
                Page::Confirm(_) | Page::Unproved { .. } | Page::NewPassword { .. }
            );
            assert_eq!(
                html.matches("<form method=\"post\"").count(),
                usize::from(is_form),
                "{html}"
            );
            assert!(!html.contains("action=\"http"), "{html}");
            if let Page::NewPassword { error, .. } = page {
                assert!(html.contains("<label for=\"password\">"), "{html}");
                assert!(
                    html.contains("<input id=\"password\" name=\"password\""),
                    "{html}"
                );
                assert_eq!(html.contains("role=\"alert\""), error.is_some(), "{html}");
            }
        }
        let cancel = Page::Unproved {
            address: "grace@example.org",
        }
        .render(Some(SITE));
        assert!(
            cancel.contains("name=\"action\" value=\"cancel\""),
            "{cancel}"
        );
    }
}
