//! `POST /api/users`: create a user.

use domain::password::{OwnNames, Password, PasswordHash, Policy};
use domain::profile::Profile;
use domain::user::{Credential, NewUser};
use domain::{Email, Phone, Timestamp, User, Username};
use roster_http::{
    Action, App, Body, Connect, Endpoint, Failure, Method, Need, Partition, Problem, Request,
    Response,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "create_user",
    summary: "Create a user",
    routes: &[(Method::POST, "/api/users")],
    actions: &[Action::PutItem],
    partitions: &[
        Partition::Email,
        Partition::Phone,
        Partition::User,
        Partition::Username,
    ],
    connect: Connect::BY_PUT,
    needs: &[Need::Hashing],
    statuses: &[201, 409, 422],
    body: Body::object::<CreateUser>(
        r#"{"username":"grace","email":"grace@example.org","email_verified":true,"name":"Grace Hopper"}"#,
    ),
    handler: |app, request| Box::pin(create_user(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body. At least one of username, e-mail address and phone number is needed.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct CreateUser {
    /// 1 to 64 characters, no `@`, no phone number.
    username: Option<String>,
    /// At most 254 characters.
    email: Option<String>,
    /// The address is proved, and so the primary one. Default: false.
    email_verified: Option<bool>,
    /// With its country code, such as +441514960453.
    phone_number: Option<String>,
    /// The number is proved, and so the primary one. Default: false.
    phone_number_verified: Option<bool>,
    /// 8 to 128 characters, none of the common ones, and not the username, the address or what stands
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
    name: Option<String>,
    given_name: Option<String>,
    middle_name: Option<String>,
    family_name: Option<String>,
    nickname: Option<String>,
    /// An absolute URL.
    picture: Option<String>,
    /// Take a short or common password, or one that names its user. Default: false.
    skip_password_policy_checks: Option<bool>,
    /// Taken for compatibility: this directory has no restrictions to skip.
    #[expect(dead_code, reason = "checked for its type only")]
    skip_identifier_restriction_checks: Option<bool>,
    /// Take a picture that is no URL. Default: false.
    skip_conformance_checks: Option<bool>,
}

/// The valid identifiers of the body.
struct CreateIdentifiers {
    username: Option<Username>,
    email: Option<Email>,
    phone: Option<Phone>,
}

impl CreateUser {
    fn profile(&self) -> Profile<'_> {
        Profile {
            name: self.name.as_deref(),
            given_name: self.given_name.as_deref(),
            middle_name: self.middle_name.as_deref(),
            family_name: self.family_name.as_deref(),
            nickname: self.nickname.as_deref(),
            picture: self.picture.as_deref(),
        }
    }

    /// One problem names all identifiers that are not valid.
    fn identifiers(&self) -> Result<CreateIdentifiers, Problem> {
        let username = self.username.as_deref().map(Username::parse).transpose();
        let email = self.email.as_deref().map(Email::parse).transpose();
        let phone = self.phone_number.as_deref().map(Phone::parse).transpose();
        match (username, email, phone) {
            (Ok(username), Ok(email), Ok(phone)) => Ok(CreateIdentifiers {
                username,
                email,
                phone,
            }),
            (username, email, phone) => {
                let errors = [username.err(), email.err(), phone.err()];
                Err(Problem::Rules(errors.into_iter().flatten().collect()))
            }
        }
    }

    fn credential(
        &self,
        app: &App,
        names: &OwnNames,
        now: Timestamp,
    ) -> Result<Option<Credential>, Problem> {
        let algorithm = self.password_hash_algorithm.as_deref();
        let (hash, is_temporary) = match (&self.password, &self.password_hash) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return Err(Problem::invalid(
                    "password_hash",
                    "must not be given together with password",
                ));
            }
            (None, Some(hash)) => (PasswordHash::parse(hash.expose_secret(), algorithm)?, false),
            (Some(password), None) => {
                let policy = match self.skip_password_policy_checks {
                    Some(true) => Policy::Skipped,
                    _ => Policy::Checked,
                };
                let password = Password::parse(password.expose_secret(), policy, names)?;
                let hash = password.hash(app.entropy.bytes());
                (hash, !app.account.passwords_last)
            }
        };
        Ok(Some(Credential {
            hash: Some(hash),
            updated_at: now,
            force_reset: self.is_temporary_password.unwrap_or(is_temporary),
        }))
    }
}

async fn create_user(app: &App, request: Request) -> Result<Response, Failure> {
    let body: CreateUser = request.json()?;
    let conformance = !body.skip_conformance_checks.unwrap_or(false);
    let claims = body.profile().claims(conformance)?;
    let CreateIdentifiers {
        username,
        email,
        phone,
    } = body.identifiers()?;
    // This comes last, because hashing takes the longest.
    let names = OwnNames::new(username.as_ref(), &email);
    let credential = body.credential(app, &names, request.now())?;
    let id = || app.new_identifier_id(request.now());
    let new = NewUser {
        operation: request.write.operation.clone(),
        username: username.map(|username| (id(), username)),
        email: email.map(|email| (id(), email, body.email_verified.unwrap_or(false))),
        phone: phone.map(|phone| (id(), phone, body.phone_number_verified.unwrap_or(false))),
        claims,
        credential,
    };
    let user = User::create(new, request.now())?;
    let user = app.users.create(user, &request.write).await?;
    Response::created(&user, &request)
}
