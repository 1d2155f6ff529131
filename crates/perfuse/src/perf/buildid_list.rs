//! `perf buildid-list`: which builds of which files a recording is about.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::ControlFlow;

use perfuse_analyze::resolve::{Item, NoNames, Options, Resolver};
use perfuse_collect::Root;
use perfuse_collect::perf::record::host::kernel_build_id;
use perfuse_collect::perf::synth::Kernel;
use perfuse_format::perfdata::PerfData;
use perfuse_symbol::{build_id_of, build_id_text};

use super::options::{Opt, Parsed, switch, value};
use super::recorded::{Input, Passage};
use super::{Command, FAILED};
use crate::console::{self, Console};

/// `perf buildid-list`.
pub(crate) const COMMAND: Command =
    Command { name: "buildid-list", usage: &["[<options>]"], options: OPTIONS, runs: false, run };

const OPTIONS: &[Opt] = &[
    switch('f', "force"),
    switch('H', "with-hits"),
    value('i', "input", "file"),
    switch('k', "kernel"),
    switch('m', "kernel-maps"),
    switch('v', "verbose"),
];

fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let root = Root::default();
    let id_of_kernel = || kernel_build_id(&root, None).map(|id| build_id_text(&id));
    if parsed.on("kernel-maps") {
        console::print(&kernel_maps(&root, &id_of_kernel().unwrap_or_default()))?;
        return Ok(0);
    }
    if parsed.on("kernel") {
        let Some(id) = id_of_kernel() else {
            console.complain(&console.texts.word("buildid-no-kernel"));
            return Ok(FAILED);
        };
        console::print(&format!("{id}\n"))?;
        return Ok(0);
    }
    let name = parsed.text("input");
    // A program or library may be asked for its own build id.
    if let Some(id) = name.as_ref().and_then(|name| build_id_of(std::fs::File::open(name).ok()?).ok()) {
        let Some(id) = id else {
            let message = perfuse_analyze::Msg::new("buildid-none").with("path", name.unwrap_or_default());
            console.complain(&console.texts.text(&message));
            return Ok(FAILED);
        };
        console::print(&format!("{}\n", build_id_text(&id)))?;
        return Ok(0);
    }
    let input = Input::open(name.as_deref())?;
    let data = input.recording(false, console)?;
    // A pipe tells the build ids last, and perf those that it meets.
    let hits = parsed.on("with-hits") || input.changed.is_none();
    let files = if hits { with_hits(&input, &data) } else { known(&data) };
    let lines = files.iter().fold(String::new(), |mut text, (id, path)| {
        let _ = writeln!(text, "{id:40} {path}");
        text
    });
    console::print(&lines)?;
    Ok(0)
}

/// Build ids that the header tells, with their files.
pub(super) fn known(data: &PerfData<'_>) -> Vec<(String, String)> {
    data.features.build_ids.iter().map(|known| (build_id_text(&known.id), known.path.clone())).collect()
}

/// The files that samples hit, in the order in which they were mentioned first.
fn with_hits(input: &Input, data: &PerfData<'_>) -> Vec<(String, String)> {
    let mut resolver = Resolver::new(NoNames, Options { symbols: false, ..Options::default() });
    let (mut hit, mut passage) = (BTreeSet::new(), Passage::new(input));
    let _: ControlFlow<()> = resolver.replay(data, |resolver, item| {
        match item {
            Item::Raw(raw) => passage.at(&raw),
            Item::Sample(_, sample) => {
                let place = resolver.place(sample);
                hit.extend(resolver.frame(place).dso);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    });
    let known = known(data);
    let rank = |path: &str| known.iter().position(|(_, known)| known == path).unwrap_or(known.len());
    let dsos = hit.iter().filter_map(|id| resolver.session().dso_of(*id));
    let mut files: Vec<(String, String)> =
        dsos.map(|dso| (dso.build_id.as_deref().map(build_id_text).unwrap_or_default(), dso.path.clone())).collect();
    files.sort_by_key(|(_, path)| rank(path));
    files
}

/// Where the running kernel and its modules are.
fn kernel_maps(root: &Root, id: &str) -> String {
    let kernel = Kernel::read(root);
    let start = kernel.start.map_or(0, |(_, start)| start);
    let mut text = format!("{id} {start:16x} {:16x} [kernel.kallsyms]\n", kernel.end);
    for module in &kernel.modules {
        let id = kernel_build_id(root, Some(&module.name)).map(|id| build_id_text(&id)).unwrap_or_default();
        let end = module.start.saturating_add(module.size);
        // Writing to a string does not fail.
        let _ = writeln!(text, "{id} {:16x} {end:16x} {}", module.start, module.path);
    }
    text
}
