//! `GET`, `POST` and `HEAD /users/email-verify/{signed_email}/{user_id_key}`: prove an address by
//! the link that was mailed to it.

use domain::Account;
use domain::link::Purpose;
use roster_http::{Access, Action, Connect, Endpoint, Method, Schema};

use super::link_page::{AddressLink, LinkForm, follow};
use super::page::{Deed, Done};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "verify_own_email",
    summary: "Prove an e-mail address by its link",
    routes: &[
        (
            Method::GET,
            "/users/email-verify/{signed_email}/{user_id_key}",
        ),
        (
            Method::POST,
            "/users/email-verify/{signed_email}/{user_id_key}",
        ),
        (
            Method::HEAD,
            "/users/email-verify/{signed_email}/{user_id_key}",
        ),
    ],
    access: Access::Link,
    actions: &[
        Action::DeleteItem,
        Action::PutItem,
        Action::Query,
        Action::UpdateItem,
    ],
    connect: Connect::BY_UPDATE,
    statuses: &[200, 409],
    body: Schema::of::<LinkForm>(),
    example: "",
    answer: Schema::NONE,
    handler: |app, request| Box::pin(follow(app, request, &LINK)),
};

static LINK: AddressLink = AddressLink {
    purpose: Purpose::VerifyEmail,
    act: Account::verify,
    deed: |address| Deed::VerifyEmail { address },
    done: |address| Done::Verified { address },
};
