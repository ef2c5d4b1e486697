//! The log of the whole directory: where a client goes on reading it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer};
use store::FeedPlace;

use crate::query_text;

/// A place in the log, as a client keeps it. It holds no secret and decides nothing: a client that makes
/// one up reads on from another place.
#[derive(Debug)]
pub struct FeedCursor(FeedPlace);

impl FeedCursor {
    const EXPECTED: &'static str = "the x-next-cursor of the log";

    /// The cursor of a place.
    pub fn of(place: &FeedPlace) -> String {
        URL_SAFE_NO_PAD.encode(place.as_str())
    }

    /// The place.
    pub fn place(self) -> FeedPlace {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let place = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        FeedPlace::parse(&place).map(Self)
    }
}

impl<'de> Deserialize<'de> for FeedCursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        query_text(deserializer, Self::EXPECTED, Self::parse)
    }
}
