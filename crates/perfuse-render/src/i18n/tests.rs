//! The tables of all languages against each other, against the directory, and against the ids that the sources use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use perfuse_analyze::cell::message_base;
use perfuse_analyze::{CELLS, CONTROLS, EntityKind, Kind, Quantity, Resource, Severity, Verdict, threshold};
use perfuse_format::sys::capability::id;

use super::*;

/// Variables and text of messages by id.
type Table = BTreeMap<String, (BTreeSet<String>, String)>;

/// The variables of every message of a table, by message id; problems of the table's form.
fn messages(source: &str) -> (Table, Vec<String>) {
    let mut all = Table::new();
    let mut problems = Vec::new();
    let mut current: Option<String> = None;
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        let starts = line.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
        let text = match line.split_once('=') {
            Some((id, text)) if starts => {
                let id = id.trim().to_owned();
                if all.contains_key(&id) {
                    problems.push(format!("`{id}` stands twice"));
                }
                current = Some(id);
                text
            }
            _ => line,
        };
        if let Some(id) = &current {
            let entry = all.entry(id.clone()).or_default();
            entry.0.extend(variables(text));
            entry.1.push_str(text);
            entry.1.push('\n');
        }
    }
    (all, problems)
}

fn variables(text: &str) -> impl Iterator<Item = String> + '_ {
    let name = |rest: &str| {
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').next().unwrap_or("").to_owned()
    };
    text.split('$').skip(1).map(name)
}

fn sources(root: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            if !path.ends_with("tests") {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|ext| ext == "rs")
            && !["tests.rs", "report_tests.rs", "fixture.rs"].iter().any(|name| path.ends_with(name))
        {
            found.push(path);
        }
    }
}

/// The string literals that follow `call` in the code before the first test module of each file, with their place.
fn literals(call: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for part in ["perfuse-analyze/src", "perfuse-render/src", "perfuse-service/src", "perfuse/src"] {
        sources(&root.join(part), &mut files);
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let code = fs::read_to_string(&file).unwrap();
        let code = code.split("#[cfg(test)]\nmod ").next().unwrap_or("");
        let code: String =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        for rest in code.split(call).skip(1) {
            if let Some(literal) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                found.push((literal.to_owned(), file.file_name().unwrap_or_default().to_string_lossy().into_owned()));
            }
        }
    }
    found
}

/// The string literals of this crate's own sources that start with `prefix`.
fn literals_starting(prefix: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    for file in files {
        let code = fs::read_to_string(&file).unwrap();
        let code = code.split("#[cfg(test)]\nmod ").next().unwrap_or("");
        for rest in code.split(&format!("\"{prefix}")).skip(1) {
            let id = rest.split('"').next().unwrap_or("");
            if id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') && !id.is_empty() {
                found.push((format!("{prefix}{id}"), file.display().to_string()));
            }
        }
    }
    found
}

/// Every id that something asks for, with who asks.
fn wanted() -> BTreeMap<String, String> {
    let mut ids = BTreeMap::new();
    let mut want = |id: String, who: &str| {
        ids.entry(id).or_insert_with(|| who.to_owned());
    };
    for call in ["Msg::new(", ".word("] {
        for (id, file) in literals(call) {
            want(id, &file);
        }
    }
    // Ids of this crate's own messages, wherever they stand: in arrays and tuples too.
    for prefix in ["report-", "thresholds-", "html-", "tui-", "sixty-"] {
        for (rest, file) in literals_starting(prefix) {
            want(rest, &file);
        }
    }
    for capability in id::ALL {
        let base = format!("capability-{}", capability.replace('_', "-"));
        want(format!("{base}-enable"), "capabilities");
        want(base, "capabilities");
    }
    for (rule, file) in literals("Finding::new(") {
        for part in ["title", "summary"] {
            want(format!("finding-{}-{part}", rule.replace('.', "-")), &file);
        }
    }
    for (key, file) in literals(".detail(") {
        want(format!("detail-{}", key.replace('_', "-")), &file);
    }
    for verdict in Verdict::ALL {
        want(format!("verdict-{}", verdict.id().replace('_', "-")), "verdicts");
    }
    for severity in [Severity::Watch, Severity::Bottleneck, Severity::Error] {
        want(format!("severity-{}", severity.id()), "severities");
    }
    for kind in Kind::ALL {
        want(format!("kind-{}", kind.id()), "kinds");
    }
    for resource in Resource::ALL {
        want(format!("resource-{}", resource.id()), "resources");
    }
    for kind in ENTITIES {
        want(format!("entity-{}", kind.id()), "entities");
    }
    for threshold in threshold::all() {
        want(format!("threshold-{}", threshold.key.replace('.', "-")), "thresholds");
    }
    ids
}

const ENTITIES: [EntityKind; 16] = [
    EntityKind::Process,
    EntityKind::Thread,
    EntityKind::Cgroup,
    EntityKind::Device,
    EntityKind::Mount,
    EntityKind::Interface,
    EntityKind::Qdisc,
    EntityKind::Listener,
    EntityKind::Socket,
    EntityKind::Lock,
    EntityKind::Query,
    EntityKind::Pool,
    EntityKind::Queue,
    EntityKind::Dependency,
    EntityKind::Kernel,
    EntityKind::Host,
];

/// The table that has the texts of a cell or control of a resource.
fn table_of(id: &str, resource: Resource) -> &'static str {
    match resource {
        // Limits the disk's writers, by a rule of memory.
        _ if id == "control.dirty-limit" => "memory",
        Resource::Cpu | Resource::KernelLock | Resource::UserLock | Resource::Tasks => "cpu",
        Resource::Memory | Resource::Capacity | Resource::Fds => "memory",
        Resource::Network | Resource::NetworkController => "network",
        _ => "disk",
    }
}

#[test]
fn both_languages_say_the_same_things() {
    let mut problems = Vec::new();
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    let mut filled = BTreeSet::new();
    for ((file, en), (_, ko)) in locales::files(Lang::En).iter().zip(locales::files(Lang::Ko)) {
        let ((en, en_problems), (ko, ko_problems)) = (messages(en), messages(ko));
        problems.extend(en_problems.iter().map(|problem| format!("en/{file}.ftl: {problem}")));
        problems.extend(ko_problems.iter().map(|problem| format!("ko/{file}.ftl: {problem}")));
        for id in en.keys().chain(ko.keys()).collect::<BTreeSet<_>>() {
            match (en.get(id), ko.get(id)) {
                (Some((en, en_text)), Some((ko, ko_text))) => {
                    if en != ko {
                        problems.push(format!("{file}: `{id}` has variables {en:?} in English and {ko:?} in Korean"));
                    }
                    if en_text.trim().is_empty() || ko_text.trim().is_empty() {
                        problems.push(format!("{file}: `{id}` is empty"));
                    }
                    let hangul = ko_text.chars().any(|c| ('가'..='힣').contains(&c));
                    if !hangul && has_words(en_text) && !same_in_both(id) {
                        problems.push(format!("{file}: `{id}` has no Korean: {}", ko_text.trim()));
                    }
                    if en_text.chars().any(|c| ('가'..='힣').contains(&c)) && !same_in_both(id) {
                        problems.push(format!("{file}: `{id}` has Korean in English"));
                    }
                }
                (Some(_), None) => problems.push(format!("ko/{file}.ftl lacks `{id}`")),
                _ => problems.push(format!("en/{file}.ftl lacks `{id}`")),
            }
            if let Some(other) = known.insert(id.clone(), file).filter(|other| other != file) {
                problems.push(format!("`{id}` stands in {other}.ftl and in {file}.ftl"));
            }
            filled.insert(*file);
        }
    }
    let mut wanted = wanted();
    for (id, resource) in CELLS
        .iter()
        .map(|cell| (cell.id, cell.resource))
        .chain(CONTROLS.iter().map(|control| (control.id, control.resource)))
    {
        // A table without any message yet belongs to rules that do not exist yet.
        if filled.contains(table_of(id, resource)) {
            for part in ["title", "enable", "who"] {
                wanted.insert(format!("{}-{part}", message_base(id)), "cells and controls".to_owned());
            }
        }
    }
    for (id, who) in &wanted {
        if !known.contains_key(id) {
            problems.push(format!("no table has `{id}` ({who})"));
        }
    }
    for lang in Lang::ALL {
        problems.extend(load(lang, locales::files(lang)).1);
    }
    problems.dedup();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// Whether an English text has words of its own outside of placeables.
fn has_words(text: &str) -> bool {
    let mut depth = 0_i32;
    let mut words = 0;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            c if depth == 0 && c.is_ascii_lowercase() => words += 1,
            _ => {}
        }
    }
    words > 2
}

/// Names that are the same in both languages.
fn same_in_both(id: &str) -> bool {
    ["resource-cpu", "entity-cgroup", "entity-qdisc"].contains(&id) || id == "tui-other-language"
}

#[test]
fn every_message_can_be_said() {
    let mut problems = Vec::new();
    for lang in Lang::ALL {
        let texts = Texts::new(lang);
        for (file, source) in locales::files(lang) {
            for (id, (variables, _)) in messages(source).0 {
                let Some(pattern) = texts.bundle.get_message(&id).and_then(|message| message.value()) else {
                    problems.push(format!("{}/{file}.ftl: `{id}` has no text", lang.id()));
                    continue;
                };
                for number in [false, true] {
                    let mut args = FluentArgs::new();
                    for name in &variables {
                        let value = if number { FluentValue::from(7) } else { FluentValue::from("eth7") };
                        args.set(name.clone(), value);
                    }
                    let mut errors = Vec::new();
                    let said = texts.bundle.format_pattern(pattern, Some(&args), &mut errors);
                    if !errors.is_empty() || said.contains(['{', '}']) {
                        problems.push(format!("{}/{file}.ftl: `{id}`: {said} {errors:?}", lang.id()));
                    }
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The end of the bracketed text that starts at `open`, strings skipped; nothing when it does not close.
fn closing(code: &str, open: usize) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_u32, false, false);
    for (at, c) in code[open..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '(' if !in_string => depth += 1,
            ')' if !in_string && depth == 1 => return Some(open + at + 1),
            ')' if !in_string => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Each message that the sources make in one expression, `Msg::new("id").with("a", ..).with("b", ..)`: its id, the
/// names that it passes, and whether the expression ends there (so that nothing is added later).
fn made() -> Vec<(String, BTreeSet<String>, bool)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for part in ["perfuse-analyze/src", "perfuse-render/src", "perfuse-service/src", "perfuse/src"] {
        sources(&root.join(part), &mut files);
    }
    let mut made = Vec::new();
    for file in files {
        let code = fs::read_to_string(&file).unwrap();
        let code = code.split("#[cfg(test)]\nmod ").next().unwrap_or("");
        for (start, call) in code.match_indices("Msg::new(") {
            let argument = code[start + call.len()..].trim_start();
            let Some(id) = argument.strip_prefix('"').and_then(|rest| rest.split('"').next()) else { continue };
            let Some(mut at) = closing(code, start + call.len() - 1) else { continue };
            let mut names = BTreeSet::new();
            while let Some(rest) = code[at..].trim_start().strip_prefix(".with(") {
                let name = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
                let (Some(name), Some(end)) = (name, closing(code, code.len() - rest.len() - 1)) else { break };
                names.insert(name.to_owned());
                at = end;
            }
            let ends = code[at..].trim_start().starts_with([')', ',']);
            made.push((id.to_owned(), names, ends));
        }
    }
    made
}

#[test]
fn messages_get_the_variables_that_they_use() {
    let tables: Vec<Table> = locales::files(Lang::En).iter().map(|(_, source)| messages(source).0).collect();
    let mut problems = Vec::new();
    let made = made();
    assert!(made.len() > 50, "the sources were not found");
    for (id, names, ends) in made {
        let Some((used, _)) = tables.iter().find_map(|table| table.get(&id)) else { continue };
        let unused: Vec<_> = names.difference(used).collect();
        let missing: Vec<_> = used.difference(&names).collect();
        if !unused.is_empty() {
            problems.push(format!("`{id}` gets {unused:?}, which it does not use"));
        }
        if ends && !names.is_empty() && !missing.is_empty() {
            problems.push(format!("`{id}` does not get {missing:?}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The particles that are looked for; the function takes any pair, such as `이라는/라는`.
const PAIRS: [&str; 7] = ["이/가", "은/는", "을/를", "과/와", "으로/로", "이라/라", "아/야"];

#[test]
fn korean_particles_after_placeables_are_computed() {
    let mut problems = Vec::new();
    for (file, source) in locales::files(Lang::Ko) {
        for line in source.lines().filter(|line| !line.starts_with('#')) {
            for call in line.split("JOSA(").skip(1) {
                let pair = call.split('"').nth(1).unwrap_or("");
                let hangul = |form: &str| !form.is_empty() && form.chars().all(|c| ('가'..='힣').contains(&c));
                if !pair.split_once('/').is_some_and(|(closed, open)| hangul(closed) && hangul(open)) {
                    problems.push(format!("{file}: `{pair}` is no pair of particles: {line}"));
                }
            }
            for (before, after) in line.match_indices('}').map(|(at, _)| (&line[..at], &line[at + 1..])) {
                let placeable = before.rsplit('{').next().unwrap_or("").trim();
                let plain = placeable.starts_with('$') && !placeable.contains('>');
                let particle = PAIRS.iter().flat_map(|pair| pair.split('/')).find(|particle| {
                    after
                        .strip_prefix(*particle)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ',', '.']))
                });
                if let (true, Some(particle)) = (plain, particle) {
                    problems.push(format!("{file}: `{particle}` after {{ {placeable} }} without JOSA: {line}"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn titles_are_short() {
    let mut problems = Vec::new();
    for lang in Lang::ALL {
        let texts = Texts::new(lang);
        for id in CELLS.iter().map(|cell| cell.id).chain(CONTROLS.iter().map(|control| control.id)) {
            let Some(title) = texts.try_text(&Msg::new(format!("{}-title", message_base(id)))) else { continue };
            let width = unicode_width::UnicodeWidthStr::width(title.as_str());
            if width > 28 {
                problems.push(format!("{}: {id}: `{title}` has {width} columns", lang.id()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_list_of_tables_is_the_directory() {
    for lang in Lang::ALL {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales").join(lang.id());
        let mut files: Vec<_> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let mut listed: Vec<_> = locales::files(lang).iter().map(|(name, _)| format!("{name}.ftl")).collect();
        listed.sort();
        assert_eq!(files, listed);
    }
}

#[test]
fn languages_are_found_by_locale_names() {
    for (name, lang) in [
        ("ko", Some(Lang::Ko)),
        ("ko_KR.UTF-8", Some(Lang::Ko)),
        ("KO-kr", Some(Lang::Ko)),
        ("en_US", Some(Lang::En)),
        ("C", None),
        ("C.UTF-8", None),
        ("POSIX", None),
        ("", None),
        ("kok_IN", None),
    ] {
        assert_eq!(Lang::from_locale(name), lang, "{name}");
    }
}

#[test]
fn arguments_are_written_for_people() {
    let (en, ko) = (Texts::new(Lang::En), Texts::new(Lang::Ko));
    let count = |n: u64| Msg::new("report-unhealthy").with("count", n);
    assert_eq!(en.text(&count(1)), "1 finding needs attention.");
    assert_eq!(en.text(&count(2)), "2 findings need attention.");
    assert_eq!(ko.text(&count(1234)), "조치가 필요한 발견 사항이 1,234건 있습니다.");
    let wait = Msg::new("report-wait").with("wait", Quantity::wait(0.42));
    assert_eq!(en.text(&wait), "0.42 s/s of waiting explained");
    let absent = |source: &str, detail: &str| Msg::new("missing-absent").with("source", source).with("detail", detail);
    assert_eq!(ko.text(&absent("/proc/pressure/cpu", "")), "/proc/pressure/cpu가 이 호스트에 없습니다");
    assert_eq!(ko.text(&absent("bpf", "errno 7")), "bpf가 이 호스트에 없습니다 (errno 7)");
    assert_eq!(en.text(&absent("x", "y")), "x does not exist here (y)");
    let nested = Msg::new("report-control").with("control", Msg::new("verdict-ok"));
    assert_eq!(en.text(&nested), "limited by ok");
    assert_eq!(en.try_text(&Msg::new("no-such-message")), None);
}
