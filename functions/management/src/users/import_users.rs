//! `POST /api/users/import`: create many users, as they are shown elsewhere.

use roster_http::{
    Action, Answer, App, Body, Cause, Connect, Endpoint, Failure, ImportMode, Imported,
    ImportedUserBody, LineBody, LineOutcome, Method, Need, Partition, Problem, Request, Response,
    Schema,
};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "import_users",
    summary: "Import users",
    description: "Creates users from lines of JSON (NDJSON) or an array of them, at most 4 MB and 10,000: any \
        user that GET answers, and beside it the password's hash. Each line has its own result: 201, or 200 \
        where the same line has made the user before, or a problem. It never changes a user who is there: \
        another line with the same id is 409. A line with 503 can be sent again.",
    routes: &[(Method::POST, "/api/users/import")],
    actions: &[Action::GetItem, Action::PutItem],
    partitions: &[
        Partition::Email,
        Partition::Phone,
        Partition::User,
        Partition::Username,
    ],
    connect: Connect::BY_PUT,
    needs: &[Need::Bulk],
    statuses: &[200],
    query: &[Schema::of::<ImportQuery>()],
    body: Body::lines::<ImportedUserBody>(
        r#"{"user_id":"Grace0Hopper1906Yale","creation_time":1640975400,"username":{"username":"grace"},"emails":[{"email":"grace@example.org","verified":true,"primary":true}],"claims":{"name":"Grace Hopper"},"password_hash":"$2b$12$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q"}"#,
    ),
    answer: Answer::json::<Vec<LineBody<'_>>>(),
    handler: |app, request| Box::pin(import_users(app, request)),
    ..Endpoint::EDITS_USER
};

/// The query.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct ImportQuery {
    /// Only look what would become of each line, and write nothing.
    #[serde(default)]
    dry_run: bool,
}

async fn import_users(app: &App, request: Request) -> Result<Response, Failure> {
    let query: ImportQuery = request.query()?;
    let mode = if query.dry_run {
        ImportMode::DryRun
    } else {
        ImportMode::Write
    };
    let importer = request.importer(app);
    let (mut read, mut imports) = (Vec::new(), Vec::new());
    for line in request.lines()? {
        let (user_id, import) = importer.read(&line);
        read.push((
            line.number,
            user_id,
            import.map(|import| imports.push(import)),
        ));
    }
    let deadline = request.deadline_of_lines();
    let mut tried = app
        .imports
        .import(&imports, mode, deadline)
        .await
        .into_iter();
    let outcomes = read.into_iter().map(|(line, user_id, read)| {
        let outcome = read.and_then(|()| match tried.next().flatten() {
            Some(Ok(Imported::Created)) => Ok(201),
            Some(Ok(Imported::Found)) => Ok(200),
            Some(Err(error)) => Err(error.into()),
            None => Err(Problem::Unavailable(Cause::OutOfTime)),
        });
        LineOutcome {
            line,
            user_id,
            outcome,
        }
    });
    Response::lines(outcomes.collect())
}
