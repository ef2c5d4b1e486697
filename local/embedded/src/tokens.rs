//! A transaction with a `ClientRequestToken` happens once within ten minutes (API reference,
//! `TransactWriteItems`). dynoxide can do that, too, but looks through all tokens at each transaction.
//! So it gets none, and the tokens are kept here.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher as _, Hash, Hasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

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
    /// The hash of what a request asks to transact. The order of members makes no difference. The rest of
    /// the request is left out, so a repeat may ask for another answer, such as one with the capacity.
    pub(super) fn asked(&self, request: &[u8]) -> serde_json::Result<u64> {
        let Asked { items } = serde_json::from_slice(request)?;
        Hashed(&self.hasher).deserialize(&mut serde_json::Deserializer::from_str(items.get()))
    }

    /// Carries out the transaction that is `asked` for, unless it has happened under this token.
    /// Transactions with a token wait for each other; the caller has the turn, so they do in any case.
    pub(super) fn once<T, E>(
        &self,
        token: &str,
        asked: u64,
        carry_out: impl FnOnce() -> Result<T, E>,
    ) -> Once<Result<T, E>> {
        let token = self.hasher.hash_one(token);
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
}

#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow, rename = "TransactItems")]
    items: &'a RawValue,
}

/// Makes the hash of a JSON value without keeping the value: a transaction has thousands of parts.
#[derive(Clone, Copy)]
struct Hashed<'a>(&'a RandomState);

impl Hashed<'_> {
    /// Values of different kinds have different hashes, even if their bytes are the same.
    fn of(self, kind: char, value: impl Hash) -> u64 {
        self.0.hash_one((kind, value))
    }
}

impl<'de> DeserializeSeed<'de> for Hashed<'_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<u64, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Hashed<'_> {
    type Value = u64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<u64, E> {
        Ok(self.of('0', ()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<u64, E> {
        Ok(self.of('b', value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<u64, E> {
        Ok(self.of('i', value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<u64, E> {
        Ok(self.of('u', value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<u64, E> {
        Ok(self.of('f', value.to_bits()))
    }

    fn visit_str<E>(self, value: &str) -> Result<u64, E> {
        Ok(self.of('s', value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<u64, A::Error> {
        let mut hasher = self.0.build_hasher();
        while let Some(element) = elements.next_element_seed(self)? {
            element.hash(&mut hasher);
        }
        Ok(self.of('[', hasher.finish()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<u64, A::Error> {
        let mut all = 0_u64;
        while let Some(member) = members.next_entry_seed(self, self)? {
            all = all.wrapping_add(self.of(':', member));
        }
        Ok(self.of('{', all))
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
    use serde_json::{Value, json};

    use super::*;

    fn once(tokens: &Tokens, token: &str, items: &Value) -> &'static str {
        let request = json!({ "ClientRequestToken": token, "TransactItems": items });
        let asked = tokens.asked(request.to_string().as_bytes()).unwrap();
        match tokens.once(token, asked, || Ok::<_, ()>(())) {
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
        assert_eq!(once(&tokens, "1", &asked), "now");
        assert_eq!(once(&tokens, "1", &same), "before");
        assert_eq!(once(&tokens, "2", &asked), "now");
        for other in [
            json!([{ "Put": { "a": 1, "b": [2, 1] } }]),
            json!([{ "Put": { "a": 1, "b": [1] } }]),
            json!([{ "Put": { "a": "1", "b": [1, 2] } }]),
            json!([{ "Put": { "b": 1, "a": [1, 2] } }]),
            json!([{ "Put": { "a": { "b": 1 } } }]),
            json!([{ "Put": { "a": null, "b": true } }]),
            json!([[]]),
            json!([{}]),
            json!([null]),
            json!([0]),
            json!([]),
        ] {
            assert_eq!(once(&tokens, "1", &other), "mismatch", "{other}");
        }
    }

    #[test]
    fn what_the_answer_shall_tell_is_not_part_of_what_is_asked() {
        let tokens = Tokens::default();
        let asked = |request: Value| tokens.asked(request.to_string().as_bytes()).unwrap();
        let plain = asked(json!({ "TransactItems": [1] }));
        let told = json!({ "ReturnConsumedCapacity": "TOTAL", "TransactItems": [1] });
        assert_eq!(asked(told), plain);
        assert_ne!(asked(json!({ "TransactItems": [2] })), plain);
        assert!(tokens.asked(b"[]").is_err());
        assert!(tokens.asked(b"{").is_err());
    }

    #[test]
    fn a_transaction_that_failed_did_not_happen() {
        let tokens = Tokens::default();
        let failed = tokens.once("1", 1, || Err::<(), _>(()));
        assert!(matches!(failed, Once::Now(Err(()))));
        assert_eq!(once(&tokens, "1", &json!([])), "now");
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
