//! Roster on its embedded store, as `cargo run` serves it.

use std::net::SocketAddr;
use std::path::Path;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::json;
use tokio::process::Command;

use crate::Failure;
use crate::service::Programs;
use crate::work::{Call, NewUser, PASSWORD, Task};

const KEY: HeaderName = HeaderName::from_static("x-api-key");

pub(crate) async fn build(programs: &Programs) -> Result<(), Failure> {
    let mut cargo = Command::new("cargo");
    // `cargo run` describes this package in the environment; build scripts that look there would
    // build all over again.
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&variable);
        }
    }
    let status = cargo
        .current_dir(&programs.root)
        .args(["build", "--profile", "fast", "-p", "local"])
        .args(["--target-dir", "target"])
        .kill_on_drop(true)
        .status()
        .await?;
    if status.success() {
        Ok(())
    } else {
        Err("roster can't be built".into())
    }
}

pub(crate) fn command(programs: &Programs, data: &Path, address: SocketAddr) -> Command {
    let mut roster = Command::new(programs.root.join("target/fast/roster"));
    roster
        .current_dir(&programs.root)
        .args(["--port", &address.port().to_string()])
        .args(["--dynamodb-port", "0", "--empty", "--no-throttle", "--data"])
        .arg(data.join("users.db"));
    roster
}

pub(crate) fn credential() -> HeaderValue {
    HeaderValue::from_static("local-admin-key")
}

pub(crate) fn probe() -> Call {
    Call::get("/api/users/nobody")
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
            Call::post("/users/login", &body)
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
