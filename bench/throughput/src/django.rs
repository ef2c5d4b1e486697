//! Django with allauth behind gunicorn: `django/yardstick.py`.

use std::net::SocketAddr;
use std::path::Path;

use processes::Failure;
use tokio::process::Command;

use crate::service::{Programs, finish};

/// The path for signing in.
pub(crate) const LOGIN: &str = "/_allauth/app/v1/auth/login";
/// The id of a user that does not exist.
pub(crate) const NOBODY: &str = "0";

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
        // Of the kinds of worker that keep connections open, only this one has no event loop.
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
