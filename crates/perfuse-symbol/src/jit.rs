//! Just-in-time compiled code: `/tmp/perf-PID.map`, which the runtime of the language writes.

use perfuse_format::FromBytes as _;
use perfuse_format::perfmap::PerfMap;

use crate::dso::{Attempt, DsoSpec, Outcome, Reason};
use crate::files::{Files, read};
use crate::table::{Entry, STB_GLOBAL, STT_FUNC, Table};

/// The map of a process: its own view of `/tmp` first, as a process in a container writes there, under the number that
/// it has in there.
pub(crate) fn find<F: Files>(files: &F, spec: &DsoSpec<'_>, attempts: &mut Vec<Attempt>) -> Result<Table, Reason> {
    if spec.path.starts_with("[heap]") || spec.path.starts_with("[stack") {
        return Err(Reason::NotCode);
    }
    let usual = format!("/tmp/perf-{}.map", spec.pid);
    let inner = inner_pid(files, spec.pid).map(|inner| format!("/proc/{}/root/tmp/perf-{inner}.map", spec.pid));
    for path in [Some(usual.clone()), inner].into_iter().flatten() {
        let Ok(bytes) = read(files, &path, 1 << 30) else {
            attempts.push(Attempt { path, outcome: Outcome::Missing });
            continue;
        };
        let table = PerfMap::from_bytes(&bytes).map(table);
        let outcome = match &table {
            Ok(table) if table.is_empty() => Outcome::NoSymbols,
            Ok(_) => Outcome::Symbols,
            Err(error) => Outcome::Unreadable(error.to_string()),
        };
        attempts.push(Attempt { path, outcome });
        if let Some(table) = table.ok().filter(|table| !table.is_empty()) {
            return Ok(table);
        }
    }
    Err(Reason::NoJitMap { path: usual })
}

fn table(map: PerfMap) -> Table {
    let mut table = Table::default();
    for code in map.0 {
        let Some(name) = table.add_name(code.name.as_bytes()) else { break };
        let end = code.start.saturating_add(code.size);
        table.push(Entry { start: code.start, end, name, binding: STB_GLOBAL, kind: STT_FUNC });
    }
    table.order();
    table
}

/// The number of a running process in its own pid namespace.
fn inner_pid<F: Files>(files: &F, pid: i32) -> Option<i32> {
    let status = read(files, &format!("/proc/{pid}/status"), 1 << 16).ok()?;
    let status = String::from_utf8_lossy(&status).into_owned();
    status.lines().find_map(|line| line.strip_prefix("NSpid:"))?.split_whitespace().next_back()?.parse().ok()
}
