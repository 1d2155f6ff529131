use perfuse_analyze::Verdict;

use super::*;
use crate::cheatsheet::one_liners;

const PLAIN: Options = Options { color: false, width: 80 };

/// Every term that the source of this tool explains, and those that its reports use.
const TERMS: &[&str] = &[
    "use-method",
    "utilization",
    "saturation",
    "errors",
    "bottleneck",
    "load-average",
    "vmstat-r",
    "run-queue",
    "run_delay",
    "hot-thread",
    "interrupt-affinity",
    "sched_process_wait",
    "lpe",
    "perf_events",
    "cpc",
    "pic",
    "pmc",
    "pmu",
    "cpi",
    "ipc",
    "error-events",
    "page-fault-latency",
    "minor-fault",
    "major-fault",
    "nicstat",
    "dropped-packets",
    "io-subsystem-tracing",
    "io-interconnect",
    "dynamic-tracing",
    "static-tracing",
    "perf-probe",
    "trace-and-dump",
    "systemtap",
    "dtrace",
    "count",
    "sample",
    "trace",
    "one-liners",
    "status",
    "state",
    "up-down",
    "healthy",
    "degraded",
    "maintenance",
    "psi",
    "steal",
    "iowait",
    "percent-util",
    "off-cpu",
    "cfs-quota",
    "cgroup",
    "futex",
    "direct-reclaim",
    "swap",
    "oom",
    "retransmit",
    "listen-overflow",
    "qdisc",
    "softirq",
    "emfile",
    "enospc",
    "burn-rate",
    "error-budget",
    "slo",
    "sla",
    "connection-pool",
    "thread-pool",
    "queue-length",
    "heap",
    "consumer-lag",
    "transaction-state",
    "connection-state",
    "thread-state",
    "session",
    "status-page",
    "health-check",
    "target-group",
    "pipeline-status",
    "root-cause",
];

#[test]
fn both_languages_have_the_same_entries_and_commands() {
    let (en, ko) = (&book(Lang::En).entries, &book(Lang::Ko).entries);
    let ids = |entries: &[Entry]| entries.iter().map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(ids(en), ids(ko));
    for (en, ko) in en.iter().zip(ko) {
        assert_eq!(en.commands, ko.commands, "{}", en.id);
        for (what, en_text, ko_text) in
            [("source", &en.source, &ko.source), ("traps", &en.traps, &ko.traps), ("next", &en.next, &ko.next)]
        {
            assert_eq!(en_text.is_empty(), ko_text.is_empty(), "{}: {what} in one language only", en.id);
        }
    }
}

#[test]
fn every_cell_control_verdict_and_term_is_explained() {
    let verdicts = Verdict::ALL.iter().map(|verdict| format!("verdict.{}", verdict.id()));
    let cells = CELLS.iter().map(|cell| cell.id.to_owned());
    let controls = CONTROLS.iter().map(|control| control.id.to_owned());
    let terms = TERMS.iter().map(|term| (*term).to_owned());
    for name in cells.chain(controls).chain(verdicts).chain(terms) {
        for lang in Lang::ALL {
            assert!(find(&name, lang).is_some(), "{name} is not in the handbook ({})", lang.id());
        }
    }
}

#[test]
fn cells_and_controls_have_every_part() {
    for entry in book(Lang::En).entries.iter().filter(|entry| entry.by_hand().is_some()) {
        for part in [&entry.meaning, &entry.source, &entry.traps, &entry.next] {
            assert!(part.len() > 20, "{}: a part is missing", entry.id);
        }
        assert!(!entry.commands.is_empty(), "{}: no command", entry.id);
    }
}

#[test]
fn entries_say_enough_in_their_own_language() {
    for lang in Lang::ALL {
        for entry in &book(lang).entries {
            let text = format!("{}{}{}{}", entry.meaning, entry.source, entry.traps, entry.next);
            let (least, most) = if lang == Lang::Ko { (110, 900) } else { (220, 1500) };
            let length = text.chars().count();
            assert!((least..=most).contains(&length), "{} in {}: {length} characters", entry.id, lang.id());
            let hangul = entry.meaning.chars().any(|c| ('가'..='힣').contains(&c));
            assert_eq!(hangul, lang == Lang::Ko, "{}", entry.id);
        }
    }
}

#[test]
fn ids_are_unique_and_no_name_leads_to_two_entries() {
    for lang in Lang::ALL {
        let mut owner: BTreeMap<String, &str> = BTreeMap::new();
        for entry in &book(lang).entries {
            for name in [entry.id, entry.title].into_iter().chain(entry.names.iter().copied()) {
                if let Some(other) = owner.insert(simplified(name), entry.id) {
                    assert_eq!(other, entry.id, "{name} in {}", lang.id());
                }
            }
        }
    }
}

/// Programs that the handbook sends people to.
const PROGRAMS: &[&str] = &[
    "cat",
    "curl",
    "df",
    "dmesg",
    "ethtool",
    "free",
    "gdb",
    "grep",
    "iostat",
    "ip",
    "jcmd",
    "ls",
    "lspci",
    "mpstat",
    "numastat",
    "perf",
    "perfuse",
    "prlimit",
    "ps",
    "quota",
    "sar",
    "ss",
    "stdbuf",
    "sudo",
    "sysctl",
    "taskset",
    "tc",
    "uptime",
    "vmstat",
    "nstat",
    "kafka-consumer-groups.sh",
    "psql",
    "cpupower",
];

const PERF_COMMANDS: &[&str] = &[
    "annotate",
    "c2c",
    "list",
    "lock",
    "probe",
    "record",
    "report",
    "sched",
    "script",
    "stat",
    "top",
    "trace",
    "buildid-cache",
];

#[test]
fn commands_are_of_the_sheet_or_well_formed() {
    for entry in &book(Lang::En).entries {
        for command in &entry.commands {
            if one_liners().iter().any(|one| one.command == *command) {
                continue;
            }
            let quotes = command.matches('\'').count();
            assert!(quotes % 2 == 0, "{}: open quote in {command}", entry.id);
            for part in command.split(['|', ';']) {
                let words: Vec<&str> = part.split_whitespace().collect();
                // Inside quotes a bar belongs to a pattern.
                let Some(program) = words.first().filter(|word| PROGRAMS.contains(word)) else {
                    assert!(
                        command.contains('\'') || ["wc", "sort", "uniq", "head", "strings"].contains(&words[0]),
                        "{}: {part}",
                        entry.id
                    );
                    continue;
                };
                if *program == "perf" {
                    assert!(PERF_COMMANDS.contains(&words[1]), "{}: {command}", entry.id);
                }
            }
        }
    }
}

#[test]
fn names_of_both_languages_lead_to_the_entry_in_the_language_asked_for() {
    for (query, id) in [
        ("cpu.saturation", "cpu.saturation"),
        ("CPU Saturation", "cpu.saturation"),
        ("CPU 포화도", "cpu.saturation"),
        ("cpu-quota", "control.cpu-quota"),
        ("Load_Average", "load-average"),
        ("로드 애버리지", "load-average"),
        ("병목", "verdict.bottleneck"),
        ("not_applicable", "verdict.not_applicable"),
    ] {
        for lang in Lang::ALL {
            assert_eq!(find(query, lang).map(|entry| entry.id), Some(id), "{query}");
        }
    }
    let korean = explain("load average", Lang::Ko, PLAIN).unwrap();
    assert!(korean.starts_with("로드 애버리지  load-average\n"), "{korean}");
}

#[test]
fn a_resource_gives_its_three_cells() {
    let text = explain("cpu", Lang::En, PLAIN).unwrap();
    for kind in ["cpu.utilization", "cpu.saturation", "cpu.errors"] {
        assert!(text.contains(&format!("  {kind}\n")));
    }
}

#[test]
fn an_unknown_name_gets_the_nearest() {
    let nearest = |query| explain(query, Lang::En, PLAIN).unwrap_err().nearest;
    assert_eq!(nearest("cpu.saturatoin").first(), Some(&"cpu.saturation"));
    assert_eq!(nearest("load-avrage").first(), Some(&"load-average"));
    assert!(nearest("재전소").contains(&"retransmit"));
    assert!(nearest("zzzzqqqq").is_empty());
}

#[test]
fn lines_keep_to_the_width_in_both_languages() {
    for lang in Lang::ALL {
        for id in ids() {
            let text = explain(id, lang, PLAIN).unwrap();
            for line in text.lines().filter(|line| !line.contains("$ ") && !line.contains("  # ")) {
                let by_hand = find(id, lang).and_then(Entry::by_hand).is_some_and(|command| line.contains(command));
                assert!(by_hand || width(line) <= 80, "{id}: {line}");
            }
        }
    }
}

#[test]
fn the_list_names_every_entry() {
    assert_eq!(list(Lang::Ko).lines().count(), ids().count());
}
