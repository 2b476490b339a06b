//! One server in several processes: what each tells the others of itself, and what it takes from them.

pub(crate) mod exchange;
