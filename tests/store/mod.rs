//! What only the store decides: transactions, conditions, races, faults, lists. All but capacity, which
//! DynamoDB Local counts otherwise, is tested on both stores.

mod capacity;
mod faults;
mod idempotency;
mod indexes;
mod preconditions;
mod properties;
mod races;
mod strategies;
