//! Everything that is known, and how it changes. Pure: no clock, no I/O, no drawing.

pub mod site;
