//! The stream's consumers: what they are given, and what comes again.

use std::sync::Arc;

use domain::{OperationId, User, UserId, sample};
use local::database;
use local::link_keys::KeyPair;
use local::outbox::Outbox;
use local::stream::Stream;
use roster_http::{App, Clock, Consumed, Consumer, Entropy, Fault, Worker};
use store::{Precondition, Settings, Users, Write};
use tokio::time::{Duration, Instant};

use crate::common::{NOW, app, courier, free_port, start, template};

/// Tells of every new user by SMS, and fails when that is refused.
static CONSUMER: Consumer = Consumer {
    name: "consume",
    sort_key_start: "USER",
    actions: &[],
    handler: |worker, key| {
        Box::pin(async move {
            assert!(!key.partition.contains("poison"), "a poisonous record");
            if key.partition.contains("unlucky") {
                return Err(Fault("as planned".to_owned()));
            }
            let text = format!("{} {}", key.partition, key.sort);
            let sent = worker.courier.sms("+4915112345678", &text).await;
            sent.map(|()| Consumed("sent"))
                .map_err(|error| Fault(error.to_string()))
        })
    },
};

struct Scene {
    users: Users,
    settings: Settings,
    outbox: Outbox,
    worker: Arc<Worker>,
    stream: Stream,
}

impl Scene {
    async fn new() -> Self {
        let (listener, url) = free_port().await;
        database::serve_embedded(None, listener, None).unwrap();
        let settings = database::settings(url, "stream");
        let template = template(&[]);
        database::prepare(&settings, &template.table).await.unwrap();
        let (base, outbox) = start(&KeyPair::new(&Entropy::seeded(1)), &[]).await;
        Self {
            users: Users::new(store::connect(&settings), settings.table.clone()),
            worker: Arc::new(Worker {
                app: app(&settings),
                courier: courier(&base),
            }),
            stream: open(&settings).await,
            settings,
            outbox,
        }
    }

    async fn create(&self, ids: &[&str]) {
        for id in ids {
            let user = User {
                id: UserId::parse(id).unwrap(),
                emails: [].into(),
                phones: [].into(),
                username: None,
                primary_email: None,
                primary_phone: None,
                ..sample::published()
            };
            let write = Write {
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
        self.stream.deliver(&self.worker).await.unwrap()
    }

    /// The ids of the users that were told of.
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

async fn open(settings: &Settings) -> Stream {
    let consumers = template(&[]).consumers;
    Stream::open(settings, &consumers, &[&CONSUMER])
        .await
        .unwrap()
}

#[tokio::test]
async fn each_new_item_is_delivered_once_and_in_order() {
    let scene = Scene::new().await;
    assert_eq!(scene.deliver().await, 0);
    // More than one batch.
    scene.create(&["a", "b", "c", "d"]).await;
    assert_eq!(scene.deliver().await, 4);
    assert_eq!(scene.deliver().await, 0);
    scene.create(&["e"]).await;
    assert_eq!(scene.deliver().await, 1);
    assert_eq!(scene.told(), ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn what_happened_before_the_stream_was_opened_is_delivered_too() {
    let scene = Scene::new().await;
    scene.create(&["a"]).await;
    assert_eq!(scene.deliver().await, 1);
    let late = open(&scene.settings).await;
    assert_eq!(late.deliver(&scene.worker).await.unwrap(), 1);
    assert_eq!(scene.told(), ["a", "a"]);
}

#[tokio::test]
async fn changes_and_deletions_do_not_pass_the_filter() {
    let scene = Scene::new().await;
    scene.create(&["a"]).await;
    let write = Write {
        operation: OperationId::of(&[b"delete"]),
        is_named: true,
        precondition: Precondition::None,
        now: NOW,
        deadline: Instant::now() + Duration::from_secs(10),
    };
    let id = UserId::parse("a").unwrap();
    scene.users.delete(&id, &write).await.unwrap();
    assert_eq!(scene.deliver().await, 1);
    assert_eq!(scene.told(), ["a"]);
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
async fn what_came_before_a_record_that_fails_does_not_come_again() {
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
    // Once, and the template's two retries.
    scene.outbox.refuse(3, 400, "OptedOut");
    for _ in 0..2 {
        assert_eq!(scene.deliver().await, 1);
    }
    scene.create(&["b"]).await;
    // The record before it is given up, and what comes after isn't held up.
    assert_eq!(scene.deliver().await, 3);
    assert_eq!(scene.deliver().await, 0);
    assert_eq!(scene.told(), ["b", "b"]);
}

#[tokio::test]
async fn a_record_that_is_too_old_is_given_to_nobody_and_holds_nothing_up() {
    let scene = Scene::new().await;
    let made = Clock::System.now();
    let at = |minutes| {
        let app = App {
            clock: Clock::Fixed(made.plus(Duration::from_mins(minutes))),
            ..app(&scene.settings)
        };
        let courier = scene.worker.courier.clone();
        Arc::new(Worker { app, courier })
    };
    scene.create(&["unlucky", "a"]).await;
    assert_eq!(scene.stream.deliver(&at(59)).await.unwrap(), 2);
    assert_eq!(scene.told(), ["a"]);
    // The template's hour: the one that failed is over, and the other one as old.
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
async fn a_consumer_that_nobody_has_is_refused() {
    let scene = Scene::new().await;
    let consumers = template(&[]).consumers;
    let refused = Stream::open(&scene.settings, &consumers, &[]).await;
    let refused = refused.err().unwrap().to_string();
    assert!(
        refused.contains("there is no consumer consume"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_table_that_is_not_there_is_refused() {
    let scene = Scene::new().await;
    let settings = Settings {
        table: "missing".to_owned(),
        ..scene.settings
    };
    let refused = Stream::open(&settings, &[], &[]).await;
    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("no stream"), "{refused}");
}
