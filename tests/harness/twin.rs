//! Compares the embedded store with dynoxide's own server. All requests that a test made to the store
//! in its process are made to the server afterwards, and must get the same answers. A test in which
//! another program used the store, too, is not compared.
//!
//! For that, the requests of a test reach the store one after the other, as they reach SQLite anyway.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpClient,
};
use dynoxide::Database;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::{free_port, layer, log};

/// Actions whose answers contain ids and times of the store.
const TELL_THEIR_OWN: [&str; 2] = ["CreateTable", "DescribeTable"];

/// How many of a test's first requests are compared. Later ones are of the same kinds.
const MAX_COMPARED: usize = 500;

/// The requests to a store in this process, in order, and its answers.
#[derive(Clone, Default)]
pub(crate) struct Journal {
    entries: Arc<Mutex<Vec<Entry>>>,
    /// A program has also used the store, so its state can't be reproduced.
    is_incomplete: Arc<AtomicBool>,
}

struct Entry {
    request: Asked,
    status: u16,
    answer: Value,
}

struct Asked {
    target: String,
    body: Vec<u8>,
}

impl Journal {
    /// The SDK's client for a store, `inner`, whose requests are written down from now on.
    pub(crate) fn of(&self, inner: SharedHttpClient) -> SharedHttpClient {
        let entries = Arc::clone(&self.entries);
        layer::before(inner, move |inner, request| {
            let entries = Arc::clone(&entries);
            HttpConnectorFuture::new(async move {
                let asked = Asked {
                    target: request.headers().get("x-amz-target").unwrap().to_owned(),
                    body: request.body().bytes().unwrap().to_owned(),
                };
                // The lock makes the order of the journal the order of the writes.
                let mut entries = entries.lock().await;
                if entries.len() == MAX_COMPARED {
                    drop(entries);
                    return inner.call(request).await;
                }
                let response = inner.call(request).await?;
                entries.push(Entry {
                    request: asked,
                    status: response.status().as_u16(),
                    answer: serde_json::from_slice(response.body().bytes().unwrap()).unwrap(),
                });
                Ok(response)
            })
        })
    }

    /// Called before a program uses the store in another way.
    pub(crate) fn give_up(&self) {
        self.is_incomplete.store(true, Ordering::Relaxed);
    }

    /// Sends the same requests to dynoxide's own server, on an empty database, in the same order.
    async fn compare(&self) {
        if self.is_incomplete.load(Ordering::Relaxed) {
            return;
        }
        let entries = self.entries.lock().await;
        let listener = free_port().await;
        let url = format!("http://{}", listener.local_addr().unwrap());
        let database = Database::memory().unwrap();
        tokio::spawn(dynoxide::server::serve_on(listener, database));
        let client = reqwest::Client::new();
        for Entry {
            request,
            status,
            answer,
        } in &*entries
        {
            let response = client
                .post(&url)
                .header("x-amz-target", &request.target)
                .header("content-type", "application/x-amz-json-1.0")
                .header("x-amz-date", "20260101T000000Z")
                .header(
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=0",
                )
                .body(request.body.clone())
                .send()
                .await
                .unwrap();
            let asked = String::from_utf8_lossy(&request.body);
            assert_eq!(response.status().as_u16(), *status, "{asked}");
            let (_, action) = request.target.split_once('.').unwrap();
            if !TELL_THEIR_OWN.contains(&action) {
                let own = response.bytes().await.unwrap();
                let mut own: Value = serde_json::from_slice(&own).unwrap();
                if action == "TransactWriteItems" && *answer == Value::Object(Map::new()) {
                    // For a repeat under the same token, only the server reports the capacity of a read.
                    own.as_object_mut().unwrap().remove("ConsumedCapacity");
                }
                assert_eq!(&own, answer, "{action} {asked}");
            }
        }
        log::compared(entries.len());
    }
}

/// Compares at the end of a test.
pub(crate) struct Comparison(pub(crate) Journal);

impl Drop for Comparison {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let journal = self.0.clone();
        let compare = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(journal.compare());
        };
        let compared = std::thread::spawn(compare).join();
        assert!(
            compared.is_ok(),
            "dynoxide's own server answers otherwise than the store in process"
        );
    }
}
