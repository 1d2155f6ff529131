//! pidstat, top.

use perfuse_format::{Missing, Reading};

use super::{Finding, Row, Table};
use crate::cell::Quantity;
use crate::message::Msg;
use crate::run::Run;
use crate::tasks::{TaskUse, Used};

/// Processes that are listed.
const PROCESSES: usize = 10;

fn tasks<'a>(run: &'a Run) -> Result<&'a TaskUse, Missing> {
    match &run.tasks {
        Reading::Value(tasks) => Ok(tasks),
        Reading::Missing(missing) => Err(missing.clone()),
    }
}

fn name(used: &Used) -> String {
    format!("{} ({})", used.task.comm, used.task.pid)
}

/// The processes that use most CPU, with how long they waited for one.
pub(super) fn pidstat(run: &Run) -> Result<Finding, Missing> {
    let tasks = tasks(run)?;
    let top = tasks.top(run, |used| Some(used.cpu));
    let row = |used: &Used| Row {
        name: name(used),
        values: vec![
            Some(Quantity::ratio(used.user)),
            Some(Quantity::ratio(used.system)),
            used.run_delay.map(Quantity::ratio),
            Some(Quantity::ratio(used.cpu)),
            used.read_bytes.map(Quantity::throughput),
            used.write_bytes.map(Quantity::throughput),
        ],
    };
    let rows = top.iter().take(PROCESSES).map(|(used, _)| row(used)).collect();
    let columns = vec!["%usr", "%system", "%wait", "%CPU", "rd/s", "wr/s"];
    let table = Table { columns, rows, more: top.len().saturating_sub(PROCESSES), ..Table::default() };
    let reading = match top.first() {
        Some((used, cpu)) => {
            Msg::new("sixty-pidstat-top").with("process", name(used)).with("cpu", Quantity::ratio(*cpu))
        }
        None => Msg::new("sixty-pidstat-idle"),
    };
    let waiting = top.first().and_then(|(used, _)| used.run_delay).is_some_and(|wait| wait > 0.1);
    Ok(Finding::new(table, reading, waiting))
}

/// Counts by state, then the processes with the largest resident sets.
pub(super) fn top(run: &Run) -> Result<Finding, Missing> {
    let tasks = tasks(run)?;
    let alive = || tasks.processes.values().filter(|used| !used.ended && run.in_scope(used.task.pid));
    let count = |states: &[char]| alive().filter(|used| states.contains(&used.task.state)).count() as u64;
    let zombies = count(&['Z']);
    let blocked = count(&['D']);
    let page = run.host.page_size as f64;
    let resident = |used: &Used| used.task.rss_pages as f64 * page;
    let mut largest: Vec<&Used> = alive().filter(|used| used.task.rss_pages > 0).collect();
    largest.sort_by(|a, b| resident(b).total_cmp(&resident(a)).then(a.task.pid.cmp(&b.task.pid)));
    let row = |used: &&Used| Row {
        name: name(used),
        values: vec![
            Some(Quantity::bytes(resident(used))),
            Some(Quantity::ratio(used.cpu)),
            Some(Quantity::count(f64::from(used.task.threads))),
        ],
    };
    let rows = largest.iter().take(PROCESSES).map(row).collect();
    let more = largest.len().saturating_sub(PROCESSES);
    let table = Table { columns: vec!["RES", "%CPU", "threads"], rows, more, ..Table::default() };
    let reading = Msg::new("sixty-top-states")
        .with("total", alive().count() as u64)
        .with("running", count(&['R']))
        .with("blocked", blocked)
        .with("zombies", zombies);
    Ok(Finding::new(table, reading, zombies > 0 || blocked > 0))
}
