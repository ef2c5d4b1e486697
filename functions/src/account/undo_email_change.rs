//! `GET` and `POST /users/email-undo/{signed_email}/{user_id_key}/`: take a change of the primary
//! address back, with a new password.

use domain::Account;
use domain::link::Purpose;
use roster_http::{Access, Action, Connect, Endpoint, Method, Schema};

use super::link_page::{NewPasswordForm, PasswordLink, set_password};
use super::page::{Done, PasswordDeed};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "undo_email_change",
    summary: "Take a change of the primary e-mail address back by its link",
    routes: &[
        (
            Method::GET,
            "/users/email-undo/{signed_email}/{user_id_key}",
        ),
        (
            Method::POST,
            "/users/email-undo/{signed_email}/{user_id_key}",
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
    body: Schema::of::<NewPasswordForm>(),
    example: "",
    answer: Schema::NONE,
    handler: |app, request| Box::pin(set_password(app, request, &LINK)),
};

static LINK: PasswordLink = PasswordLink {
    purpose: Purpose::UndoEmailChange,
    act: Account::undo,
    deed: |address| PasswordDeed::Undo { address },
    done: |address| Done::Undone { address },
};
