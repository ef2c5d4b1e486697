//! The stream's consumers: which records they get, and which come again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use consumer::{BatchConsumed, Change, Consumed, Consumer, Fault, Handler, SortKey, Wait, Worker};
use domain::{Actor, Addresses, ChangedBy, OperationId, User, UserFacts, UserId, rule, sample};
use local::database::{self, Dynamodb, Place};
use local::link_keys::KeyPair;
use local::outbox::Outbox;
use local::port;
use local::stream::{Stream, Workers};
use local::template::Template;
use roster_http::{App, Clock, Entropy};
use store::{Item, Precondition, Settings, Table, Users, Write};
use tokio::time::{Duration, Instant};

use crate::common::{NOW, app, courier, free_port, start, template};

/// Sends an SMS for every new user, and fails when that is refused.
static CONSUMER: Consumer = Consumer {
    name: "consume",
    waits_for: &[Wait {
        changes: &[Change::Insert],
        sort_key: SortKey::StartsWith("USER"),
    }],
    actions: &[],
    partitions: &[],
    needs: &[],
    batch_size: 10,
    dead_letters: None,
    handler: Handler::Each(|worker, key| {
        Box::pin(async move {
            assert!(!key.partition.contains("poison"), "a poisonous record");
            if key.partition.contains("unlucky") {
                return Err(Fault("as planned".to_owned()));
            }
            let text = format!("{} {}", key.partition, key.sort);
            let sent = worker
                .courier
                .as_ref()
                .unwrap()
                .sms("+4915112345678", &text)
                .await;
            sent.map(|()| Consumed("sent"))
                .map_err(|error| Fault(error.to_string()))
        })
    }),
};

/// Sends an SMS for every change of a user: what happened, and the user's version before and after.
static WATCHER: Consumer = Consumer {
    name: "consume",
    waits_for: &[Wait {
        changes: Change::ALL,
        sort_key: SortKey::Is("USER"),
    }],
    actions: &[],
    partitions: &[],
    needs: &[],
    batch_size: 10,
    dead_letters: None,
    handler: Handler::Batch(|worker, records, _| {
        Box::pin(async move {
            let version =
                |image: Option<Item>| image.map(|image| image["version"].as_n().unwrap().clone());
            let courier = worker.courier.as_ref().unwrap();
            let mut done = 0;
            for record in records {
                let (old, new) = (version(record.old), version(record.new));
                let text = format!("{} {old:?} {new:?}", record.change.as_str());
                courier.sms("+4915112345678", &text).await.unwrap();
                done += 1;
            }
            BatchConsumed { done, fault: None }
        })
    }),
};

struct Scene {
    users: Users,
    dynamodb: Dynamodb,
    settings: Settings,
    outbox: Outbox,
    workers: Workers,
    stream: Stream,
}

impl Scene {
    async fn new() -> Self {
        Self::at(&Place::Memory).await
    }

    async fn at(place: &Place) -> Self {
        let dynamodb = Dynamodb::open(place).await.unwrap();
        let settings = dynamodb.settings("stream");
        let template = template(&[]);
        let made = database::prepare(&dynamodb, &settings, &template.table);
        made.await.unwrap();
        let (base, outbox) = start(&KeyPair::new(&Entropy::seeded(1)), &[]).await;
        Self {
            users: Users::new(Table::at(&settings)),
            workers: workers(Worker {
                app: app(&settings),
                courier: Some(courier(&base)),
            }),
            stream: open(&dynamodb).await,
            dynamodb,
            settings,
            outbox,
        }
    }

    async fn create(&self, ids: &[&str]) {
        for id in ids {
            let user = User::restore(UserFacts {
                id: UserId::parse(id).unwrap(),
                emails: Addresses::default(),
                phones: Addresses::default(),
                username: None,
                ..sample::published().into()
            });
            let write = Write {
                by: by(),
                operation: OperationId::of(&[id.as_bytes()]),
                is_named: false,
                precondition: Precondition::None,
                now: NOW,
                deadline: Instant::now() + Duration::from_secs(10),
            };
            self.users.create(user, &write).await.unwrap();
        }
    }

    async fn deliver(&self) -> usize {
        self.stream.deliver(&self.workers).await.unwrap()
    }

    /// Waits until an SMS was sent for each of these users.
    async fn wait_for(&self, wanted: &[&str]) {
        let wait = async {
            while self.told() != wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(30), wait).await;
        assert!(told.is_ok(), "{:?}", self.told());
    }

    /// The ids of the users for whom an SMS was sent.
    fn told(&self) -> Vec<String> {
        let messages = self.outbox.messages().into_iter();
        let id = |text: &str| {
            text.strip_prefix("USER#")?
                .strip_suffix(" USER")
                .map(str::to_owned)
        };
        messages.map(|message| id(&message.text).unwrap()).collect()
    }
}

fn by() -> ChangedBy {
    ChangedBy {
        actor: Actor::System,
        call: "test".into(),
    }
}

fn write(name: &[u8]) -> Write {
    Write {
        by: by(),
        operation: OperationId::of(&[name]),
        is_named: true,
        precondition: Precondition::None,
        now: NOW,
        deadline: Instant::now() + Duration::from_secs(10),
    }
}

/// Both consumers have the same name, so that either can stand in for the template's.
fn workers(worker: Worker) -> Workers {
    Workers::from([(CONSUMER.name.to_owned(), Arc::new(worker))])
}

async fn open(dynamodb: &Dynamodb) -> Stream {
    let consumers = template(&[]).consumers;
    Stream::open(
        dynamodb,
        &dynamodb.settings("stream"),
        &consumers,
        &[&CONSUMER],
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn each_new_item_is_delivered_once_and_in_order() {
    let scene = Scene::new().await;
    assert_eq!(scene.deliver().await, 0);
    // These are more than one batch.
    scene.create(&["a", "b", "c", "d"]).await;
    assert_eq!(scene.deliver().await, 4);
    assert_eq!(scene.deliver().await, 0);
    scene.create(&["e"]).await;
    assert_eq!(scene.deliver().await, 1);
    assert_eq!(scene.told(), ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn records_from_before_the_stream_was_opened_are_delivered_too() {
    let scene = Scene::new().await;
    scene.create(&["a"]).await;
    assert_eq!(scene.deliver().await, 1);
    let late = open(&scene.dynamodb).await;
    assert_eq!(late.deliver(&scene.workers).await.unwrap(), 1);
    assert_eq!(scene.told(), ["a", "a"]);
}

#[tokio::test]
async fn changes_and_deletions_do_not_pass_the_filter() {
    let scene = Scene::new().await;
    scene.create(&["a"]).await;
    let id = UserId::parse("a").unwrap();
    scene.users.delete(&id, &write(b"delete")).await.unwrap();
    assert_eq!(scene.deliver().await, 1);
    assert_eq!(scene.told(), ["a"]);
}

#[tokio::test]
async fn a_consumer_of_every_change_is_given_the_item_before_and_after() {
    let scene = Scene::new().await;
    let text = include_str!("template.yaml");
    let all = text.replace(r#"["INSERT"]"#, r#"["INSERT","MODIFY","REMOVE"]"#);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("every_change.yaml");
    std::fs::write(&file, all).unwrap();
    let template = Template::read(&file, &[]).unwrap();
    let (dynamodb, settings) = (&scene.dynamodb, &scene.settings);
    let consumers: &[&_] = &[&WATCHER];
    let stream = Stream::open(dynamodb, settings, &template.consumers, consumers);
    let stream = stream.await.unwrap();

    scene.create(&["a"]).await;
    let id = UserId::parse("a").unwrap();
    let enabled = write(b"enable");
    scene
        .users
        .change(&id, &rule::enable(), &enabled)
        .await
        .unwrap();
    scene.users.delete(&id, &write(b"delete")).await.unwrap();
    assert_eq!(stream.deliver(&scene.workers).await.unwrap(), 3);
    let messages = scene.outbox.messages().into_iter();
    let told: Vec<_> = messages.map(|message| message.text).collect();
    let version = |n: &str| format!("{:?}", Some(n));
    assert_eq!(
        told,
        [
            format!("INSERT None {}", version("1")),
            format!("MODIFY {} {}", version("1"), version("2")),
            format!("REMOVE {} None", version("2")),
        ]
    );
}

#[tokio::test]
async fn a_record_that_fails_comes_again_with_those_after_it() {
    let scene = Scene::new().await;
    scene.create(&["a", "b", "c", "d"]).await;
    scene.outbox.refuse(1, 400, "OptedOut");
    assert_eq!(scene.deliver().await, 3);
    assert_eq!(scene.told(), ["b", "c"]);
    assert_eq!(scene.deliver().await, 4);
    assert_eq!(scene.told(), ["b", "c", "a", "b", "c", "d"]);
    assert_eq!(scene.deliver().await, 0);
}

#[tokio::test]
async fn records_before_one_that_fails_do_not_come_again() {
    let scene = Scene::new().await;
    scene.create(&["a", "unlucky", "b"]).await;
    assert_eq!(scene.deliver().await, 3);
    assert_eq!(scene.told(), ["a", "b"]);
    assert_eq!(scene.deliver().await, 2);
    assert_eq!(scene.told(), ["a", "b", "b"]);
}

#[tokio::test]
async fn a_record_that_fails_too_often_is_given_up() {
    let scene = Scene::new().await;
    scene.create(&["a"]).await;
    // Three refusals: the first try and the template's two retries.
    scene.outbox.refuse(3, 400, "OptedOut");
    for _ in 0..2 {
        assert_eq!(scene.deliver().await, 1);
    }
    scene.create(&["b"]).await;
    // The failed record is given up, and no longer holds up those after it.
    assert_eq!(scene.deliver().await, 3);
    assert_eq!(scene.deliver().await, 0);
    assert_eq!(scene.told(), ["b", "b"]);
}

#[tokio::test]
async fn a_record_that_is_too_old_is_given_up_and_holds_no_other_up() {
    let scene = Scene::new().await;
    let made = Clock::System.now();
    let at = |minutes| {
        let app = App {
            clock: Clock::Fixed(made.plus(Duration::from_mins(minutes))),
            ..app(&scene.settings)
        };
        let courier = scene.workers[CONSUMER.name].courier.clone();
        workers(Worker { app, courier })
    };
    scene.create(&["unlucky", "a"]).await;
    assert_eq!(scene.stream.deliver(&at(59)).await.unwrap(), 2);
    assert_eq!(scene.told(), ["a"]);
    // The template's hour is over for the record that failed. The other one is as old.
    assert_eq!(scene.stream.deliver(&at(61)).await.unwrap(), 0);
    assert_eq!(scene.deliver().await, 0);
    scene.create(&["b"]).await;
    assert_eq!(scene.deliver().await, 1);
    assert_eq!(scene.told(), ["a", "b"]);
}

#[tokio::test]
async fn a_panic_holds_up_nothing_but_its_own_record() {
    let scene = Scene::new().await;
    scene.create(&["a", "poison", "b"]).await;
    for _ in 0..8 {
        scene.deliver().await;
    }
    assert_eq!(scene.deliver().await, 0);
    let told = scene.told();
    assert_eq!(told.last().map(String::as_str), Some("b"));
    assert!(told.contains(&"a".to_owned()), "{told:?}");
}

#[tokio::test]
async fn an_unknown_consumer_is_refused() {
    let scene = Scene::new().await;
    let consumers = template(&[]).consumers;
    let refused = Stream::open(&scene.dynamodb, &scene.settings, &consumers, &[]).await;
    let refused = refused.err().unwrap().to_string();
    assert!(
        refused.contains("there is no consumer consume"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_table_that_is_not_there_is_refused() {
    let scene = Scene::new().await;
    let missing = scene.dynamodb.settings("missing");
    let refused = Stream::open(&scene.dynamodb, &missing, &[], &[]).await;
    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("no stream"), "{refused}");
}

/// The path of a file for one test, which doesn't exist yet.
fn new_file(name: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.db"));
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
    file
}

/// How many records of the stream are in the file.
fn records(file: &Path) -> u32 {
    let file = rusqlite::Connection::open(file).unwrap();
    let count = "SELECT count(*) FROM _stream_records";
    file.query_row(count, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn records_that_every_consumer_has_processed_are_removed_and_a_restart_reads_on() {
    let file = new_file("removed");
    let place = Place::File(file.clone());
    let scene = Scene::at(&place).await;
    // More records than are removed at once.
    let ids: Vec<String> = (0..210).map(|number| number.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    scene.create(&ids).await;
    assert!(records(&file) >= 210);
    scene.stream.remove_consumed().await.unwrap();
    assert!(records(&file) >= 210, "nothing was consumed yet");
    while scene.deliver().await > 0 {}
    scene.stream.remove_consumed().await.unwrap();
    // The last record stays: dynoxide numbers the next one after it.
    assert_eq!(records(&file), 1);
    scene.create(&["late"]).await;
    assert_eq!(scene.deliver().await, 1);
    scene.stream.remove_consumed().await.unwrap();
    scene.create(&["later"]).await;
    drop(scene);

    let scene = Scene::at(&place).await;
    scene.create(&["last"]).await;
    assert_eq!(scene.deliver().await, 2);
    assert_eq!(scene.told(), ["later", "last"]);
    scene.stream.remove_consumed().await.unwrap();
    assert_eq!(records(&file), 1);
}

#[tokio::test]
async fn a_record_that_fails_is_kept_with_those_after_it() {
    let file = new_file("kept");
    let place = Place::File(file.clone());
    let scene = Scene::at(&place).await;
    scene.create(&["a", "unlucky", "b"]).await;
    scene.deliver().await;
    assert_eq!(scene.told(), ["a", "b"]);
    scene.stream.remove_consumed().await.unwrap();
    drop(scene);

    let scene = Scene::at(&place).await;
    scene.deliver().await;
    assert_eq!(scene.told(), ["b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_wake_when_something_is_written_and_when_what_failed_has_rested() {
    let scene = Scene::new().await;
    let workers = scene.workers.clone();
    let running = {
        let stream = open(&scene.dynamodb).await;
        tokio::spawn(async move { stream.run(workers).await })
    };
    scene.create(&["a"]).await;
    scene.wait_for(&["a"]).await;
    scene.outbox.refuse(1, 400, "OptedOut");
    scene.create(&["b"]).await;
    // There are no further writes after this.
    scene.wait_for(&["a", "b"]).await;

    let Dynamodb::Embedded(embedded) = &scene.dynamodb else {
        unreachable!()
    };
    let (listener, url) = free_port().await;
    port::serve(embedded, listener, None);
    let through_the_port = Settings {
        endpoint: Some(url),
        http_client: store::http_client(),
        ..scene.settings.clone()
    };
    let users = Users::new(Table::at(&through_the_port));
    let scene = Scene { users, ..scene };
    scene.create(&["c"]).await;
    scene.wait_for(&["a", "b", "c"]).await;
    running.abort();
}
