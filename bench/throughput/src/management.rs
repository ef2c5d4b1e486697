//! The management calls of Roster's API. The Django yardstick has them, too, and ignores members that
//! it doesn't know.

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use processes::Call;
use serde_json::json;

use crate::work::{NewUser, PASSWORD, Task};

const KEY: HeaderName = HeaderName::from_static("x-api-key");

pub(crate) fn credential() -> HeaderValue {
    HeaderValue::from_static("local-admin-key")
}

/// A request for a user that does not exist.
pub(crate) fn probe(nobody: &str) -> Call {
    Call::get(&format!("/api/users/{nobody}"))
        .with(KEY, &credential())
        .expecting(StatusCode::NOT_FOUND)
}

/// The request for a piece of work. `login` is the path for signing in.
pub(crate) fn call(task: &Task<'_>, credential: &HeaderValue, login: &str) -> Call {
    match task {
        Task::Get(user) | Task::GetAlone(user) => {
            Call::get(&format!("/api/users/{user}")).with(KEY, credential)
        }
        Task::SignIn(email) => {
            let body = json!({ "email": email, "password": PASSWORD });
            Call::post(login, &body)
        }
        Task::AddEmail { user, email } => {
            let body = json!({ "email": email, "is_verified": true });
            Call::post(&format!("/api/users/{user}/emails"), &body).with(KEY, credential)
        }
        Task::Create(user) => create(user).with(KEY, credential),
    }
}

fn create(user: &NewUser) -> Call {
    let mut body = json!({
        "username": user.username(),
        "email": user.email(),
        "email_verified": true,
        "given_name": "Ada",
        "family_name": "Lovelace",
    });
    if user.has_password {
        body["password"] = PASSWORD.into();
        body["is_temporary_password"] = false.into();
    }
    Call::post("/api/users", &body).expecting(StatusCode::CREATED)
}
