//! `cargo run -- generate`: makes files from the calls' facts.

mod binary;
pub mod openapi;
mod region;
mod template;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use consumer::{Consumer, SortKey};
use domain::sample;
use roster_http::{Access, Endpoint};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::calls::{CONSUMERS, ENDPOINTS, PACKAGES};
use crate::event::{Context, Incoming, proxy_event};
use crate::gateway::KEYS;
use crate::{StartError, gateway, samples};
use openapi::{document, example_parameter, example_path};
use region::{Marks, with_region};

/// Writes the files that follow from the calls' facts below `root`: the regions of template.yaml, the
/// binaries, the events, openapi.yaml and README's table of calls. With `check`, it writes nothing, and
/// fails when a file would change.
pub fn generate(root: &Path, check: bool) -> Result<(), StartError> {
    let read = |name: &str| {
        std::fs::read_to_string(root.join(name)).map_err(|source| StartError::File {
            path: name.to_owned(),
            source,
        })
    };
    let lacks = |path: &str, region: &str| StartError::NoRegion {
        path: path.to_owned(),
        region: region.to_owned(),
    };
    let template = template::template(&read("template.yaml")?, &ENDPOINTS, &CONSUMERS)
        .map_err(|region| lacks("template.yaml", region))?;
    let readme = readme(&read("README.md")?, &ENDPOINTS);
    let readme = readme.ok_or_else(|| lacks("README.md", "calls"))?;
    let mut files = vec![
        ("template.yaml".to_owned(), template),
        ("openapi.yaml".to_owned(), openapi(&ENDPOINTS)),
        ("README.md".to_owned(), readme),
    ];
    for endpoint in ENDPOINTS.iter() {
        files.push((format!("events/{}.json", endpoint.name), event(endpoint)));
    }
    for consumer in CONSUMERS.iter() {
        let name = format!("events/{}.json", consumer.name);
        files.push((name, stream_event(consumer)));
    }
    for package in &PACKAGES {
        files.extend(binary::binaries(root, package)?);
    }
    let mut stale = Vec::new();
    for (name, wanted) in &files {
        if read(name).is_ok_and(|present| present == *wanted) {
            continue;
        }
        if check {
            stale.push(name.clone());
        } else {
            write(&root.join(name), wanted).map_err(|source| StartError::File {
                path: name.clone(),
                source,
            })?;
        }
    }
    if !stale.is_empty() {
        return Err(StartError::Stale(stale.join(", ")));
    }
    let leftovers = leftovers(root, &files);
    if !leftovers.is_empty() {
        return Err(StartError::Leftover(leftovers.join(", ")));
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

/// Files that belong to no call, in folders that have only generated files.
fn leftovers(root: &Path, files: &[(String, String)]) -> Vec<String> {
    let binaries = PACKAGES.iter().map(binary::folder);
    let folders = binaries.chain(["events".to_owned()]);
    let present = folders.flat_map(|folder| {
        let entries = std::fs::read_dir(root.join(&folder)).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names
            .map(move |name| format!("{folder}/{name}"))
            .collect::<Vec<_>>()
    });
    present
        .filter(|name| files.iter().all(|(made, _)| made != name))
        .collect()
}

fn openapi(endpoints: &[&Endpoint]) -> String {
    let document = serde_saphyr::to_string(&document(endpoints))
        .expect("a document of maps, texts and numbers is YAML");
    format!(
        "# Made by `cargo run -- generate` from the calls' facts and the wire's types.\n{document}"
    )
}

/// README with a new table of calls.
fn readme(present: &str, endpoints: &[&Endpoint]) -> Option<String> {
    let mut table = String::from("| call | request | answers |\n|---|---|---|\n");
    for endpoint in endpoints {
        let key = match endpoint.access {
            Access::Read => "",
            Access::Write => ", administrator's key",
            Access::Session => ", session",
            Access::SignIn => ", password",
            Access::Link => ", signed link",
        };
        let statuses: Vec<_> = endpoint.statuses.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            table,
            "| `{}`{key} | {} | {} |",
            endpoint.name,
            requests(endpoint),
            statuses.join(" ")
        );
    }
    let marks = Marks {
        start: "<!-- calls".to_owned(),
        end: "<!-- /calls".to_owned(),
    };
    with_region(present, &marks, &table)
}

/// All routes of a call, each path with its methods.
fn requests(endpoint: &Endpoint) -> String {
    let mut by_path: Vec<(&str, Vec<&str>)> = Vec::new();
    for (method, path) in endpoint.routes {
        match by_path.iter_mut().find(|(own, _)| own == path) {
            Some((_, methods)) => methods.push(method.as_str()),
            None => by_path.push((path, vec![method.as_str()])),
        }
    }
    let requests: Vec<_> = by_path
        .iter()
        .map(|(path, methods)| format!("`{} {path}`", methods.join(", ")))
        .collect();
    requests.join(" or ")
}

/// A complete event for the call. It is about the samples that the local store starts with.
fn event(endpoint: &Endpoint) -> String {
    const TIME: i64 = 1_640_975_400_000;
    let (method, resource_path) = endpoint.route();
    let path_parameters: Vec<(String, String)> = resource_path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| (name.to_owned(), example_parameter(resource_path, name)))
        .collect();
    let path = example_path(resource_path);
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut headers = vec![
        header("Accept", "application/json"),
        header("Content-Type", "application/json"),
        header("Host", "127.0.0.1:9080"),
    ];
    let (key_id, key) = KEYS[0];
    let api_key = endpoint.access.needs_key().then_some((key_id, key));
    match endpoint.access {
        Access::Read | Access::Write => headers.push(header("X-Api-Key", key)),
        Access::Session => headers.extend(sample_session()),
        Access::SignIn | Access::Link => {}
    }
    let incoming = Incoming {
        method: method.as_str(),
        path: &path,
        query: "",
        headers,
        body: endpoint.body.example().as_bytes(),
        source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let context = Context {
        resource_path,
        path_parameters,
        api_key,
        stage: gateway::SAMPLE_STAGE,
        base: "/prod",
        request_id: "8a9d4b3e-3f5c-4d8e-9a61-0c6f6f1f7c55",
        time: TIME,
        has_binary_body: false,
    };
    format!("{:#}\n", proxy_event(&incoming, &context))
}

/// The headers with which a browser proves that the sample person is signed in.
pub fn sample_session() -> [(String, String); 2] {
    let token = sample::session_token();
    let (session, csrf) = (token.cookie(), token.secret.csrf_token());
    let cookies = format!("sessionid={}; csrftoken={csrf}", session.expose_secret());
    [
        ("Cookie".to_owned(), cookies),
        ("X-Csrftoken".to_owned(), csrf),
    ]
}

/// The sample person as the stream tells of a new user.
fn sample_image() -> Value {
    let user = sample::person().user;
    let write = samples::write_of("image", user.creation_time());
    let image = store::image_of_new(&user, &write).ok();
    let image = image.and_then(|image| serde_json::to_value(image).ok());
    let mut image = image.unwrap_or_default();
    // An item has no order, and the file needs one.
    image.sort_all_objects();
    image
}

/// A batch of the stream with one new item that the consumer waits for: the sample person, or what
/// hangs on them.
fn stream_event(consumer: &Consumer) -> String {
    let key = |sort_key: &str| {
        json!({
            "PK": { "S": format!("USER#{}", sample::PERSON) },
            "SK": { "S": sort_key },
        })
    };
    let (key, image) = match consumer.waits_for[0].sort_key {
        SortKey::StartsWith(start) => {
            let key = key(&format!("{start}sample.0"));
            (key.clone(), key)
        }
        SortKey::Is(sort_key) => (key(sort_key), sample_image()),
    };
    let event = json!({
        "Records": [{
            "eventID": "8a9d4b3e3f5c4d8e9a610c6f6f1f7c55",
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_640_975_400,
                "Keys": key,
                "NewImage": image,
                "SequenceNumber": "100000000000000000001",
                "SizeBytes": 100,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN":
                "arn:aws:dynamodb:eu-west-1:000000000000:table/roster/stream/2021-12-31T00:00:00.000",
        }],
    });
    format!("{event:#}\n")
}
