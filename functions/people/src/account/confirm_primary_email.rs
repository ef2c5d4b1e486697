//! `GET`, `POST` and `HEAD /users/email-set-primary/{signed_email}/{user_id_key}/`: make an address
//! the primary one.

use domain::Account;
use domain::link::Purpose;
use roster_http::{Body, Endpoint, Method, link_path};

use super::link_page::{AddressLink, LinkForm, follow};
use super::page::{Deed, Done};

const PATH: &str = link_path(Purpose::SetPrimaryEmail);

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "confirm_primary_email",
    summary: "Make an e-mail address the primary one by its link",
    description: "`GET` shows a page with a button, and changes nothing; with `Accept: application/json` \
        alone it acts. The link that was mailed to the address proves the address, too; the \
        one sent by SMS does not. Every invalid link gets the same answer: 400.",
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
    purpose: Purpose::SetPrimaryEmail,
    act: Account::confirm,
    deed: |link| Deed::SetPrimaryEmail {
        address: &link.address,
    },
    done: |link| Done::PrimarySet {
        address: &link.address,
    },
};
