//! `PUT /api/users/{user_id}/password`: give a user a password, in place of any other.

use domain::password::OwnNames;
use roster_http::{App, Body, Endpoint, Failure, Method, Need, Request, Response};
use secrecy::SecretString;
use serde::Deserialize;

use super::given::{GivenPassword, is_temporary};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "set_password",
    summary: "Set a user's password",
    description: "Either `password` or `password_hash`. It takes the place of any other password and \
        ends the lock-out of the account and all links that were mailed. Sessions go on, \
        unless `revoke_sessions` ends them.",
    routes: &[(Method::PUT, "/api/users/{user_id}/password")],
    needs: &[Need::Hashing],
    body: Body::object::<SetPassword>(r#"{"password":"staple battery horse correct"}"#),
    handler: |app, request| Box::pin(set_password(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body. Either `password` or `password_hash` is needed.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct SetPassword {
    /// 8 to 128 characters, none of the common ones, and not the username, an address or what stands
    /// before its @. Either this or `password_hash`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    password: Option<SecretString>,
    /// bcrypt, or a PHC string of argon2id, scrypt or pbkdf2. Either this or `password`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    password_hash: Option<SecretString>,
    /// The hash's algorithm; when given, the hash must be of it. `b_crypt` is `bcrypt`, too.
    password_hash_algorithm: Option<String>,
    /// The password must be changed at the next sign-in. Default: false beside `password_hash`; beside
    /// `password` true, unless the deployment sets `TemporaryPasswordByDefault` to false.
    is_temporary_password: Option<bool>,
    /// Take a short or common password, or one that names its user. Default: false.
    skip_password_policy_checks: Option<bool>,
    /// End all sessions of the user, too. Default: false.
    revoke_sessions: Option<bool>,
}

async fn set_password(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let body: SetPassword = request.json()?;
    let given = GivenPassword {
        names: ["password", "password_hash"],
        password: body.password,
        hash: body.password_hash,
        algorithm: body.password_hash_algorithm,
        skips_policy: body.skip_password_policy_checks.unwrap_or(false),
    };
    let new = given.exactly_one(app)?;
    let force_reset = is_temporary(body.is_temporary_password, &new, app);
    let user = app
        .users
        .edit(&user_id, &request.write, |user| {
            let hash = new.hash(&OwnNames::of(user))?;
            user.set_password(hash, force_reset, request.now());
            if body.revoke_sessions == Some(true) {
                user.end_sessions();
            }
            Ok(())
        })
        .await?;
    Response::user(&user, request.now())
}
