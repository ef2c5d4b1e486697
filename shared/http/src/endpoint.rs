//! What is to be known of a call from outside of it, once.

use std::pin::Pin;

pub use lambda_http::http::Method;

use store::Table;

use crate::{App, Problem, Request, Response};

/// The future that a handler returns.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send + 'a>>;

/// A call's facts. template.yaml, openapi.yaml, the events, the binaries and README's table of
/// calls are checked against it, or made from it.
#[derive(Debug)]
pub struct Endpoint {
    /// The call's name everywhere: module, binary, event, test file, operation id.
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// How API Gateway routes to it, the last slash left out.
    pub routes: &'static [(Method, &'static str)],
    /// Who may call it.
    pub access: Access,
    /// What its role may do to the table.
    pub actions: &'static [Action],
    /// How it connects to the table while the function starts.
    pub connect: Connect,
    /// The statuses of its own that it may answer, success first; [`Endpoint::shared_statuses`]
    /// come on top.
    pub statuses: &'static [u16],
    /// The shape of the body that it takes.
    pub body: Schema,
    /// An example of that body; empty when it takes none.
    pub example: &'static str,
    /// The shape of the body that it answers on success.
    pub answer: Schema,
    /// The call itself.
    pub handler: for<'a> fn(&'a App, Request) -> HandlerFuture<'a>,
}

impl Endpoint {
    /// The errors that every call of its access may answer (users-api.md, section 4).
    pub fn shared_statuses(&self) -> &'static [u16] {
        match self.access {
            Access::Link => &[400, 403, 413, 429, 500, 503],
            _ => &[400, 401, 403, 413, 429, 500, 503],
        }
    }

    /// Its first route: the one that documentation shows.
    pub fn route(&self) -> (&'static Method, &'static str) {
        let (method, path) = &self.routes[0];
        (method, path)
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
    /// Anybody who wants to sign in.
    SignIn,
    /// Whoever holds a signed link.
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

/// A request that finds and changes nothing, made before the first event comes: Lambda gives the
/// start of a small function a whole core, and its first request a fourteenth of one.
#[derive(Clone, Copy, Debug)]
pub struct Connect {
    /// What the role must allow for it.
    pub action: Action,
    pub(crate) run: for<'a> fn(&'a Table) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
}

impl Connect {
    /// Reads what isn't there.
    pub const BY_GET: Self = Self {
        action: Action::GetItem,
        run: |table| Box::pin(table.connect_by_get()),
    };
    /// Replaces what isn't there, if it is.
    pub const BY_PUT: Self = Self {
        action: Action::PutItem,
        run: |table| Box::pin(table.connect_by_put()),
    };
    /// Updates what isn't there, if it is.
    pub const BY_UPDATE: Self = Self {
        action: Action::UpdateItem,
        run: |table| Box::pin(table.connect_by_update()),
    };
}

/// A body's JSON schema, known only where the feature `schema` is on.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    #[cfg(feature = "schema")]
    make: Option<fn(&mut schemars::SchemaGenerator) -> schemars::Schema>,
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
    /// No body.
    pub const NONE: Self = Self {
        #[cfg(feature = "schema")]
        make: None,
    };

    /// The body is a `T`.
    pub const fn of<T: WireSchema>() -> Self {
        Self {
            #[cfg(feature = "schema")]
            make: Some(schemars::SchemaGenerator::subschema_for::<T>),
        }
    }

    /// The schema, or a reference to it among the generator's definitions.
    #[cfg(feature = "schema")]
    pub fn generate(self, generator: &mut schemars::SchemaGenerator) -> Option<schemars::Schema> {
        self.make.map(|make| make(generator))
    }
}
