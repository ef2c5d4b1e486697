//! `GET`, `POST` and `HEAD /users/email-verify/{signed_email}/{user_id_key}`: prove an address by
//! the link that was mailed to it.

use domain::Account;
use domain::link::{AskedBy, Link, Purpose};
use roster_http::{Body, Endpoint, Method, link_path};

use super::link_page::{AddressLink, LinkForm, follow};
use super::page::{Deed, Done};

const PATH: &str = link_path(Purpose::VerifyEmail);

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "verify_own_email",
    summary: "Prove an e-mail address by its link",
    description: "`GET` shows a page with a button, and changes nothing; with `Accept: application/json` \
        alone it acts. Every invalid link gets the same answer: 400.",
    routes: &[
        (Method::GET, PATH),
        (Method::POST, PATH),
        (Method::HEAD, PATH),
    ],
    body: Body::form::<LinkForm>(),
    handler: |app, request| Box::pin(follow(app, request, &LINK)),
    ..Endpoint::LINK
};

static LINK: AddressLink = AddressLink {
    purpose: Purpose::VerifyEmail,
    act: Account::verify,
    deed: |link| Deed::VerifyEmail {
        address: &link.address,
        is_added: is_added(link),
    },
    done: |link| Done::Verified {
        address: &link.address,
        is_added: is_added(link),
    },
};

/// The management API asks about an address that is on the account already.
fn is_added(link: &Link) -> bool {
    link.asked_by == AskedBy::Person
}
