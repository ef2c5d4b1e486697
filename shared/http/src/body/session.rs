//! A session of a user's (users-api.md, section 4, `UserSession`).

use domain::Session;
use serde::Serialize;

/// A live session.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "UserSession")
)]
pub struct SessionBody<'a> {
    /// 32 upper-case hexadecimal digits.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    session_id: String,
    /// The same under its older name.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    session_key: String,
    /// Clients of an OAuth server, which this directory does not have: always empty.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    client_ids: [&'a str; 0],
    /// Unix seconds.
    initiated_at: i64,
    /// Unix seconds. Moves on while the session is used.
    expires_at: i64,
    /// Unix seconds: when its use was written down last, once a day at most.
    last_updated: i64,
    last_metadata: SessionMetadataBody<'a>,
}

/// Where the session was signed in from.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "SessionMetadata")
)]
struct SessionMetadataBody<'a> {
    city: Option<&'a str>,
    country: Option<&'a str>,
    region: Option<&'a str>,
    /// Never known.
    latitude: Option<&'a str>,
    /// Never known.
    longitude: Option<&'a str>,
    ip_address: Option<&'a str>,
    /// At most 256 characters.
    user_agent: Option<&'a str>,
}

impl<'a> SessionBody<'a> {
    /// How `session` is shown.
    pub fn of(session: &'a Session) -> Self {
        let place = &session.place;
        Self {
            session_id: session.id.to_string(),
            session_key: session.id.to_string(),
            client_ids: [],
            initiated_at: session.initiated_at.as_unix(),
            expires_at: session.expires_at.as_unix(),
            last_updated: session.last_updated.as_unix(),
            last_metadata: SessionMetadataBody {
                city: place.city.as_deref(),
                country: place.country.as_deref(),
                region: place.region.as_deref(),
                latitude: None,
                longitude: None,
                ip_address: Some(&session.ip_address),
                user_agent: session.user_agent.as_deref(),
            },
        }
    }
}
