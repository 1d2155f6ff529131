//! Reads every source of the tables into a snapshot.

/// Which of the cadences are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// The first snapshot of a run.
    pub first: bool,
    /// Sources of the slow cadence are due.
    pub slow: bool,
}

/// Reads snapshots.
#[derive(Debug)]
pub struct Sampler;
