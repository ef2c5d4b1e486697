//! `GET` and `POST /users/password-reset/{signed_email}/{user_id_key}/`: set a new password in place
//! of one that must be changed.

use domain::Account;
use domain::link::Purpose;
use roster_http::{Access, Action, Connect, Endpoint, Method, Schema};

use super::link_page::{NewPasswordForm, PasswordLink, set_password};
use super::page::{Done, PasswordDeed};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "reset_password",
    summary: "Set a new password by its link",
    routes: &[
        (
            Method::GET,
            "/users/password-reset/{signed_email}/{user_id_key}",
        ),
        (
            Method::POST,
            "/users/password-reset/{signed_email}/{user_id_key}",
        ),
    ],
    access: Access::Link,
    actions: &[Action::PutItem, Action::Query, Action::UpdateItem],
    connect: Connect::BY_UPDATE,
    statuses: &[200, 409],
    body: Schema::of::<NewPasswordForm>(),
    example: "",
    answer: Schema::NONE,
    handler: |app, request| Box::pin(set_password(app, request, &LINK)),
};

static LINK: PasswordLink = PasswordLink {
    purpose: Purpose::ResetPassword,
    act: Account::reset_password,
    deed: |_| PasswordDeed::ResetPassword,
    done: |_| Done::PasswordReset,
};
