//! A checklist for tests of the renderers: every verdict, every field, hostile names.

use perfuse_analyze::{
    Advice, CELLS, CONTROLS, Cell, Checklist, Entity, EntityKind, Evidence, Finding, Instance, Kind, Link, Msg,
    OwnCost, Quantity, Resource, Severity, Verdict,
};
use perfuse_format::sys::capability::{Capabilities, Capability, id};
use perfuse_format::{Missing, Why};

use crate::report::{Host, ReportContext};

/// A text as it is.
pub(crate) fn say(text: &str) -> Msg {
    Msg::new("literal").with("text", text)
}

pub(crate) fn context() -> ReportContext {
    ReportContext {
        host: Host {
            hostname: "web-1".into(),
            kernel: "6.1.0-18-amd64".into(),
            cpus: 4,
            memory_bytes: Some(24 << 30),
            virtualization: Some("kvm".into()),
            cgroup: Some("v2"),
        },
        started_ns: 1_790_000_000_123_456_789,
        duration_s: 5.0004,
        capabilities: Capabilities(vec![
            Capability::yes(id::PSI),
            Capability::no(id::PERF_EVENT_HW, &Missing::new(Why::Absent, "perf_event_open").with_detail("ENOENT")),
        ]),
        own_cost: Some(OwnCost {
            cpu_share: 0.0123,
            cpu_seconds: 0.246,
            setup_seconds: 0.05,
            looking_share: Some(0.005),
            limit: None,
            rss_bytes: 31 << 20,
            bpf: vec![("sched".into(), 0.008), ("futex".into(), 0.001)],
            detached: vec!["locks".into()],
        }),
        own_cost_max: 0.01,
        narrowed: None,
    }
}

/// A checklist with findings, or a healthy one.
pub(crate) fn checklist(sick: bool) -> Checklist {
    let cells = CELLS.iter().enumerate().map(|(index, spec)| filled(index, spec.id, spec.kind, sick)).collect();
    let controls = CONTROLS.iter().map(|spec| control(spec.id, sick)).collect();
    let findings = if sick { vec![throttled(), full()] } else { Vec::new() };
    Checklist { cells, controls, findings, healthy: Some(!sick) }
}

fn filled(index: usize, id: &'static str, kind: Kind, sick: bool) -> Cell {
    let mut cell = match (id, kind) {
        ("cpu.saturation", _) if sick => saturated(),
        ("capacity.errors", _) if sick => Cell::measured(id, Verdict::Error, Quantity::rate(12.4)),
        ("capacity.saturation" | "fds.saturation", _) => {
            return Cell::not_applicable(id, say("has no meaning by nature"));
        }
        _ if id.starts_with("cpu-interconnect") || id.starts_with("memory-interconnect") => {
            return unmeasurable(id);
        }
        (_, Kind::Utilization) => {
            let verdict = if index == 9 { Verdict::Watch } else { Verdict::Ok };
            Cell::measured(id, verdict, Quantity::ratio(index as f64 / 50.0))
        }
        (_, Kind::Saturation) => Cell::measured(id, Verdict::Ok, Quantity::wait(index as f64 / 5_000.0)),
        (_, Kind::Errors) => Cell::measured(id, Verdict::Ok, Quantity::count(0.0)),
    };
    if kind == Kind::Utilization && cell.instances.is_empty() {
        cell.instances = vec![
            Instance::new("first", Quantity::ratio(0.61), Verdict::Watch)
                .detail("read_bytes_per_s", Quantity::throughput(3.5e6)),
            Instance::new("둘째 장치", Quantity::ratio(0.05), Verdict::Ok),
        ];
        cell.history = (0..12).map(|second| (f64::from(second), f64::from(second % 5) / 5.0)).collect();
    }
    cell
}

fn unmeasurable(id: &'static str) -> Cell {
    Cell {
        enable: Some(say("Give the virtual machine a virtual PMU.")),
        who_could_know: Some(say("The operator of the hypervisor.")),
        ..Cell::unmeasurable(id, &Missing::new(Why::Absent, "PMU"))
    }
}

fn control(id: &'static str, sick: bool) -> Cell {
    match id {
        "control.cpu-quota" if sick => Cell::measured(id, Verdict::Bottleneck, Quantity::ratio(0.95)),
        "control.steal" => Cell::not_applicable(id, say("not a virtual machine")),
        _ => Cell::measured(id, Verdict::Ok, Quantity::ratio(0.1)),
    }
}

fn saturated() -> Cell {
    let mut cell = Cell::measured("cpu.saturation", Verdict::Bottleneck, Quantity::wait(1.9))
        .evidence(Evidence::new("/proc/pressure/cpu", "some", Quantity::wait(0.93)).by_hand("cat /proc/pressure/cpu"))
        .evidence(Evidence::new("/sys/fs/cgroup/batch/cpu.stat", "nr_throttled", Quantity::rate(9.5)))
        .note(say("Load average also counts tasks in uninterruptible sleep."));
    cell.instances = vec![
        Instance::new("/batch.slice", Quantity::wait(1.9), Verdict::Bottleneck)
            .detail("throttled_ratio", Quantity::ratio(0.95))
            .detail("run_delay", Quantity::wait(0.02)),
        Instance::new("evil\u{1b}[31m<script>alert(1)</script>\n\"&'", Quantity::wait(0.2), Verdict::Watch)
            .detail("run_delay", Quantity::wait(0.2)),
    ];
    cell.culprits = vec![
        Entity::process(4211, "stress-ng").path("/batch.slice").detail(say("1.9 CPUs")),
        Entity::thread(99, 101, "worker<b>"),
    ];
    cell.history = vec![(1.0, 1.5), (2.0, 1.9), (3.0, 2.1), (4.0, 1.2)];
    cell
}

fn throttled() -> Finding {
    let spec = (Resource::Cpu, Kind::Saturation, "cpu.saturation");
    Finding {
        control: Some("control.cpu-quota"),
        summary: say(
            "cgroup /batch.slice is throttled in 95% of its periods; stress-ng (4211) waits 1.9 s/s while the CPUs of the host are 40% idle.",
        ),
        victims: vec![
            Entity::process(4211, "stress-ng").path("/batch.slice").detail(say("waits 97% of its time")),
            Entity::process(4212, "evil\u{1b}]0;x\u{7}<img src=x>"),
        ],
        wait_s_per_s: Some(1.9),
        confidence: 0.9,
        chain: vec![
            Link {
                from: say("stress-ng (4211) waits for a CPU"),
                to: say("its cgroup has used up its quota"),
                evidence: say("run delay 1.9 s/s"),
            },
            Link {
                from: say("its cgroup has used up its quota"),
                to: say("cpu.max of /batch.slice is 5000 100000"),
                evidence: say("21 of 21 periods throttled"),
            },
        ],
        advice: vec![Advice {
            text: say("Raise the quota of the cgroup to what it uses."),
            command: Some("systemctl set-property batch.slice CPUQuota=200%".into()),
            expect: say("The wait falls from 1.9 s/s to about 0."),
        }],
        ..Finding::new("cpu.quota-throttled", Severity::Bottleneck, spec, Entity::cgroup("/batch.slice"))
    }
}

fn full() -> Finding {
    let spec = (Resource::Capacity, Kind::Errors, "capacity.errors");
    Finding {
        summary: say("/var is full: writer (77) got ENOSPC 12.4 times a second."),
        confidence: 1.0,
        ..Finding::new("capacity.full", Severity::Error, spec, Entity::new(EntityKind::Mount, "/var"))
    }
}
