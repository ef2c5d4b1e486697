//! `PUT /api/users/{user_id}/password/change`: change a password for a person who knows the present
//! one.

use domain::password::{NewPassword, OldPassword, OwnNames, PasswordHash};
use domain::{Refusal, User};
use roster_http::{App, Body, Endpoint, Failure, Method, Need, Request, Response, required};
use secrecy::SecretString;
use serde::Deserialize;

use super::given::GivenPassword;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "change_password",
    summary: "Change a user's password, given the present one",
    description: "Either `new_password` or `new_password_hash`. A wrong old password is refused with \
        `PasswordMismatch`, and is not counted as a failed sign-in. Links that were mailed \
        before end. Sessions go on, unless `revoke_sessions` ends them.",
    routes: &[(Method::PUT, "/api/users/{user_id}/password/change")],
    needs: &[Need::Hashing],
    body: Body::object::<ChangePassword>(
        r#"{"old_password":"correct horse battery","new_password":"staple battery horse correct"}"#,
    ),
    handler: |app, request| Box::pin(change_password(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body. Either `new_password` or `new_password_hash` is needed.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct ChangePassword {
    /// The present password.
    #[cfg_attr(feature = "schema", schemars(required, with = "String"))]
    old_password: Option<SecretString>,
    /// 8 to 128 characters, none of the common ones, and not the username, an address or what stands
    /// before its @. Either this or `new_password_hash`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    new_password: Option<SecretString>,
    /// bcrypt, or a PHC string of argon2id, scrypt or pbkdf2. Either this or `new_password`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    new_password_hash: Option<SecretString>,
    /// The hash's algorithm; when given, the hash must be of it. `b_crypt` is `bcrypt`, too. It is also
    /// taken as `password_hash_algorithm`, as other calls name it.
    #[serde(alias = "password_hash_algorithm")]
    new_password_hash_algorithm: Option<String>,
    /// End all sessions of the user, too. Default: false.
    revoke_sessions: Option<bool>,
}

async fn change_password(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let body: ChangePassword = request.json()?;
    let old = OldPassword::typed(required("old_password", body.old_password)?);
    let given = GivenPassword {
        names: ["new_password", "new_password_hash"],
        password: body.new_password,
        hash: body.new_password_hash,
        algorithm: body.new_password_hash_algorithm,
        skips_policy: false,
    };
    let new = given.exactly_one(app)?;
    let user = app
        .users
        .edit(&user_id, &request.write, |user| {
            old.check(user)?;
            user.set_password(hash_for(user, &new)?, false, request.now());
            if body.revoke_sessions == Some(true) {
                user.end_sessions();
            }
            Ok(())
        })
        .await?;
    Response::user(&user, request.now())
}

/// The hash to be kept, when the policy allows the password.
fn hash_for(user: &User, new: &NewPassword) -> Result<PasswordHash, Refusal> {
    let hash = new.hash(&OwnNames::of(user));
    Ok(hash.map_err(|error| error.about("new_password"))?)
}
