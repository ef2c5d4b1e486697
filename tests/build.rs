//! Looks for the programs that some tests need. Without a program, its tests are ignored and say why.
//! Where `CI` is set, a missing program fails the build.

use std::process::{Command, Stdio};

fn main() {
    println!("cargo::rerun-if-env-changed=CI");
    println!("cargo::rerun-if-env-changed=PATH");
    println!(
        "cargo::rustc-check-cfg=cfg(dynamodb_local, cargo_lambda, chromium, moto, python, python_tools, node_tools)"
    );
    let runs = |program: &str, arguments: &[&str]| {
        Command::new(program)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    #[expect(clippy::disallowed_methods, reason = "a build script is told of CI so")]
    let is_ci = std::env::var("CI").is_ok_and(|ci| !ci.is_empty());
    let require = |cfg: &str, is_there: bool, what: &str| {
        if is_there {
            println!("cargo::rustc-cfg={cfg}");
        } else {
            assert!(!is_ci, "{what}: needed where CI is set");
        }
    };
    require(
        "dynamodb_local",
        runs("java", &["-version"]) && runs("mvn", &["--version"]),
        "Java and Maven",
    );
    require(
        "cargo_lambda",
        runs("cargo-lambda", &["lambda", "--version"]),
        "cargo-lambda",
    );
    require(
        "chromium",
        runs("chromium", &["--version"]) && runs("chromedriver", &["--version"]),
        "Chromium and its driver",
    );
    require("moto", runs("moto_server", &["--help"]), "moto's server");
    let is_new = "import sys; sys.exit(sys.version_info < (3, 10))";
    require("python", runs("python3", &["-c", is_new]), "Python 3.10");
    require(
        "python_tools",
        runs("openapi-spec-validator", &["--version"])
            && runs("openapi-python-client", &["--version"])
            && runs("schemathesis", &["--version"])
            && runs("python3", &["-c", "import attrs, httpx"]),
        "what tests/clients/requirements.txt names",
    );
    require(
        "node_tools",
        runs("openapi-typescript", &["--version"]) && runs("tsc", &["--version"]),
        "what tests/clients/package.json names",
    );
}
