//! What `trace` and `probe --live` compute from the hits of an event: conditions and values over its fields, histograms,
//! and the description of events that tracefs does not have.
//!
//! ```text
//! fields of an event (Scope) + text of --filter, --sum, --hist, --by  -> Expr
//! Expr -> instructions for the kernel (collect), or a number for each hit (Expr::number)
//! ```
//! Both give the same numbers: 64 bits that wrap, a division by zero gives 0, shifts count modulo 64.

mod bucket;
mod expr;
mod hit;
mod key;
mod lex;
mod parse;
mod record;
mod scope;
mod stored;

#[cfg(test)]
mod tests;

pub use bucket::{MOST_BUCKETS, bucket, bucket_range};
pub use expr::{Binary, Expr, Node, Unary, Values};
pub use hit::{HIT_SAMPLE, Hit, HitValues};
pub use key::{Aggregation, Cell, KeyPart, Row};
pub use parse::{ExprError, ExprProblem, MAX_DEPTH};
pub use record::{ProbeRecord, RecordField, RecordKind, TEXT_BYTES};
pub use scope::{Builtin, Scope, Source, Variable};
pub use stored::{Hooked, Method, StoredProbe};

/// Bytes of a text in a key and in a comparison: what is longer is cut.
pub const KEY_TEXT: usize = 64;
/// Bytes of the name of a thread (`TASK_COMM_LEN`).
pub const COMM_BYTES: usize = 16;
