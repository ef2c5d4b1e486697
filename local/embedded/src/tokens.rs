//! A transaction with a `ClientRequestToken` happens once within ten minutes (API reference,
//! `TransactWriteItems`). dynoxide can do that, too, but looks through all tokens at each transaction.
//! So it gets none, and the tokens are kept here.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a token holds.
const HOLDS: Duration = Duration::from_mins(10);
/// How many tokens are kept at once, 50 bytes each. Where there are more, the oldest are dropped early.
const MAX_TOKENS: usize = 50_000;

/// The tokens of the transactions that happened.
#[derive(Default)]
pub(super) struct Tokens {
    known: Mutex<Known>,
    hasher: RandomState,
}

#[derive(Default)]
struct Known {
    /// For the hash of each token, the hash of what was asked.
    asked: HashMap<u64, u64>,
    in_order: VecDeque<(Instant, u64)>,
}

/// The outcome of a transaction with a token.
pub(super) enum Once<T> {
    /// It was carried out now, or failed.
    Now(T),
    /// It was carried out before.
    Before,
    /// Another transaction has used the token.
    Mismatch,
}

impl Tokens {
    /// Carries out the transaction that is `asked` for, unless it has happened under this token.
    /// Transactions with a token wait for each other, as all writes do in SQLite.
    pub(super) fn once<T, E>(
        &self,
        token: &str,
        asked: &Value,
        carry_out: impl FnOnce() -> Result<T, E>,
    ) -> Once<Result<T, E>> {
        let token = self.hasher.hash_one(token);
        let asked = self.hash(asked);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.forget(Instant::now());
        match known.asked.get(&token) {
            Some(before) if *before == asked => return Once::Before,
            Some(_) => return Once::Mismatch,
            None => {}
        }
        let result = carry_out();
        if result.is_ok() {
            known.asked.insert(token, asked);
            known.in_order.push_back((Instant::now(), token));
        }
        Once::Now(result)
    }

    /// The hash of a JSON value. The order of members makes no difference.
    fn hash(&self, json: &Value) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        match json {
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| self.hasher.hash_one((name, self.hash(value))))
                .fold(0, u64::wrapping_add)
                .hash(&mut hasher),
            Value::Array(elements) => {
                for element in elements {
                    self.hash(element).hash(&mut hasher);
                }
            }
            other => other.hash(&mut hasher),
        }
        hasher.finish()
    }
}

impl Known {
    fn forget(&mut self, now: Instant) {
        while let Some((since, token)) = self.in_order.front()
            && (now.duration_since(*since) > HOLDS || self.in_order.len() >= MAX_TOKENS)
        {
            self.asked.remove(token);
            self.in_order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn once(tokens: &Tokens, token: &str, asked: Value) -> &'static str {
        match tokens.once(token, &asked, || Ok::<_, ()>(())) {
            Once::Now(_) => "now",
            Once::Before => "before",
            Once::Mismatch => "mismatch",
        }
    }

    #[test]
    fn a_token_lets_one_transaction_happen_once() {
        let tokens = Tokens::default();
        let asked = json!([{ "Put": { "a": 1, "b": [1, 2] } }]);
        let same = json!([{ "Put": { "b": [1, 2], "a": 1 } }]);
        let other = json!([{ "Put": { "b": [2, 1], "a": 1 } }]);
        assert_eq!(once(&tokens, "1", asked.clone()), "now");
        assert_eq!(once(&tokens, "1", same), "before");
        assert_eq!(once(&tokens, "1", other), "mismatch");
        assert_eq!(once(&tokens, "2", asked), "now");
    }

    #[test]
    fn a_transaction_that_failed_did_not_happen() {
        let tokens = Tokens::default();
        let failed = tokens.once("1", &Value::Null, || Err::<(), _>(()));
        assert!(matches!(failed, Once::Now(Err(()))));
        assert_eq!(once(&tokens, "1", json!(1)), "now");
    }

    #[test]
    fn tokens_are_forgotten_after_ten_minutes_and_the_oldest_where_there_are_too_many() {
        let mut known = Known::default();
        let start = Instant::now();
        for number in 0..MAX_TOKENS as u64 + 10 {
            known.forget(start);
            known.asked.insert(number, 0);
            known.in_order.push_back((start, number));
        }
        assert_eq!(known.asked.len(), MAX_TOKENS);
        assert!(!known.asked.contains_key(&9) && known.asked.contains_key(&10));
        known.forget(start + HOLDS);
        assert!(!known.asked.is_empty());
        known.forget(start + HOLDS + Duration::from_secs(1));
        assert!(known.asked.is_empty() && known.in_order.is_empty());
    }
}
