//! What one client may take of the server, and what all may together.
//!
//! Nothing here reads a clock: time comes in as an argument, and the numbers with it, so that a reload changes them.

mod addresses;
mod bucket;
mod gate;
mod tries;

pub(crate) use addresses::AddressKey;
pub(crate) use bucket::Bucket;
pub(crate) use gate::{Gate, Permit};
pub(crate) use tries::Tries;
