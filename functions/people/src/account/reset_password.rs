//! `GET` and `POST /users/password-reset/{signed_email}/{user_id_key}/`: set a new password in place
//! of one that must be changed.

use domain::Account;
use domain::link::Purpose;
use roster_http::{Action, Body, Endpoint, Method, Need, Partition, link_path};

use super::link_page::{NewPasswordForm, PasswordLink, set_password};
use super::page::{Done, PasswordDeed};

const PATH: &str = link_path(Purpose::ResetPassword);

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "reset_password",
    summary: "Set a new password by its link",
    description: "Sets the new password of the form and ends all sessions. `GET` only shows the page. \
        Every invalid link gets the same answer: 400.",
    routes: &[(Method::GET, PATH), (Method::POST, PATH)],
    actions: &[Action::PutItem, Action::Query, Action::UpdateItem],
    partitions: &[Partition::User],
    needs: &[Need::LinkKeys, Need::Hashing],
    body: Body::form::<NewPasswordForm>(),
    handler: |app, request| Box::pin(set_password(app, request, &LINK)),
    ..Endpoint::LINK
};

static LINK: PasswordLink = PasswordLink {
    purpose: Purpose::ResetPassword,
    act: Account::reset_password,
    deed: |_| PasswordDeed::ResetPassword,
    done: |_| Done::PasswordReset,
};
