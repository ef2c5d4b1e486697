//! `POST /api/users`: create a user.

use domain::claims::{ClaimChanges, Conformance, InvalidClaim, TextClaim};
use domain::password::OwnNames;
use domain::user::{Credential, NewUser};
use domain::{Email, Patch, Phone, User, Username};
#[cfg(feature = "schema")]
use roster_http::schema::{EmailText, LineText, PhoneText, UsernameText};
use roster_http::{
    Action, App, Body, Connect, Endpoint, Failure, Method, Need, Partition, Problem, Request,
    Response,
};
use secrecy::SecretString;
use serde::Deserialize;

use crate::passwords::given::{GivenPassword, is_temporary};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "create_user",
    summary: "Create a user",
    description: "The user needs a username, an e-mail address or a phone number (`IdentifierRequired`). \
        A verified address is the primary one of its kind. All identifiers that are not valid, \
        or that other users have, are named at once.",
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
    #[cfg_attr(feature = "schema", schemars(with = "Option<UsernameText>"))]
    username: Option<String>,
    /// At most 254 characters.
    #[cfg_attr(feature = "schema", schemars(with = "Option<EmailText>"))]
    email: Option<String>,
    /// The address is proved, and so the primary one. Default: false.
    email_verified: Option<bool>,
    /// With its country code, such as +441514960453.
    #[cfg_attr(feature = "schema", schemars(with = "Option<PhoneText>"))]
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
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    name: Option<String>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    given_name: Option<String>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    middle_name: Option<String>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    family_name: Option<String>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    nickname: Option<String>,
    /// An absolute URL.
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
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
    fn claims(&mut self) -> Result<ClaimChanges, InvalidClaim> {
        let texts = [
            (TextClaim::Name, &mut self.name),
            (TextClaim::GivenName, &mut self.given_name),
            (TextClaim::MiddleName, &mut self.middle_name),
            (TextClaim::FamilyName, &mut self.family_name),
            (TextClaim::Nickname, &mut self.nickname),
            (TextClaim::Picture, &mut self.picture),
        ];
        ClaimChanges::parse(
            texts.map(|(claim, text)| (claim, text.take().into())),
            Patch::Keep,
            Conformance::unless_skipped(self.skip_conformance_checks),
        )
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

    fn password(&mut self) -> GivenPassword {
        GivenPassword {
            names: ["password", "password_hash"],
            password: self.password.take(),
            hash: self.password_hash.take(),
            algorithm: self.password_hash_algorithm.take(),
            skips_policy: self.skip_password_policy_checks.unwrap_or(false),
        }
    }
}

async fn create_user(app: &App, request: Request) -> Result<Response, Failure> {
    let mut body: CreateUser = request.json()?;
    let claims = body.claims()?;
    let CreateIdentifiers {
        username,
        email,
        phone,
    } = body.identifiers()?;
    let password = body.password().at_most_one(app)?;
    // This comes last, because hashing takes the longest.
    let names = OwnNames::new(username.as_ref(), &email);
    let credential = password
        .map(|new| {
            Ok::<_, Problem>(Credential {
                hash: Some(new.hash(&names)?),
                updated_at: request.now(),
                force_reset: is_temporary(body.is_temporary_password, &new, app),
            })
        })
        .transpose()?;
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
