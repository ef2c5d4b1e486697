//! The binaries: a `main` for each call and consumer.

use std::path::Path;

use roster_http::Need;

use crate::StartError;
use crate::calls::Package;

/// Where a package's binaries are.
pub(super) fn folder(package: &Package) -> String {
    format!("functions/{}/src/bin", package.name)
}

/// The binaries of a package: path and text of each.
pub(super) fn binaries(
    root: &Path,
    package: &Package,
) -> Result<Vec<(String, String)>, StartError> {
    let calls = package.endpoints.iter().map(|endpoint| {
        let serve = if endpoint.needs.contains(&Need::LinkKeys) {
            "roster_http::serve_with_link_keys(&ENDPOINT, aws::parameters)"
        } else {
            "roster_http::serve(&ENDPOINT)"
        };
        (endpoint.name, "ENDPOINT", serve)
    });
    let consumers = package.consumers.iter();
    let consumers = consumers.map(|consumer| {
        (
            consumer.name,
            "CONSUMER",
            "consumer::serve_consumer(&CONSUMER)",
        )
    });
    calls
        .chain(consumers)
        .map(|(name, facts, serve)| {
            let module = module(root, package, name)?;
            let text = format!(
                "//! The Lambda function of `{name}`. Made by `cargo run -- generate`.

use {module}::{facts};

fn main() -> Result<(), roster_http::Error> {{
    {serve}
}}
"
            );
            Ok((format!("{}/{name}.rs", folder(package)), text))
        })
        .collect()
}

/// The module of the call `name`: the file with its name, in the package or in one of its folders.
fn module(root: &Path, package: &Package, name: &str) -> Result<String, StartError> {
    let source = root.join("functions").join(package.name).join("src");
    let file = format!("{name}.rs");
    if source.join(&file).is_file() {
        return Ok(format!("{}::{name}", package.name));
    }
    let folders = std::fs::read_dir(&source).into_iter().flatten();
    let folders = folders.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    folders
        .filter(|folder| folder != "bin")
        .find(|folder| source.join(folder).join(&file).is_file())
        .map(|folder| format!("{}::{folder}::{name}", package.name))
        .ok_or_else(|| StartError::File {
            path: format!("functions/{}/src/*/{file}", package.name),
            source: std::io::ErrorKind::NotFound.into(),
        })
}
