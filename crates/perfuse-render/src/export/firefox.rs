//! The "processed profile" of the Firefox Profiler, version 58 (`docs-developer/CHANGELOG-formats.md` and
//! `src/types/profile.ts` of firefox-devtools/profiler). Later versions read it: the viewer upgrades what it opens.
//!
//! Tables are columns of equal length; every thread has its own stacks, frames and functions, and all share the strings:
//!
//! ```text
//!   samples.stack 4 -> stackTable[4] { prefix 3, frame 9 } -> frameTable[9] { func 2, line 17 } -> funcTable[2]
//! ```
//!
//! Times and weights of time are milliseconds in floating point: a period of any length has its place there.

use std::borrow::Cow;
use std::collections::BTreeMap;

use perfuse_analyze::flame::frame_name;
use perfuse_analyze::profile::{Frame, FrameKind, Profile, WeightUnit};
use serde::Serialize;
use serde_json::{Value, json};

use super::{ProfileInfo, Track, base_name, span, tracks};

/// Version of the format.
const VERSION: u32 = 58;

/// Version of the format of Firefox itself at that time.
const GECKO_VERSION: u32 = 31;

/// The categories, by index; the grey one is what frames without any have.
const CATEGORIES: [(&str, &str); 4] = [("Other", "grey"), ("User", "yellow"), ("Kernel", "orange"), ("JIT", "green")];

#[derive(Default)]
struct Strings<'a> {
    ids: BTreeMap<Cow<'a, str>, usize>,
    all: Vec<Cow<'a, str>>,
}

impl<'a> Strings<'a> {
    fn id(&mut self, text: Cow<'a, str>) -> usize {
        if let Some(id) = self.ids.get(&text) {
            return *id;
        }
        self.all.push(text.clone());
        self.ids.insert(text, self.all.len() - 1);
        self.all.len() - 1
    }
}

/// What all threads share.
#[derive(Default)]
struct Shared<'a> {
    strings: Strings<'a>,
    /// Files with code, by path: index into `libs`.
    libs: BTreeMap<&'a str, usize>,
    lib_paths: Vec<&'a str>,
    /// Source files, by path: index into the table of sources.
    sources: BTreeMap<&'a str, usize>,
    source_names: Vec<usize>,
}

#[derive(Serialize, Default)]
struct StackTable {
    frame: Vec<usize>,
    prefix: Vec<Option<usize>>,
    length: usize,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct FrameTable {
    address: Vec<i64>,
    inline_depth: Vec<u32>,
    category: Vec<usize>,
    subcategory: Vec<usize>,
    func: Vec<usize>,
    native_symbol: Vec<Option<usize>>,
    #[serde(rename = "innerWindowID")]
    inner_window_id: Vec<Option<u64>>,
    line: Vec<Option<u32>>,
    column: Vec<Option<u32>>,
    length: usize,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct FuncTable {
    name: Vec<usize>,
    #[serde(rename = "isJS")]
    is_js: Vec<bool>,
    #[serde(rename = "relevantForJS")]
    relevant_for_js: Vec<bool>,
    resource: Vec<i64>,
    source: Vec<Option<usize>>,
    line_number: Vec<Option<u32>>,
    column_number: Vec<Option<u32>>,
    length: usize,
}

#[derive(Serialize, Default)]
struct ResourceTable {
    length: usize,
    lib: Vec<Option<usize>>,
    name: Vec<usize>,
    host: Vec<Option<usize>>,
    r#type: Vec<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Samples {
    stack: Vec<Option<usize>>,
    time: Vec<f64>,
    weight: Vec<Value>,
    weight_type: &'static str,
    length: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Thread {
    process_type: &'static str,
    process_startup_time: f64,
    process_shutdown_time: Option<f64>,
    register_time: f64,
    unregister_time: Option<f64>,
    paused_ranges: [u8; 0],
    name: String,
    #[serde(rename = "isMainThread")]
    is_main: bool,
    process_name: String,
    pid: String,
    tid: i32,
    samples: Samples,
    markers: Value,
    stack_table: StackTable,
    frame_table: FrameTable,
    func_table: FuncTable,
    resource_table: ResourceTable,
    native_symbols: Value,
}

/// The tables of one thread while they are filled.
#[derive(Default)]
struct Tables {
    stacks: StackTable,
    frames: FrameTable,
    /// By frame of the profile and depth of inlining.
    frame_ids: BTreeMap<(u32, u32), usize>,
    funcs: FuncTable,
    /// By texts of name, module and source file.
    func_ids: BTreeMap<(u32, u32, u32), usize>,
    resources: ResourceTable,
    resource_ids: BTreeMap<usize, usize>,
}

/// The document.
pub fn render(profile: &Profile, info: &ProfileInfo) -> serde_json::Result<Vec<u8>> {
    let (first, last) = span(profile);
    let all = tracks(profile);
    let mut shared = Shared::default();
    let threads: Vec<Thread> = all.iter().map(|track| thread(profile, track, first, &mut shared)).collect();
    let length = milliseconds(last - first);
    let most = all.iter().map(|track| track.samples.len()).max().unwrap_or(0);
    // The viewer wants to know how far samples are apart; of events that are no clock that is a mean.
    let interval = if most > 1 && length > 0.0 { length / (most - 1) as f64 } else { 1.0 };
    let libs: Vec<Value> = shared.lib_paths.iter().map(|path| lib(path)).collect();
    let categories: Vec<Value> = CATEGORIES
        .iter()
        .map(|(name, color)| json!({ "name": name, "color": color, "subcategories": ["Other"] }))
        .collect();
    let document = json!({
        "meta": {
            "interval": interval,
            "startTime": milliseconds(info.started.unwrap_or(0)),
            "profilingStartTime": 0,
            "profilingEndTime": length,
            "processType": 0,
            "product": info.title,
            "importedFrom": "perfuse",
            "stackwalk": 1,
            "debug": false,
            "version": GECKO_VERSION,
            "preprocessedProfileVersion": VERSION,
            "categories": categories,
            "markerSchema": [],
            "platform": "Linux",
            "symbolicated": true,
            "usesOnlyOneStackType": true,
            "sourceCodeIsNotOnSearchfox": true,
        },
        "libs": libs,
        "pages": [],
        "shared": {
            "stringArray": shared.strings.all,
            "sources": {
                "length": shared.source_names.len(),
                "uuid": vec![Value::Null; shared.source_names.len()],
                "filename": shared.source_names,
            },
        },
    });
    // The threads are most of the document: they are not turned into values first.
    let mut out = serde_json::to_vec(&document)?;
    out.pop();
    out.extend_from_slice(b",\"threads\":");
    serde_json::to_writer(&mut out, &threads)?;
    out.push(b'}');
    Ok(out)
}

/// A file with code. Without a build id the viewer cannot look for symbols, and need not: they are there.
fn lib(path: &str) -> Value {
    let name = base_name(path);
    json!({
        "arch": "", "name": name, "path": path, "debugName": name, "debugPath": path, "breakpadId": "", "codeId": null,
    })
}

fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

fn thread<'a>(profile: &'a Profile, track: &Track<'a>, first: u64, shared: &mut Shared<'a>) -> Thread {
    let mut tables = Tables::default();
    let stacks = tables.fill(profile, track, shared);
    let event = profile.events.get(track.event as usize);
    let time = event.is_some_and(|event| event.unit == WeightUnit::Nanoseconds);
    let weight = |weight: u64| if time { json!(milliseconds(weight)) } else { json!(weight) };
    let who = profile.threads().get(track.thread as usize);
    let (pid, tid) = who.map_or((0, 0), |thread| (thread.pid, thread.tid));
    let comm = who.map_or("", |thread| &thread.comm);
    let main = profile.threads().iter().find(|thread| thread.pid == pid && thread.tid == pid);
    let several = profile.events.len() > 1;
    let samples = Samples {
        stack: track.samples.iter().map(|sample| sample.node.and_then(|node| stacks.get(&node.0).copied())).collect(),
        time: track.samples.iter().map(|sample| milliseconds(sample.time.saturating_sub(first))).collect(),
        weight: track.samples.iter().map(|sample| weight(sample.weight)).collect(),
        weight_type: if time { "tracing-ms" } else { "samples" },
        length: track.samples.len(),
    };
    let start = samples.time.first().copied().unwrap_or(0.0);
    Thread {
        process_type: "default",
        process_startup_time: 0.0,
        process_shutdown_time: None,
        register_time: start,
        unregister_time: None,
        paused_ranges: [],
        name: match event.filter(|_| several) {
            Some(event) => format!("{comm} ({})", event.name),
            None => comm.to_owned(),
        },
        is_main: pid == tid,
        process_name: main.map_or(comm, |main| &main.comm).to_owned(),
        pid: pid.to_string(),
        tid,
        samples,
        markers: json!({
            "data": [], "name": [], "startTime": [], "endTime": [], "phase": [], "category": [], "length": 0,
        }),
        stack_table: tables.stacks,
        frame_table: tables.frames,
        func_table: tables.funcs,
        resource_table: tables.resources,
        native_symbols: json!({ "libIndex": [], "address": [], "name": [], "functionSize": [], "length": 0 }),
    }
}

impl Tables {
    /// Takes over the nodes that the samples of a track use; the stack of each by the node's number.
    fn fill<'a>(&mut self, profile: &'a Profile, track: &Track<'a>, shared: &mut Shared<'a>) -> BTreeMap<u32, usize> {
        let mut stacks: BTreeMap<u32, usize> = BTreeMap::new();
        for sample in &track.samples {
            let mut at = sample.node;
            while let Some(node) = at {
                if stacks.insert(node.0, 0).is_some() {
                    break;
                }
                at = profile.nodes().get(node.0 as usize).and_then(|node| node.parent);
            }
        }
        // A parent has a smaller number than its children: its depth is known by then.
        let mut depths: BTreeMap<u32, u32> = BTreeMap::new();
        let mut next = 0;
        let order: Vec<u32> = stacks.keys().copied().collect();
        for number in order {
            let Some(node) = profile.nodes().get(number as usize) else { continue };
            let inlined = profile.frames().get(node.frame.0 as usize).is_some_and(|frame| frame.inlined);
            let parent_depth = node.parent.and_then(|parent| depths.get(&parent.0).copied());
            let depth = if inlined { parent_depth.map_or(0, |depth| depth + 1) } else { 0 };
            depths.insert(number, depth);
            let frame = self.frame(profile, node.frame.0, depth, shared);
            self.stacks.frame.push(frame);
            self.stacks.prefix.push(node.parent.and_then(|parent| stacks.get(&parent.0).copied()));
            stacks.insert(number, next);
            next += 1;
        }
        self.stacks.length = next;
        stacks
    }

    fn frame<'a>(&mut self, profile: &'a Profile, id: u32, depth: u32, shared: &mut Shared<'a>) -> usize {
        if let Some(known) = self.frame_ids.get(&(id, depth)) {
            return *known;
        }
        let Some(frame) = profile.frames().get(id as usize) else { return 0 };
        let file = frame.source.map_or(u32::MAX, |(file, _)| file.0);
        let func = self.func(profile, frame, file, shared);
        let table = &mut self.frames;
        // 0 is an address that nobody told; numbers above 2^63 are the kernel's, which no table of a file has.
        let address = i64::try_from(frame.address).ok().filter(|address| *address > 0);
        table.address.push(address.unwrap_or(-1));
        table.inline_depth.push(depth);
        table.category.push(match frame.kind {
            FrameKind::User => 1,
            FrameKind::Kernel => 2,
            FrameKind::Jit => 3,
            FrameKind::Unknown => 0,
        });
        table.subcategory.push(0);
        table.func.push(func);
        table.native_symbol.push(None);
        table.inner_window_id.push(Some(0));
        table.line.push(frame.source.map(|(_, line)| line));
        table.column.push(None);
        table.length += 1;
        self.frame_ids.insert((id, depth), table.length - 1);
        table.length - 1
    }

    fn func<'a>(&mut self, profile: &'a Profile, frame: &Frame, file: u32, shared: &mut Shared<'a>) -> usize {
        let key = (frame.function.0, frame.module.0, file);
        if let Some(known) = self.func_ids.get(&key) {
            return *known;
        }
        let text = |id: u32| profile.texts().get(id as usize).map_or("", String::as_str);
        let (module, file) = (text(key.1), text(key.2));
        let resource = if module.is_empty() { -1 } else { self.resource(module, shared) };
        let source = if file.is_empty() { None } else { Some(shared.source(file)) };
        let table = &mut self.funcs;
        table.name.push(shared.strings.id(frame_name(profile, frame)));
        table.is_js.push(false);
        table.relevant_for_js.push(false);
        table.resource.push(resource);
        table.source.push(source);
        table.line_number.push(None);
        table.column_number.push(None);
        table.length += 1;
        self.func_ids.insert(key, table.length - 1);
        table.length - 1
    }

    fn resource<'a>(&mut self, module: &'a str, shared: &mut Shared<'a>) -> i64 {
        let lib = shared.lib(module);
        let table = &mut self.resources;
        let id = *self.resource_ids.entry(lib).or_insert_with(|| {
            table.lib.push(Some(lib));
            table.name.push(shared.strings.id(Cow::Borrowed(base_name(module))));
            table.host.push(None);
            // A library.
            table.r#type.push(1);
            table.length += 1;
            table.length - 1
        });
        i64::try_from(id).unwrap_or(-1)
    }
}

impl<'a> Shared<'a> {
    fn lib(&mut self, path: &'a str) -> usize {
        let paths = &mut self.lib_paths;
        *self.libs.entry(path).or_insert_with(|| {
            paths.push(path);
            paths.len() - 1
        })
    }

    fn source(&mut self, path: &'a str) -> usize {
        let name = self.strings.id(Cow::Borrowed(path));
        let names = &mut self.source_names;
        *self.sources.entry(path).or_insert_with(|| {
            names.push(name);
            names.len() - 1
        })
    }
}
