//! The whole checklist of one run.

use std::collections::BTreeMap;

use crate::cell::{Cell, Finding, Severity, Verdict};
use crate::rank::rank;
use crate::run::Run;
use crate::table::{CELLS, CONTROLS};
use crate::threshold::Threshold;

/// What the rules of one group of resources bring: their thresholds and their evaluation.
pub struct Slice {
    /// Thresholds of its rules.
    pub thresholds: &'static [Threshold],
    /// Fills in its cells and controls and reports its findings.
    pub evaluate: fn(&Run, &mut Output),
}

/// All groups. Each cell and each control is filled in by exactly one of them.
pub const SLICES: &[Slice] = &[crate::cpu::SLICE, crate::memory::SLICE, crate::network::SLICE, crate::disk::SLICE];

/// Where the rules put their results.
#[derive(Debug, Default)]
pub struct Output {
    /// Cells and controls by id.
    pub cells: BTreeMap<&'static str, Cell>,
    /// Findings in any order.
    pub findings: Vec<Finding>,
}

impl Output {
    /// Takes a cell or a control.
    pub fn cell(&mut self, cell: Cell) {
        let before = self.cells.insert(cell.id, cell);
        debug_assert!(before.is_none(), "a cell was filled in twice");
    }

    /// Takes a finding.
    pub fn finding(&mut self, finding: Finding) {
        self.findings.push(finding);
    }
}

/// The filled-in checklist.
#[derive(Debug, Clone, PartialEq)]
pub struct Checklist {
    /// The cells in the order of [`CELLS`].
    pub cells: Vec<Cell>,
    /// The controls in the order of [`CONTROLS`].
    pub controls: Vec<Cell>,
    /// Ranked, explained ones removed.
    pub findings: Vec<Finding>,
    /// `Some(true)`: no finding above watch. `None`: too little was measurable to say so.
    pub healthy: Option<bool>,
}

impl Checklist {
    /// Evaluates every rule.
    pub fn build(run: &Run) -> Self {
        let mut output = Output::default();
        for slice in SLICES {
            (slice.evaluate)(run, &mut output);
        }
        let mut take = |id: &'static str| output.cells.remove(id);
        let cells: Vec<Cell> = CELLS.iter().filter_map(|spec| take(spec.id)).collect();
        let controls = CONTROLS.iter().filter_map(|spec| take(spec.id)).collect();
        let findings = rank(output.findings);
        let healthy = healthy(&cells, &findings);
        Self { cells, controls, findings, healthy }
    }
}

/// Healthy is a claim: it needs the saturation of CPU, memory, disk and network to have been readable.
fn healthy(cells: &[Cell], findings: &[Finding]) -> Option<bool> {
    if findings.iter().any(|finding| finding.severity > Severity::Watch) {
        return Some(false);
    }
    let needed = ["cpu.saturation", "memory.saturation", "disk.saturation", "network.saturation"];
    let readable = |id: &str| cells.iter().any(|cell| cell.id == id && cell.verdict != Verdict::Unmeasurable);
    needed.iter().all(|id| readable(id)).then_some(true)
}
