//! Django with allauth behind gunicorn: `django/yardstick.py`.

use std::net::SocketAddr;
use std::path::Path;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::json;
use tokio::process::Command;

use crate::Failure;
use crate::service::{Programs, finish};
use crate::work::{Call, NewUser, PASSWORD, Task};

const KEY: HeaderName = HeaderName::from_static("x-api-key");

pub(crate) async fn prepare(programs: &Programs, data: &Path) -> Result<(), Failure> {
    let mut migrate = python(programs, "python", data);
    migrate.args(["yardstick.py", "migrate"]);
    finish(migrate).await
}

pub(crate) fn command(programs: &Programs, data: &Path, address: SocketAddr) -> Command {
    let mut gunicorn = python(programs, "gunicorn", data);
    gunicorn
        .args(["--bind", &address.to_string()])
        .args(["--preload", "--workers", "2"])
        // The only kind of worker without an event loop that keeps connections open.
        .args(["--worker-class", "gthread", "--threads", "2"])
        .args(["--keep-alive", "75", "--no-control-socket"])
        .arg("yardstick:application");
    gunicorn
}

fn python(programs: &Programs, program: &str, data: &Path) -> Command {
    let mut command = Command::new(programs.django.join(program));
    command
        .current_dir(programs.root.join("bench/throughput/django"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("YARDSTICK_DATA", data);
    command
}

pub(crate) fn credential() -> HeaderValue {
    HeaderValue::from_static("local-admin-key")
}

pub(crate) fn probe() -> Call {
    Call::get("/api/users/0")
        .with(KEY, &credential())
        .expecting(StatusCode::NOT_FOUND)
}

pub(crate) fn call(task: &Task<'_>, credential: &HeaderValue) -> Call {
    match task {
        Task::Get(user) | Task::GetAlone(user) => {
            Call::get(&format!("/api/users/{user}")).with(KEY, credential)
        }
        Task::SignIn(email) => {
            let body = json!({ "email": email, "password": PASSWORD });
            Call::post("/_allauth/app/v1/auth/login", &body)
        }
        Task::AddEmail { user, email } => {
            let body = json!({ "email": email });
            Call::post(&format!("/api/users/{user}/emails"), &body).with(KEY, credential)
        }
        Task::Create(user) => create(user).with(KEY, credential),
    }
}

fn create(user: &NewUser) -> Call {
    let mut body = json!({
        "username": user.username(),
        "email": user.email(),
        "given_name": "Ada",
        "family_name": "Lovelace",
    });
    if user.has_password {
        body["password"] = PASSWORD.into();
    }
    Call::post("/api/users", &body).expecting(StatusCode::CREATED)
}
