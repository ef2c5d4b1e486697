//! `GET`, `POST` and `HEAD /users/email-set-primary/{signed_email}/{user_id_key}/`: make an address
//! the primary one.

use domain::Account;
use domain::link::Purpose;
use roster_http::{Access, Action, Connect, Endpoint, Method, Schema};

use super::link_page::{AddressLink, LinkForm, follow};
use super::page::{Deed, Done};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "confirm_primary_email",
    summary: "Make an e-mail address the primary one by its link",
    routes: &[
        (
            Method::GET,
            "/users/email-set-primary/{signed_email}/{user_id_key}",
        ),
        (
            Method::POST,
            "/users/email-set-primary/{signed_email}/{user_id_key}",
        ),
        (
            Method::HEAD,
            "/users/email-set-primary/{signed_email}/{user_id_key}",
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
    purpose: Purpose::SetPrimaryEmail,
    act: Account::confirm,
    deed: |address| Deed::SetPrimaryEmail { address },
    done: |address| Done::PrimarySet { address },
};
