//! "Don't know" as a value: [`Reading`] is either a value or a [`Missing`] that says why not.

use std::borrow::Cow;

/// A value read from the host, or the reason why there is none.
///
/// Analysis never replaces a missing reading by zero; it carries the reason into the cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading<T> {
    /// The value.
    Value(T),
    /// No value, and why.
    Missing(Missing),
}

/// Why a reading has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The kind of reason; decides the words and the remedy.
    pub why: Why,
    /// The file or facility that was asked, such as `/proc/pressure/cpu` or `bpf`.
    pub source: Cow<'static, str>,
    /// What the kernel or the parser said, if it said more than the kind; empty otherwise.
    pub detail: String,
}

/// The kinds of reason for a missing value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// The kernel refused: EACCES or EPERM.
    NoPermission,
    /// The kernel does not have this: ENOSYS, EOPNOTSUPP, or built without the option.
    Unsupported,
    /// The file or the field is not there: ENOENT.
    Absent,
    /// There, but not what the format says. A parse error or an empty file.
    Malformed,
    /// One sample only; a rate needs two.
    TooEarly,
    /// There before and gone now: a process that ended, a CPU that went offline.
    Gone,
    /// Present in the kernel and switched off: PSI or delay accounting not enabled.
    Disabled,
    /// This run did not ask for it (a narrowed report, a probe left out or detached for its cost).
    NotSampled,
    /// The counter went backwards between the two samples.
    Reset,
    /// Any other error of the kernel; `detail` has the errno.
    Other,
}

impl Missing {
    /// A reason without detail.
    pub fn new(why: Why, source: impl Into<Cow<'static, str>>) -> Self {
        Self { why, source: source.into(), detail: String::new() }
    }

    /// The same reason with what the kernel or the parser said.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The reason that an errno stands for (numbers of Linux, the same on every architecture we run on).
    pub fn from_errno(errno: i32, source: impl Into<Cow<'static, str>>) -> Self {
        let why = match errno {
            1 | 13 => Why::NoPermission,      // EPERM, EACCES
            2 | 20 | 6 | 19 => Why::Absent,   // ENOENT, ENOTDIR, ENXIO, ENODEV
            3 => Why::Gone,                   // ESRCH
            38 | 95 | 22 => Why::Unsupported, // ENOSYS, EOPNOTSUPP, EINVAL
            _ => Why::Other,
        };
        let detail = if why == Why::Other { format!("errno {errno}") } else { String::new() };
        Self { why, source: source.into(), detail }
    }
}

impl<T> Reading<T> {
    /// A missing value for `why`.
    pub fn missing(why: Why, source: impl Into<Cow<'static, str>>) -> Self {
        Self::Missing(Missing::new(why, source))
    }

    /// The value, if there is one; forgets the reason.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Missing(_) => None,
        }
    }

    /// The value, if there is one; forgets the reason.
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Missing(_) => None,
        }
    }

    /// The reason, if there is no value.
    pub fn why_missing(&self) -> Option<&Missing> {
        match self {
            Self::Value(_) => None,
            Self::Missing(missing) => Some(missing),
        }
    }

    /// As a `Result`, for `?`.
    pub fn ok(self) -> Result<T, Missing> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Missing(missing) => Err(missing),
        }
    }

    /// Applies `f` to the value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Reading<U> {
        match self {
            Self::Value(value) => Reading::Value(f(value)),
            Self::Missing(missing) => Reading::Missing(missing),
        }
    }

    /// Applies `f`, which may itself find nothing, to the value.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Reading<U>) -> Reading<U> {
        match self {
            Self::Value(value) => f(value),
            Self::Missing(missing) => Reading::Missing(missing),
        }
    }

    /// A reading of a reference.
    pub fn as_ref(&self) -> Reading<&T> {
        match self {
            Self::Value(value) => Reading::Value(value),
            Self::Missing(missing) => Reading::Missing(missing.clone()),
        }
    }

    /// This value or, where it is missing, the other's.
    #[must_use]
    pub fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Value(_) => self,
            Self::Missing(_) => other(),
        }
    }
}

impl<T> From<Result<T, Missing>> for Reading<T> {
    fn from(result: Result<T, Missing>) -> Self {
        match result {
            Ok(value) => Self::Value(value),
            Err(missing) => Self::Missing(missing),
        }
    }
}
