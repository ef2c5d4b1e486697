//! Programs that we did not write, and programs written from the contract alone: generators that read
//! openapi.yaml, what they make of it, Schemathesis, and a client of each generation. `tests/clients/`
//! has what they run.

use std::path::{Path, PathBuf};

use local::calls::ENDPOINTS;
use local::generate::openapi;
use local::samples;
use serde_json::Value;
use tokio::process::Command;

use crate::harness::{Roster, root};

/// A service as `cargo run` starts it, with its sample users. Its clock stands still, so that programs
/// meet the same answers in every run.
async fn service() -> Roster {
    let roster = Roster::start().await;
    samples::write(&roster.app().table, roster.now)
        .await
        .unwrap();
    roster
}

/// An empty folder for what a program makes.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("clients")
        .join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A file of `tests/clients`.
fn file(name: &str) -> PathBuf {
    root().join("tests/clients").join(name)
}

/// A program in the repository's root.
fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command
        .current_dir(root())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .kill_on_drop(true);
    command
}

/// What it prints, when it succeeds.
async fn output(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{command:?}\n{printed}");
    printed
}

/// The ids of all operations that openapi.yaml has.
fn operations() -> Vec<String> {
    let document = openapi::document(&ENDPOINTS);
    let paths = document["paths"].as_object().unwrap();
    let methods = paths.values().filter_map(Value::as_object).flatten();
    methods
        .map(|(_, operation)| operation["operationId"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
#[cfg_attr(not(python_tools), ignore = "needs tests/clients/requirements.txt")]
async fn the_document_is_one_of_openapi_3_1() {
    output(program("openapi-spec-validator").arg("openapi.yaml")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(python_tools), ignore = "needs tests/clients/requirements.txt")]
async fn the_client_that_openapi_python_client_makes_walks_through_ten_calls() {
    let folder = folder("python");
    let package = folder.join("roster_client");
    // It warns of what it leaves out.
    output(
        program("openapi-python-client")
            .args(["generate", "--fail-on-warning", "--meta", "none"])
            .args(["--path", "openapi.yaml", "--output-path"])
            .arg(&package)
            .arg("--config")
            .arg(file("openapi_python_client.yaml")),
    )
    .await;
    for operation in operations() {
        let modules = std::fs::read_dir(package.join("api")).unwrap();
        let mut modules = modules.map(|tag| tag.unwrap().path().join(format!("{operation}.py")));
        assert!(modules.any(|module| module.exists()), "no {operation}");
    }
    let roster = service().await;
    output(
        program("python3")
            .arg(file("generated_walk.py"))
            .arg(&roster.base)
            .env("PYTHONPATH", &folder),
    )
    .await;
}

#[tokio::test]
#[cfg_attr(
    not(node_tools),
    ignore = "needs tests/clients/package.json's programs"
)]
async fn openapi_typescript_makes_types_that_a_program_can_use() {
    let folder = folder("typescript");
    let declarations = folder.join("openapi.d.ts");
    output(
        program("openapi-typescript")
            .args(["openapi.yaml", "--output"])
            .arg(&declarations),
    )
    .await;
    let made = std::fs::read_to_string(&declarations).unwrap();
    for operation in operations() {
        let is_there = made.contains(&format!("\n    {operation}: {{\n"));
        assert!(is_there, "no {operation}");
    }
    let typed = folder.join("typed.ts");
    std::fs::copy(file("typed.ts"), &typed).unwrap();
    let lenient = ["--noEmit", "--module", "esnext", "--target", "es2022"];
    let strict = [
        "--strict",
        "--exactOptionalPropertyTypes",
        "--noUncheckedIndexedAccess",
    ];
    output(program("tsc").args(lenient).args(strict).arg(&typed)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(python), ignore = "needs Python 3.10 or newer")]
async fn clients_of_each_generation_find_what_they_expect() {
    for client in ["client_2024.py", "client_2025.py", "client_2026.py"] {
        let roster = service().await;
        output(program("python3").arg(file(client)).arg(&roster.base)).await;
    }
}

/// Test cases for each operation and phase.
const MAX_EXAMPLES: &str = "8";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(python_tools), ignore = "needs tests/clients/requirements.txt")]
async fn schemathesis_finds_no_failure_that_is_not_explained_by_name() {
    let roster = service().await;
    let ada = roster.sign_in("ada", domain::sample::PASSWORD).await;
    output(
        program("schemathesis")
            .args(["--no-color", "--config-file"])
            .arg(file("schemathesis.toml"))
            .args(["run", "--max-examples", MAX_EXAMPLES, "openapi.yaml"])
            .env("ROSTER_URL", &roster.base)
            .env("ROSTER_SESSION", &ada.session)
            .env("ROSTER_CSRF_TOKEN", &ada.csrf),
    )
    .await;
}
