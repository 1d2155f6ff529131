//! `[[variable]]`: a variable of a process, read out of its memory.
//!
//! Symbols and debug information are looked at once for each process; after that a reading is one read of a few bytes.
//! The process is not stopped, and does not notice.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use perfuse_analyze::Msg;
use perfuse_format::parse::FromBytes as _;
use perfuse_format::proc::maps::{Mapping, Maps};
use perfuse_symbol::{HostFiles, Number, NumberKind, SymbolOptions, Variable};

use super::sheet::Sheet;
use crate::check::Said;
use crate::config::Variable as Plan;
use crate::process;
use crate::store::SeriesKey;

/// Processes of one variable at most.
const MOST: usize = 20;
/// Libraries of a process that are looked into at most.
const LIBRARIES: usize = 100;
/// Rounds between two searches for processes while those that are known still run.
const SEARCH: u32 = 10;

/// One variable.
pub(super) struct Source {
    plan: Plan,
    known: Vec<Place>,
    rounds: u32,
}

/// Where the variable is in one process.
struct Place {
    pid: u32,
    begun: u64,
    memory: File,
    address: u64,
    number: Number,
    little: bool,
}

impl Source {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { plan: plan.clone(), known: Vec::new(), rounds: 0 }
    }

    pub(super) async fn gather(&mut self, sheet: &mut Sheet) -> Result<(), Msg> {
        let still = self.known.iter().all(|place| process::begun(place.pid) == Some(place.begun));
        if !still || self.known.is_empty() || self.rounds.is_multiple_of(SEARCH) {
            let (plan, known) = (self.plan.clone(), std::mem::take(&mut self.known));
            // Debug information may be large, and on any file system.
            let (known, problem) = tokio::task::spawn_blocking(move || search(&plan, known))
                .await
                .map_err(|error| Said::fail(error.to_string()).message)?;
            self.known = known;
            if let Some(problem) = problem {
                sheet.problem(problem);
            }
        }
        self.rounds = self.rounds.wrapping_add(1);
        let several = self.known.len() > 1;
        for place in &self.known {
            match place.read() {
                Ok(value) => {
                    let pid = place.pid.to_string();
                    let labels = several.then_some(("pid", pid.as_str()));
                    sheet.keep(SeriesKey::new(&self.plan.name, labels), value);
                }
                // One that ended meanwhile is looked for again in the next round.
                Err(error) => sheet.problem(unreadable(place.pid, &error)),
            }
        }
        Ok(())
    }
}

impl Place {
    fn read(&self) -> std::io::Result<f64> {
        let mut bytes = [0_u8; 8];
        let own = &mut bytes[..self.number.length()];
        self.memory.read_exact_at(own, self.address)?;
        self.number.value(own, self.little).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }
}

fn unreadable(pid: u32, error: &std::io::Error) -> Msg {
    Msg::new("app-variable-read").with("pid", pid.to_string()).with("problem", error.to_string())
}

/// The places in all processes that the plan means; those that are known and still right stay.
fn search(plan: &Plan, known: Vec<Place>) -> (Vec<Place>, Option<Msg>) {
    let pids = match process::find(plan.process.as_deref(), plan.service.as_deref()) {
        Ok(pids) => pids,
        Err(error) => return (Vec::new(), Some(Said::fail(format!("/proc: {error}")).message)),
    };
    let mut places: Vec<Place> =
        known.into_iter().filter(|place| process::begun(place.pid) == Some(place.begun)).collect();
    let mut problem = None;
    for pid in pids.into_iter().take(MOST) {
        if places.iter().any(|place| place.pid == pid) {
            continue;
        }
        match place(plan, pid) {
            Ok(place) => places.push(place),
            Err(message) => problem = Some(message),
        }
    }
    places.sort_by_key(|place| place.pid);
    if places.is_empty() && problem.is_none() {
        let name = plan.process.as_deref().or(plan.service.as_deref()).unwrap_or_default();
        problem = Some(Msg::new("app-variable-no-process").with("name", name));
    }
    (places, problem)
}

fn place(plan: &Plan, pid: u32) -> Result<Place, Msg> {
    let failed = |error: &std::io::Error| unreadable(pid, error);
    let begun = process::begun(pid).unwrap_or(0);
    let maps = fs::read(format!("/proc/{pid}/maps")).map_err(|error| failed(&error))?;
    let maps = Maps::from_bytes(&maps).map_err(|error| Said::fail(error.to_string()).message)?;
    let memory = File::open(format!("/proc/{pid}/mem")).map_err(|error| failed(&error))?;
    let (variable, address) = locate(plan, pid, &maps)?;
    let number = plan.kind.and_then(of_type).or(variable.number);
    let number = number.ok_or_else(|| Msg::new("app-variable-type").with("symbol", plan.symbol.as_str()))?;
    Ok(Place { pid, begun, memory, address, number, little: variable.little })
}

/// The variable in the program, or else in one of its libraries, and its address in the process.
fn locate(plan: &Plan, pid: u32, maps: &Maps) -> Result<(Variable, u64), Msg> {
    let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let program = program.to_string_lossy().into_owned();
    let mut files: Vec<&str> = vec![&program];
    for mapping in maps.0.iter().filter(|mapping| mapping.path.starts_with('/')) {
        if !files.contains(&mapping.path.as_str()) {
            files.push(&mapping.path);
        }
    }
    // Paths are those that the process sees, in its container or here.
    let host = HostFiles(PathBuf::from(format!("/proc/{pid}/root")));
    let mut problem = None;
    for path in files.into_iter().take(LIBRARIES) {
        match Variable::find(&host, path, &plan.symbol, &SymbolOptions::default()) {
            Ok(variable) => {
                let part = |mapping: &&Mapping| mapping.path == path;
                let moved = maps.0.iter().filter(part).find_map(|part| variable.moved_by(part.start, part.offset));
                if let Some(moved) = moved {
                    let address = variable.address.wrapping_add(moved);
                    return Ok((variable, address));
                }
            }
            // What is wrong with the program itself is told, not what is missing in its libraries.
            Err(error) => problem = problem.or(Some((path.to_owned(), error.to_string()))),
        }
    }
    let (file, problem) = problem.unwrap_or_default();
    Err(Msg::new("app-variable-symbol")
        .with("file", file)
        .with("symbol", plan.symbol.as_str())
        .with("problem", problem))
}

/// The number that the configuration says it is.
fn of_type(word: &str) -> Option<Number> {
    let (kind, bits) = match word {
        "bool" => (NumberKind::Unsigned, "8"),
        other => {
            let kind = match other.as_bytes().first()? {
                b'i' => NumberKind::Signed,
                b'u' => NumberKind::Unsigned,
                _ => NumberKind::Float,
            };
            (kind, &other[1..])
        }
    };
    Number::new(kind, bits.parse::<u8>().ok()? / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_of_the_configuration_are_numbers() {
        for word in ["i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64", "bool"] {
            let number = of_type(word).unwrap_or_else(|| panic!("{word}"));
            let bits = word[1..].parse().unwrap_or(8);
            assert_eq!(number.length() * 8, bits, "{word}");
        }
    }
}
