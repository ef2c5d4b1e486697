//! What depends on the store alone: transactions, conditions, races, faults, lists. All is tested on
//! both stores, except capacity, which DynamoDB Local counts in another way.

mod capacity;
mod check;
mod faults;
mod idempotency;
mod indexes;
mod lists;
mod new_table;
mod preconditions;
mod properties;
mod races;
mod strategies;
