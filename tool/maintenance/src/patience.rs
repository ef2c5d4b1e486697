//! Work that lasts for hours meets a table that throttles or can't be reached for a while.

use std::time::Duration;

use store::{StoreError, with_sources};

/// The pauses between attempts, seven minutes in all.
const PAUSES: [u64; 10] = [1, 2, 5, 10, 20, 30, 60, 90, 90, 120];

/// A shorter pause is not told, in seconds.
const WORTH_A_WORD: u64 = 10;

/// Asks the table again after what may pass.
pub(crate) async fn patiently<T>(
    ask: impl AsyncFn() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut pauses = PAUSES.into_iter();
    loop {
        let error = match ask().await {
            Err(
                error @ (StoreError::Unavailable(_)
                | StoreError::Busy(_)
                | StoreError::Conflict
                | StoreError::UnderWay),
            ) => error,
            done => return done,
        };
        let Some(pause) = pauses.next() else {
            return Err(error);
        };
        if pause >= WORTH_A_WORD {
            eprintln!("{}: waiting {pause} s", with_sources(&error));
        }
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
}
