//! `PocketBase`. Users with a password are in an auth collection, the others in a base collection,
//! whose addresses are in a third one. No two users may have the same address, at any time, so the
//! address of a new user is in the third collection, too. It is made in one transaction with the user,
//! by the batch API.

use std::net::SocketAddr;
use std::path::Path;

use hyper::header::{AUTHORIZATION, HeaderValue};
use processes::{Call, Connection, Failure};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::service::{Programs, finish};
use crate::work::{NewUser, PASSWORD, Task};

/// The characters of an id, which a client may choose (`PocketBase`'s own have 15).
const ID_LENGTH: usize = 15;

const SUPERUSER: &str = "root@load.example";

pub(crate) async fn prepare(programs: &Programs, data: &Path) -> Result<(), Failure> {
    let mut upsert = pocketbase(programs, data);
    upsert.args(["superuser", "upsert", SUPERUSER, PASSWORD]);
    finish(upsert).await
}

pub(crate) fn command(programs: &Programs, data: &Path, address: SocketAddr) -> Command {
    let mut serve = pocketbase(programs, data);
    serve.args(["serve", "--http", &address.to_string()]);
    serve
}

fn pocketbase(programs: &Programs, data: &Path) -> Command {
    let mut command = Command::new(&programs.pocketbase);
    command
        .arg("--dir")
        .arg(data.join("pb_data"))
        // Else it would write a file for each new collection beside the data.
        .arg("--automigrate=false");
    command
}

pub(crate) fn probe() -> Call {
    Call::get("/api/health")
}

/// Makes the collections, and returns the token of a superuser, by which a back end makes its calls.
pub(crate) async fn set_up(address: SocketAddr) -> Result<HeaderValue, Failure> {
    let mut connection = Connection::open(address).await?;
    let sign_in = json!({ "identity": SUPERUSER, "password": PASSWORD });
    let path = "/api/collections/_superusers/auth-with-password";
    let answer = connection.ask(Call::post(path, &sign_in)).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let token = answer["token"].as_str().ok_or("there is no token")?;
    let credential = HeaderValue::from_str(token)?;
    let mut make = async |collection: &Value| -> Result<Value, Failure> {
        let call = Call::post("/api/collections", collection).with(AUTHORIZATION, &credential);
        Ok(serde_json::from_slice(&connection.ask(call).await?)?)
    };
    let people = make(&users("people", "base")).await?;
    make(&addresses(&people["id"])).await?;
    make(&users("accounts", "auth")).await?;
    let batches = json!({ "batch": { "enabled": true, "maxRequests": 2, "timeout": 3 } });
    let settings = Call::patch("/api/settings", &batches).with(AUTHORIZATION, &credential);
    connection.ask(settings).await?;
    Ok(credential)
}

/// A collection of users. An auth collection already has e-mail address, password and `verified`.
fn users(name: &str, kind: &str) -> Value {
    json!({
        "name": name,
        "type": kind,
        "fields": [
            { "name": "username", "type": "text", "required": true, "max": 64 },
            { "name": "given_name", "type": "text" },
            { "name": "family_name", "type": "text" },
            { "name": "created", "type": "autodate", "onCreate": true },
            { "name": "updated", "type": "autodate", "onCreate": true, "onUpdate": true },
        ],
        "indexes": [format!("CREATE UNIQUE INDEX {name}_username ON {name} (username)")],
    })
}

fn addresses(people: &Value) -> Value {
    json!({
        "name": "addresses",
        "type": "base",
        "fields": [
            {
                "name": "person",
                "type": "relation",
                "collectionId": people,
                "maxSelect": 1,
                "required": true,
                "cascadeDelete": true,
            },
            { "name": "email", "type": "email", "required": true },
            { "name": "verified", "type": "bool" },
        ],
        "indexes": [
            "CREATE INDEX addresses_person ON addresses (person)",
            "CREATE UNIQUE INDEX addresses_email ON addresses (email)",
        ],
    })
}

pub(crate) fn call(task: &Task<'_>, credential: &HeaderValue) -> Call {
    match task {
        Task::Get(user) => {
            let addresses = "expand=addresses_via_person";
            let path = format!("/api/collections/people/records/{user}?{addresses}");
            Call::get(&path).with(AUTHORIZATION, credential)
        }
        Task::GetAlone(user) => {
            let path = format!("/api/collections/people/records/{user}");
            Call::get(&path).with(AUTHORIZATION, credential)
        }
        Task::SignIn(email) => {
            let body = json!({ "identity": email, "password": PASSWORD });
            Call::post("/api/collections/accounts/auth-with-password", &body)
        }
        Task::AddEmail { user, email } => {
            let body = json!({ "person": user, "email": email, "verified": true });
            Call::post("/api/collections/addresses/records", &body).with(AUTHORIZATION, credential)
        }
        Task::Create(user) => create(user).with(AUTHORIZATION, credential),
    }
}

fn create(user: &NewUser) -> Call {
    let mut person = json!({
        "username": user.username(),
        "given_name": "Ada",
        "family_name": "Lovelace",
    });
    if user.has_password {
        person["email"] = user.email().into();
        person["verified"] = true.into();
        person["password"] = PASSWORD.into();
        person["passwordConfirm"] = PASSWORD.into();
        return Call::post("/api/collections/accounts/records", &person);
    }
    let id = format!("{:0>ID_LENGTH$}", user.username());
    let address = json!({ "person": id, "email": user.email(), "verified": true });
    person["id"] = id.into();
    let create = |collection: &str, body: Value| {
        let url = format!("/api/collections/{collection}/records");
        json!({ "method": "POST", "url": url, "body": body })
    };
    let requests = [create("people", person), create("addresses", address)];
    Call::post("/api/batch", &json!({ "requests": requests }))
}
