//! What goes to standard output and standard error when there is no dashboard.
//!
//! Data goes to standard output, everything else to standard error. All of it is read from [`crate::state`].

mod diagnosis;
mod message;
mod pipe;
mod plain;
mod progress;
mod report;
mod say;
mod sink;
mod summary;

pub(crate) use diagnosis::{diagnosis, diagnosis_line};
pub(crate) use message::message_line;
pub(crate) use pipe::nobody_reads;
pub(crate) use plain::Teller;
pub(crate) use progress::{Ending, Grain, Moment, Pace, Pulse, Worth, inline, line, state_line, verdict, verdict_line};
pub(crate) use report::{ReportOptions, iso, refusal, report, report_line, unix_iso};
pub(crate) use say::Voice;
pub(crate) use sink::{Sink, SinkError};
pub(crate) use summary::{connections, summary, users};
