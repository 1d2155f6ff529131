//! The rules over whole runs: what is said, and the traps.

use perfuse_format::{RawSnapshot, Why};

use super::testing::{cell, checklist, disk_line, evaluate, finding, pressure, snapshot, stat_line};
use crate::cell::Verdict;
use crate::table::{CELLS, CONTROLS};
use crate::{Resource, Severity};

/// The cells and controls of these rules.
fn own_ids() -> Vec<&'static str> {
    let mine = |resource: Resource| {
        matches!(
            resource,
            Resource::Disk
                | Resource::StorageController
                | Resource::CpuInterconnect
                | Resource::MemoryInterconnect
                | Resource::IoInterconnect
        )
    };
    let cells = CELLS.iter().filter(|cell| mine(cell.resource)).map(|cell| cell.id);
    let controls = CONTROLS.iter().map(|control| control.id).filter(|id| *id == "control.io-throttle");
    cells.chain(controls).collect()
}

#[test]
fn an_empty_run_fills_in_every_cell_with_its_reason() {
    for snapshots in [vec![RawSnapshot::default()], vec![RawSnapshot::default(), snapshot(1, &[])]] {
        let out = evaluate(&snapshots);
        let ids: Vec<_> = out.cells.keys().copied().collect();
        let mut wanted = own_ids();
        wanted.sort_unstable();
        assert_eq!(ids, wanted);
        assert!(out.findings.is_empty());
        for cell in out.cells.values() {
            assert!(matches!(cell.verdict, Verdict::Unmeasurable | Verdict::NotApplicable), "{}", cell.id);
            assert!(cell.reason.is_some() && cell.value.is_none(), "{}", cell.id);
        }
    }
}
