use std::collections::BTreeSet;

use perfuse_format::RawSnapshot;

use super::evaluate;
use crate::checklist::Output;
use crate::{CELLS, CONTROLS, Resource, Run, Scope, Thresholds, Verdict};

pub(super) fn evaluated(snapshots: &[RawSnapshot]) -> Output {
    let run = Run::new(snapshots, Thresholds::default(), Scope::default()).unwrap();
    let mut out = Output::default();
    evaluate(&run, &mut out);
    out
}

fn ours() -> BTreeSet<&'static str> {
    let resources = [Resource::Network, Resource::NetworkController];
    let cells = CELLS.iter().filter(|cell| resources.contains(&cell.resource)).map(|cell| cell.id);
    let controls = CONTROLS.iter().filter(|control| control.resource == Resource::Network).map(|control| control.id);
    cells.chain(controls).collect()
}

#[test]
fn an_empty_run_has_every_cell_and_says_that_it_cannot_know() {
    for snapshots in [vec![RawSnapshot::default()], vec![RawSnapshot::default(), RawSnapshot::default()]] {
        let out = evaluated(&snapshots);
        assert_eq!(out.cells.keys().copied().collect::<BTreeSet<_>>(), ours());
        for cell in out.cells.values() {
            assert_eq!(cell.verdict, Verdict::Unmeasurable, "{}", cell.id);
            assert!(cell.reason.is_some() && cell.enable.is_some() && cell.who_could_know.is_some());
            assert_eq!(cell.value, None);
        }
        assert!(out.findings.is_empty());
    }
}
