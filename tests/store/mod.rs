//! What only the store decides: transactions, conditions, races, faults, the stream, lists.

mod capacity;
mod faults;
mod idempotency;
mod indexes;
mod preconditions;
mod properties;
mod races;
mod strategies;
