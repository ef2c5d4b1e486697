//! `GET`, `POST` and `HEAD /users/email-verify/{signed_email}/{user_id_key}`: prove an address by
//! the link that was mailed to it.

use domain::Account;
use domain::link::Purpose;
use roster_http::{Body, Endpoint, Method, link_path};

use super::link_page::{AddressLink, LinkForm, follow};
use super::page::{Deed, Done};

const PATH: &str = link_path(Purpose::VerifyEmail);

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "verify_own_email",
    summary: "Prove an e-mail address by its link",
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
    deed: |address| Deed::VerifyEmail { address },
    done: |address| Done::Verified { address },
};
