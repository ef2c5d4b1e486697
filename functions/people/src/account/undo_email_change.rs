//! `GET` and `POST /users/email-undo/{signed_email}/{user_id_key}/`: take a change of the primary
//! address back, with a new password.

use domain::Account;
use domain::link::Purpose;
use roster_http::{Body, Endpoint, Method, Need, link_path};

use super::link_page::{NewPasswordForm, PasswordLink, set_password};
use super::page::{Done, PasswordDeed};

const PATH: &str = link_path(Purpose::UndoEmailChange);

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "undo_email_change",
    summary: "Take a change of the primary e-mail address back by its link",
    description: "Makes the old address the primary one again, ends all sessions and sets the new \
        password of the form. `GET` only shows the page. Every invalid link gets the same \
        answer: 400.",
    routes: &[(Method::GET, PATH), (Method::POST, PATH)],
    needs: &[Need::LinkKeys, Need::Hashing],
    body: Body::form::<NewPasswordForm>(),
    handler: |app, request| Box::pin(set_password(app, request, &LINK)),
    ..Endpoint::LINK
};

static LINK: PasswordLink = PasswordLink {
    purpose: Purpose::UndoEmailChange,
    act: Account::undo,
    deed: |address| PasswordDeed::Undo { address },
    done: |address| Done::Undone { address },
};
