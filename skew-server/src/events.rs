//! Who came and who left, told one by one: what is to be told when, and under which number. Nothing here waits, and nothing knows who
//! listens.

pub(crate) mod announcer;
pub(crate) mod sequence;
