//! `PATCH /api/users/{user_id}/claims`: change some of a user's standard claims.

use domain::Patch;
use domain::claims::{AddressClaim, ClaimChanges, Conformance, InvalidClaim, TextClaim};
use domain::json::Object;
#[cfg(feature = "schema")]
use roster_http::schema::{LineText, LinesText};
use roster_http::{App, Body, Endpoint, Failure, Method, Request, Response};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "update_claims",
    summary: "Change some of a user's claims",
    description: "Changes the claims that are named; null removes one. An `address` replaces the present \
        one whole. Texts are checked as OpenID Connect Core, section 5.1, describes them, \
        unless `skip_conformance_checks` is true.",
    routes: &[(Method::PATCH, "/api/users/{user_id}/claims")],
    body: Body::object::<UpdateClaims>(
        r#"{"nickname":"Johnny","family_name":null,"birthdate":"0000-12-09","zoneinfo":"Europe/Paris","locale":"en-GB","address":{"formatted":"1 Navy Way\nArlington","country":"US"}}"#,
    ),
    handler: |app, request| Box::pin(update_claims(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body. A claim that is absent stays as it is, and null removes it. Texts have at most 2,048
/// characters.
#[derive(Default, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct UpdateClaims {
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    name: Patch<String>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    given_name: Patch<String>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    middle_name: Patch<String>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    family_name: Patch<String>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    nickname: Patch<String>,
    /// An absolute URL.
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    picture: Patch<String>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    preferred_username: Patch<String>,
    /// An absolute URL.
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    profile: Patch<String>,
    /// 1906-12-09; 1906, where the day is unknown; 0000-12-09, where the year is.
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    birthdate: Patch<String>,
    /// An absolute URL.
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    website: Patch<String>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    gender: Patch<String>,
    /// A name from the IANA time zone database.
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    zoneinfo: Patch<String>,
    /// A BCP 47 language tag.
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    locale: Patch<String>,
    /// It replaces the present one whole.
    #[cfg_attr(feature = "schema", schemars(with = "Option<AddressBody>"))]
    address: Patch<Object<AddressBody>>,
    /// Take texts that are no URL, date, time zone or language tag. Default: false.
    skip_conformance_checks: Option<bool>,
}

/// A postal address.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
struct AddressBody {
    /// The whole address as it is written on a label. It may have lines.
    #[cfg_attr(feature = "schema", schemars(with = "Option<LinesText>"))]
    formatted: Option<String>,
    /// It may have lines.
    #[cfg_attr(feature = "schema", schemars(with = "Option<LinesText>"))]
    street_address: Option<String>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    locality: Option<String>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    region: Option<String>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    postal_code: Option<String>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<LineText>"))]
    country: Option<String>,
}

impl UpdateClaims {
    fn changes(self) -> Result<ClaimChanges, InvalidClaim> {
        let texts = [
            (TextClaim::Name, self.name),
            (TextClaim::GivenName, self.given_name),
            (TextClaim::MiddleName, self.middle_name),
            (TextClaim::FamilyName, self.family_name),
            (TextClaim::Nickname, self.nickname),
            (TextClaim::Picture, self.picture),
            (TextClaim::PreferredUsername, self.preferred_username),
            (TextClaim::Profile, self.profile),
            (TextClaim::Birthdate, self.birthdate),
            (TextClaim::Website, self.website),
            (TextClaim::Gender, self.gender),
            (TextClaim::Zoneinfo, self.zoneinfo),
            (TextClaim::Locale, self.locale),
        ];
        ClaimChanges::parse(
            texts,
            self.address.map(|Object(address)| address.into()),
            Conformance::unless_skipped(self.skip_conformance_checks),
        )
    }
}

impl From<AddressBody> for AddressClaim {
    fn from(address: AddressBody) -> Self {
        Self {
            formatted: address.formatted,
            street_address: address.street_address,
            locality: address.locality,
            region: address.region,
            postal_code: address.postal_code,
            country: address.country,
        }
    }
}

async fn update_claims(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let body: UpdateClaims = request.json()?;
    let changes = body.changes()?;
    let user = app
        .users
        .edit(&user_id, &request.write, |user| {
            user.change_claims(&changes)
        })
        .await?;
    Response::user(&user, request.now())
}
