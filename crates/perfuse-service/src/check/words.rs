//! Errors of libraries in one line.

use std::error::Error;

/// The innermost cause: what is around it repeats that something failed.
pub(crate) fn cause(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}
