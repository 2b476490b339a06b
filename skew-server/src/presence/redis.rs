//! The others, met over Redis (or Valkey): how it is reached, what is in it, and who is told what of it.
//!
//! The truth is in values, each written by one instance. Messages are hints, and orders that are carried out once.

pub(crate) mod bus;
pub(crate) mod keys;
pub(crate) mod link;
pub(crate) mod log;
pub(crate) mod store;
