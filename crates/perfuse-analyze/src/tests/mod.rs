//! Tests over the crate as a whole: its rules as a set, and whole runs through every rule.

mod healthy;
mod odd;
mod rules;
