//! `mapfile.csv`: which table is for which CPU.

use regex::RegexBuilder;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapEntry {
    /// A regular expression for the CPU: `GenuineIntel-6-(37|4A)`, `AuthenticAMD-25-[[:xdigit:]]+`, on ARM a MIDR.
    pub pattern: String,
    /// Directory or file of the table, relative to that of the map.
    pub path: String,
    /// `core`, `uncore`, `offcore`, ...
    pub kind: String,
}

impl MapEntry {
    /// Whether the line is for this CPU; `cpu` is `VENDOR-FAMILY-MODEL-STEPPING` on x86.
    pub fn fits(&self, cpu: &str) -> bool {
        fits(&self.pattern, cpu)
    }
}

/// A list of CPU models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MapFile {
    /// Its lines in their order.
    pub entries: Vec<MapEntry>,
}

impl MapFile {
    /// Reads `Family-model,Version,Filename,EventType[,...]`; comments, the heading and lines with fewer columns say
    /// nothing.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let entry = |line: &str| {
            let mut columns = line.split(',').map(str::trim);
            let pattern = columns.next().filter(|pattern| !pattern.is_empty() && !pattern.starts_with('#'))?;
            let path = columns.nth(1).filter(|path| !path.is_empty() && *path != "Filename")?;
            let kind = columns.next()?;
            Some(MapEntry {
                pattern: pattern.to_owned(),
                path: path.trim_start_matches('/').to_owned(),
                kind: kind.to_owned(),
            })
        };
        Self { entries: text.lines().filter_map(entry).collect() }
    }
}

/// Whether a file's name is that of a table for this CPU, as pmu-tools names them: `GenuineIntel-6-55-[4]-core.json`;
/// the kind of table (`core`).
pub fn file_fits<'n>(name: &'n str, cpu: &str) -> Option<&'n str> {
    let stem = name.strip_suffix(".json")?;
    let vendor = cpu.split('-').next().filter(|vendor| !vendor.is_empty())?;
    let (pattern, kind) = stem.starts_with(vendor).then(|| stem.rsplit_once('-')).flatten()?;
    let kinds = ["core", "uncore", "offcore", "uncore experimental", "matrix", "fp_arith_inst"];
    // Without a kind it is the model alone.
    let (pattern, kind) = if kinds.contains(&kind) { (pattern, kind) } else { (stem, "core") };
    (kind != "matrix" && fits(pattern, cpu)).then_some(kind)
}

/// Whether the whole of the CPU's name matches, or all but the stepping.
fn fits(pattern: &str, cpu: &str) -> bool {
    let built = RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 18).dfa_size_limit(1 << 18).build();
    let Ok(expression) = built else { return false };
    let without_stepping = cpu.rsplit_once('-').filter(|(rest, _)| rest.matches('-').count() == 2);
    expression.is_match(cpu) || without_stepping.is_some_and(|(rest, _)| expression.is_match(rest))
}
