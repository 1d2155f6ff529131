//! Errors of libraries in one line.

use std::error::Error;

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;

use super::Said;
pub(crate) use crate::problem::cause;

/// An error of a connection: what is wrong with its TLS, if that is it, else the innermost cause.
pub(crate) fn said(error: &(dyn Error + 'static)) -> Said {
    let message = crate::problem::why(error).unwrap_or_else(|| Msg::new("check-failed").with("problem", cause(error)));
    Said::new(Outcome::Fail, message)
}
