//! The facts about a call that other parts need.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;

pub use lambda_http::http::Method;

use store::{Index, Partition, Table};

use crate::{App, Cause, Failure, Problem, Request, Response, UserList, UserSummaryBody};

/// The future that a handler returns.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<Response, Failure>> + Send + 'a>>;

/// The facts about a call. `cargo run -- generate` makes from them the call's function, role, throttle
/// and routes in template.yaml, its binary, its event, its path in openapi.yaml and its line in README.
///
/// What many calls have in common stands once, in a base such as [`Endpoint::CHANGES_USER`]; a call
/// adds the rest:
///
/// ```
/// # use roster_http::{App, Endpoint, Failure, Method, Request, Response};
/// pub static ENDPOINT: Endpoint = Endpoint {
///     name: "touch_user",
///     summary: "Touch a user",
///     routes: &[(Method::POST, "/api/users/{user_id}/touch")],
///     handler: |app, request| Box::pin(touch_user(app, request)),
///     ..Endpoint::CHANGES_USER
/// };
///
/// async fn touch_user(app: &App, request: Request) -> Result<Response, Failure> {
///     let rule = domain::rule::enable();
///     let user = app.users.change(&request.path()?, &rule, &request.write).await?;
///     Response::user(&user, request.now())
/// }
/// # assert_eq!(ENDPOINT.statuses, [200, 404, 409, 412, 422]);
/// ```
#[derive(Debug)]
pub struct Endpoint {
    /// The call's name everywhere: module, binary, event, test file, operation id.
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// What a caller must know beside the summary, in Markdown: effects, and refusals by their codes.
    pub description: &'static str,
    /// How API Gateway routes to it, without the last slash. The first route is the one in the
    /// documentation and the sample event.
    pub routes: &'static [(Method, &'static str)],
    /// Who may call it.
    pub access: Access,
    /// What its role may do to the table.
    pub actions: &'static [Action],
    /// The kinds of partition that its role may do it to. [`Partition::Operation`] is always added: by
    /// it a function connects to the table, and in it are the operations that clients have named.
    pub partitions: &'static [Partition],
    /// The indexes that its role may query.
    pub indexes: &'static [Index],
    /// How it connects to the table while the function starts.
    pub connect: Connect,
    /// What its function needs besides the table.
    pub needs: &'static [Need],
    /// The statuses of its own that it may answer, success first; [`Endpoint::shared_statuses`]
    /// come on top.
    pub statuses: &'static [u16],
    /// The query parameters that it takes: the members of these.
    pub query: &'static [Schema],
    /// The body that it takes.
    pub body: Body,
    /// The body that it answers on success.
    pub answer: Answer,
    /// The call itself.
    pub handler: for<'a> fn(&'a App, Request) -> HandlerFuture<'a>,
}

impl Endpoint {
    /// Reads one user, by an API key that may read: one `GetItem`.
    pub const READS_USER: Self = Self {
        access: Access::Read,
        actions: &[Action::GetItem],
        connect: Connect::BY_GET,
        statuses: &[200, 304, 404, 422],
        answer: Answer::User,
        ..Self::EMPTY
    };

    /// Lists what one user has, by an API key that may read: the user is looked up by one `GetItem`. The
    /// call says what its list holds, and what its query takes.
    pub const LISTS: Self = Self {
        statuses: &[200, 404, 422],
        ..Self::READS_USER
    };

    /// Lists users, from indexes. The call says where they are found.
    pub const LISTS_USERS: Self = Self {
        actions: &[Action::BatchGetItem, Action::GetItem, Action::Query],
        connect: Connect::BY_QUERY,
        needs: &[Need::Bulk],
        statuses: &[200],
        query: UserList::QUERY,
        answer: Answer::list::<UserSummaryBody<'_>>(),
        ..Self::READS_USER
    };

    /// Changes one user by a rule: one conditional `UpdateItem`.
    pub const CHANGES_USER: Self = Self {
        access: Access::Write,
        actions: &[Action::UpdateItem],
        connect: Connect::BY_UPDATE,
        statuses: &[200, 404, 409, 412, 422],
        answer: Answer::User,
        ..Self::EMPTY
    };

    /// Reads one user and writes it: `GetItem`, then `UpdateItem`. A call that gives or takes an
    /// identifier says by which actions on which partitions it does that, by `TransactWriteItems`.
    pub const EDITS_USER: Self = Self {
        actions: &[Action::GetItem, Action::UpdateItem],
        connect: Connect::BY_GET,
        ..Self::CHANGES_USER
    };

    /// A signed-in person's own call. The use of a session is written down once a day.
    pub const PERSON: Self = Self {
        access: Access::Session,
        actions: &[Action::BatchGetItem, Action::UpdateItem],
        connect: Connect::BY_UPDATE,
        statuses: &[200],
        ..Self::EMPTY
    };

    /// A signed link that is followed: it answers a person with a page, and a program without a body.
    pub const LINK: Self = Self {
        access: Access::Link,
        actions: &[
            Action::DeleteItem,
            Action::PutItem,
            Action::Query,
            Action::UpdateItem,
        ],
        partitions: &[Partition::Email, Partition::User],
        connect: Connect::BY_UPDATE,
        needs: &[Need::LinkKeys],
        statuses: &[200, 409],
        answer: Answer::Page,
        ..Self::EMPTY
    };

    /// The start of every base. A call without a handler answers 500 to everything, and the test of
    /// every documented status finds it.
    const EMPTY: Self = Self {
        name: "",
        summary: "",
        description: "",
        routes: &[],
        access: Access::Write,
        actions: &[],
        partitions: &[Partition::User],
        indexes: &[],
        connect: Connect::BY_GET,
        needs: &[],
        statuses: &[],
        query: &[],
        body: Body::None,
        answer: Answer::Nothing,
        handler: |_, _| Box::pin(async { Err(Problem::Internal(Cause::NoHandler).into()) }),
    };

    /// The errors that every call of its access may answer (users-api.md, section 4).
    pub fn shared_statuses(&self) -> &'static [u16] {
        match self.access {
            Access::Link => &[400, 403, 413, 429, 500, 503],
            _ => &[400, 401, 403, 413, 429, 500, 503],
        }
    }

    /// Whether there is anything that it answers with success.
    pub fn succeeds(&self) -> bool {
        self.statuses.first().is_some_and(|first| *first < 300)
    }

    /// How long its function may run. One that works on many users ends a second before API Gateway gives
    /// up, so that its answer still arrives.
    pub fn time(&self) -> Duration {
        if self.needs.contains(&Need::Bulk) {
            Duration::from_secs(28)
        } else {
            Duration::from_secs(10)
        }
    }

    /// Its first route: the one that documentation shows.
    pub fn route(&self) -> (&'static Method, &'static str) {
        let (method, path) = &self.routes[0];
        (method, path)
    }

    /// The kinds of partition that its role is for, connecting included.
    pub fn role_partitions(&self) -> BTreeSet<Partition> {
        let own = self.partitions.iter().copied();
        own.chain([Partition::Operation]).collect()
    }

    /// What its role may do to them, connecting included.
    pub fn role_actions(&self) -> BTreeSet<Action> {
        let own = self.actions.iter().copied();
        own.chain([self.connect.action]).collect()
    }
}

/// Who may make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The API keys of administrators and readers.
    Read,
    /// The API keys of administrators.
    Write,
    /// A signed-in person, by the session's cookies.
    Session,
    /// A person who wants to sign in.
    SignIn,
    /// The holder of a signed link.
    Link,
}

impl Access {
    /// Whether API Gateway asks for an API key.
    pub const fn needs_key(self) -> bool {
        matches!(self, Self::Read | Self::Write)
    }
}

/// A DynamoDB action, as an IAM policy names it.
///
/// A transaction needs the actions of its parts: `TransactWriteItems` itself is no IAM action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "DynamoDB's own names")]
pub enum Action {
    BatchGetItem,
    ConditionCheckItem,
    DeleteItem,
    GetItem,
    PutItem,
    Query,
    UpdateItem,
}

impl Action {
    /// As a policy has it.
    pub fn iam_name(self) -> String {
        format!("dynamodb:{self:?}")
    }
}

/// A request without an effect, made before the first event comes. Lambda gives a small function a
/// whole core while it starts, and only a fourteenth of one for its first request, so connecting early
/// is faster.
#[derive(Clone, Copy, Debug)]
pub struct Connect {
    /// What the role must allow for it.
    pub action: Action,
    pub(crate) run: for<'a> fn(&'a Table) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
}

impl Connect {
    /// By a read of several items, of which none is ever there.
    pub const BY_BATCH_GET: Self = Self {
        action: Action::BatchGetItem,
        run: |table| Box::pin(table.connect_by_batch_get()),
    };
    /// By a read of an item that is never there.
    pub const BY_GET: Self = Self {
        action: Action::GetItem,
        run: |table| Box::pin(table.connect_by_get()),
    };
    /// By a put whose condition is that the item exists, which it never does.
    pub const BY_PUT: Self = Self {
        action: Action::PutItem,
        run: |table| Box::pin(table.connect_by_put()),
    };
    /// By a query of a partition that is always empty.
    pub const BY_QUERY: Self = Self {
        action: Action::Query,
        run: |table| Box::pin(table.connect_by_query()),
    };
    /// By an update whose condition is that the item exists, which it never does.
    pub const BY_UPDATE: Self = Self {
        action: Action::UpdateItem,
        run: |table| Box::pin(table.connect_by_update()),
    };
}

/// What a function needs besides the table. Its environment, policy and memory follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The keys of links: it signs or checks some.
    LinkKeys,
    /// SES and SNS: it sends messages.
    Mail,
    /// A whole core: it hashes or verifies passwords.
    Hashing,
    /// A whole core, and all the time that API Gateway gives: it works on many users in one request.
    Bulk,
    /// Concurrent executions that are reserved for it in the account, as many as a parameter says.
    ReservedConcurrency,
}

/// The body that a call takes.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// None. If the caller sends one, it must be a JSON object.
    None,
    /// A JSON object.
    Object {
        /// Its shape.
        schema: Schema,
        /// A sample, in JSON.
        example: &'static str,
    },
    /// A form, as a page sends it, or a JSON object in its place.
    Form(Schema),
    /// JSON objects, each in a line of its own (NDJSON), or together in an array.
    Lines {
        /// The shape of each.
        schema: Schema,
        /// A sample of one, in JSON.
        example: &'static str,
    },
}

impl Body {
    /// A JSON object that is a `T`.
    pub const fn object<T: WireSchema>(example: &'static str) -> Self {
        Self::Object {
            schema: Schema::of::<T>(),
            example,
        }
    }

    /// A form that is a `T`.
    pub const fn form<T: WireSchema>() -> Self {
        Self::Form(Schema::of::<T>())
    }

    /// JSON objects that each are a `T`.
    pub const fn lines<T: WireSchema>(example: &'static str) -> Self {
        Self::Lines {
            schema: Schema::of::<T>(),
            example,
        }
    }

    /// How long it may be: 256 KB; 4 MB where it holds many objects. Base64-encoded, as API Gateway passes
    /// bodies on, 4 MB are 5.4 MB of the 6 MB that Lambda takes with an event.
    pub const fn max_bytes(&self) -> usize {
        match self {
            Self::Lines { .. } => 4 * 1024 * 1024,
            Self::None | Self::Object { .. } | Self::Form(_) => 256 * 1024,
        }
    }

    /// A sample of what it takes; empty where it takes no body.
    pub const fn example(&self) -> &'static str {
        match self {
            Self::Object { example, .. } | Self::Lines { example, .. } => example,
            Self::None | Self::Form(_) => "",
        }
    }
}

/// The body that a call answers on success.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// None.
    Nothing,
    /// The whole user, with its entity tag.
    User,
    /// A group, with its entity tag.
    Group,
    /// JSON of another shape.
    Json(Schema),
    /// One page of a list of these, with the header `x-pagination`.
    List(Schema),
    /// A page for a person, an empty answer for a program.
    Page,
}

impl Answer {
    /// JSON that is a `T`.
    pub const fn json<T: WireSchema>() -> Self {
        Self::Json(Schema::of::<T>())
    }

    /// One page of a list of `T`s.
    pub const fn list<T: WireSchema>() -> Self {
        Self::List(Schema::of::<Vec<T>>())
    }
}

/// A JSON schema, known only where the feature `schema` is on.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    #[cfg(feature = "schema")]
    make: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

/// A type of the wire. Where the feature `schema` is on, it has a JSON schema.
#[cfg(feature = "schema")]
pub trait WireSchema: schemars::JsonSchema {}
#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> WireSchema for T {}

/// A type of the wire. Where the feature `schema` is on, it has a JSON schema.
#[cfg(not(feature = "schema"))]
pub trait WireSchema {}
#[cfg(not(feature = "schema"))]
impl<T> WireSchema for T {}

impl Schema {
    /// The shape of a `T`.
    pub const fn of<T: WireSchema>() -> Self {
        Self {
            #[cfg(feature = "schema")]
            make: schemars::SchemaGenerator::subschema_for::<T>,
        }
    }

    /// The schema, or a reference to it among the generator's definitions.
    #[cfg(feature = "schema")]
    pub fn generate(self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        (self.make)(generator)
    }
}
