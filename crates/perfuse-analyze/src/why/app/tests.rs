//! A shop (10) that asks a database (20) whose sessions are processes (21 holds the lock), and Redis (30).

use super::*;
use crate::app::AppKind;
use crate::cpu::testing::{run, second, stat, table, words};
use crate::network::tests::fixture::{Tcp, owners, tcp};
use crate::why::{State, Victim};
use crate::{Kind, Resource};
use perfuse_format::RawSnapshot;

const READ: u64 = 0;
const FSYNC: u64 = 74;
const NAME: u64 = u64::from_ne_bytes(*b"thread\0\0");

/// Two snapshots, 10 s apart. `waits`: pid, call, flags (1: uninterruptible), stack, milliseconds.
fn snapshots(busy: &[(u32, u64)], waits: &[[u64; 5]], wakes: &[[u64; 4]]) -> Vec<RawSnapshot> {
    let mut snapshots = vec![second(100), second(110)];
    for (index, snapshot) in snapshots.iter_mut().enumerate() {
        let host = perfuse_format::sys::host::Host {
            machine: "x86_64".to_owned(),
            cpus: 2,
            clock_ticks: 100,
            page_size: 4096,
            ..Default::default()
        };
        snapshot.put("@host", host.to_bytes());
        for (pid, ppid, comm) in [(10, 1, "shop"), (20, 1, "postgres"), (21, 20, "postgres"), (30, 1, "redis-server")] {
            let ticks = busy.iter().find(|(of, _)| *of == pid).map_or(0, |(_, ticks)| *ticks);
            let line = stat(pid, comm, ticks * index as u64, 0);
            snapshot.put(format!("/proc/{pid}/stat"), line.replace(&format!("R 1 {pid}"), &format!("S {ppid} {pid}")));
            snapshot.put(format!("/proc/{pid}/schedstat"), format!("0 {} 0", index * 1_000_000));
        }
        let wait = |[pid, call, flags, stack, ms]: &[u64; 5]| {
            words(&[pid | pid << 32, 1 | call << 32, *flags, *stack, ms * 1_000_000, 0, 10, 0, 1, NAME, 0])
        };
        let wake = |[pid, waker, call, ms]: &[u64; 4]| {
            words(&[pid | pid << 32, waker | waker << 32, *call, ms * 1_000_000, 10, NAME, 0])
        };
        let (waits, wakes) = if index == 0 { (&[][..], &[][..]) } else { (waits, wakes) };
        snapshot.put("@bpf/wait_time", table(88, &waits.iter().map(wait).collect::<Vec<_>>()));
        snapshot.put("@bpf/wake_time", table(56, &wakes.iter().map(wake).collect::<Vec<_>>()));
    }
    let stacks = "1\tkernel\t__schedule+0x1;schedule+0x2;anon_pipe_read+0x8c;vfs_read\n\
                  2\tkernel\t__schedule;schedule;jbd2_log_wait_commit;ext4_sync_file\n";
    snapshots[1].put("@stacks", stacks);
    snapshots
}

fn shop() -> Victim {
    Victim { pids: [10].into(), entity: Some(Entity::process(10, "shop")) }
}

fn fact(source: &str, component: &str, pid: u32, what: AppWhat) -> AppFact {
    let kind = match source {
        "postgresql" => AppKind::PostgreSql,
        "mysql" => AppKind::MySql,
        "redis" => AppKind::Redis,
        _ => AppKind::Other,
    };
    AppFact { source: source.to_owned(), kind, component: Some(component.to_owned()), pid: Some(pid), what }
}

fn blocked(waiting: u64) -> AppFact {
    let what = AppWhat::Blocked {
        holder: "21 app@shop (psql)".to_owned(),
        holder_pid: Some(21),
        doing: "idle in transaction".to_owned(),
        statement: "UPDATE stock SET n = $1".to_owned(),
        waiting,
        longest: 42.0,
        object: "stock".to_owned(),
        waiters: vec!["22 app@shop".to_owned()],
    };
    fact("postgresql", "db", 20, what)
}

fn pool(used: f64, pending: f64) -> AppFact {
    fact("shop", "shop", 10, AppWhat::Pool { pool: "orders".to_owned(), used, max: 10.0, pending })
}

fn queue(came: f64, went: f64, consumers: u64) -> AppFact {
    let (rate_in, rate_out) = (Some(came), Some(went));
    let queue = AppWhat::Queue {
        queue: "mails".to_owned(),
        length: 900.0,
        rate_in,
        rate_out,
        consumers: Some(consumers),
        takers: Vec::new(),
    };
    fact("rabbitmq", "shop", 40, queue)
}

/// What comes out for the shop, which needs `db`.
fn answer(snapshots: &[RawSnapshot], facts: &[AppFact], more: Option<Finding>) -> Answer {
    let mut run = run(snapshots);
    let mut answer = Answer::build(&mut run, shop());
    answer.checklist.findings.extend(more);
    let needs = ["db".to_owned()];
    add(&run, &Told { facts, component: Some("shop"), needs: &needs }, &mut answer);
    answer
}

fn ids(answer: &Answer) -> Vec<&'static str> {
    answer.causes.iter().map(|cause| cause.finding.id).collect()
}

/// The ids of the messages on the arrows.
fn arrows(answer: &Answer) -> Vec<String> {
    answer.causes[0].finding.chain.iter().map(|link| link.evidence.id.clone()).collect()
}

#[test]
fn the_holder_of_the_lock_is_named_and_the_exhausted_pool_follows_from_it() {
    let calm = snapshots(&[], &[], &[]);
    let answer = answer(&calm, &[queue(50.0, 10.0, 2), pool(10.0, 7.0), blocked(12)], None);
    assert_eq!(ids(&answer)[0], "app.blocked-session");
    assert!(!ids(&answer).contains(&"app.pool-exhausted") && !ids(&answer).contains(&"app.queue-behind"));
    let first = &answer.causes[0].finding;
    assert_eq!((first.culprit.pid, first.resource), (Some(21), Resource::Database));
    assert!(first.victims.iter().any(|victim| victim.pid == Some(10)));
    assert!((answer.causes[0].explained - 12.0).abs() < 1e-9);
    // From the victim over queue and pool to the lock and its holder.
    let expected = [
        "app-said",
        "finding-app-queue-behind-evidence",
        "finding-app-queue-behind-summary",
        "finding-app-pool-exhausted-evidence",
        "finding-app-pool-exhausted-summary",
        "finding-app-blocked-session-evidence-waiters",
        "finding-app-blocked-session-evidence-holder",
    ];
    let found = arrows(&answer);
    for one in ["finding-app-pool-exhausted-evidence", "finding-app-blocked-session-evidence-holder"] {
        assert!(found.iter().any(|id| id == one), "{found:?}");
    }
    assert_eq!(
        (found.first().map(String::as_str), found.last().map(String::as_str)),
        (Some(expected[0]), Some(expected[6]))
    );
    let commands: Vec<&str> = first.advice.iter().filter_map(|advice| advice.command.as_deref()).collect();
    assert!(commands[0].contains("pg_terminate_backend(21)") && commands[1].contains("idle_in_transaction"));
    assert_eq!(answer.healthy, Some(false));
}

#[test]
fn the_order_in_which_facts_come_changes_nothing() {
    let calm = snapshots(&[], &[], &[]);
    let facts = [queue(50.0, 10.0, 2), pool(10.0, 7.0), blocked(12)];
    let wanted = answer(&calm, &facts, None);
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mixed = order.map(|index: usize| facts[index].clone());
        assert_eq!(answer(&calm, &mixed, None).causes, wanted.causes);
    }
}

#[test]
fn a_holder_that_waits_for_the_disk_leads_on_to_the_disk() {
    // The session that holds the lock waits for storage nine of ten seconds.
    let slow = snapshots(&[], &[[21, FSYNC, 1, 2, 9000]], &[]);
    let spec = (Resource::Disk, Kind::Saturation, "disk.saturation");
    let disk = Finding {
        victims: vec![Entity::process(21, "postgres")],
        wait_s_per_s: Some(0.9),
        confidence: 0.9,
        ..Finding::new("disk.saturated", Severity::Bottleneck, spec, Entity::new(crate::EntityKind::Device, "vda"))
    };
    let found = answer(&slow, &[blocked(12)], Some(disk.clone()));
    assert_eq!(ids(&found)[0], "disk.saturated");
    assert!(!ids(&found).contains(&"app.blocked-session"), "it is in the chain");
    let arrows = arrows(&found);
    assert!(arrows.iter().any(|id| id == "finding-app-blocked-session-evidence-waiters"), "{arrows:?}");
    assert!(arrows.last().is_some_and(|id| id == "why-link"), "{arrows:?}");
    assert!((found.causes[0].explained - 12.0).abs() < 1e-9, "all of its sessions wait for that disk");
    // One that idles in its transaction has nothing to do with the disk.
    let idle = answer(&snapshots(&[], &[], &[]), &[blocked(12)], Some(disk));
    assert_eq!(ids(&idle)[0], "app.blocked-session");
}

#[test]
fn what_the_kernel_saw_of_the_way_to_the_server_stays_in_the_chain() {
    // The shop reads from the database nine of ten seconds.
    let waits = snapshots(&[], &[[10, READ, 0, 1, 9000]], &[[10, 21, READ, 9000]]);
    let mut before = run(&waits);
    let before = Answer::build(&mut before, shop());
    assert_eq!(before.causes[0].finding.id, "why.local-server");
    assert!(before.breakdown.of(State::LocalIpc) > 0.8);
    let after = answer(&waits, &[blocked(3)], None);
    assert_eq!(ids(&after)[0], "app.blocked-session");
    assert!(!ids(&after).contains(&"why.local-server"));
    assert_eq!(arrows(&after)[0], "finding-why-local-server-evidence-wait");
}

#[test]
fn somebody_elses_trouble_is_a_remark() {
    let calm = snapshots(&[], &[], &[]);
    let mut other = blocked(12);
    other.component = Some("intranet".to_owned());
    let found = answer(&calm, &[other], None);
    assert_eq!(ids(&found), ["app.blocked-session"]);
    assert_eq!(found.causes[0].finding.severity, Severity::Watch);
    assert_ne!(found.healthy, Some(false));
}

#[test]
fn a_pool_that_nobody_waits_for_and_an_empty_queue_hold_nobody_up() {
    let calm = snapshots(&[], &[], &[]);
    assert!(answer(&calm, &[pool(3.0, 0.0), blocked(0)], None).causes.is_empty());
    let full = answer(&calm, &[pool(10.0, 0.0)], None);
    assert_eq!((ids(&full), full.causes[0].finding.severity), (vec!["app.pool-exhausted"], Severity::Watch));
    let steady = answer(&calm, &[queue(10.0, 10.0, 2)], None);
    assert_eq!(steady.causes[0].finding.severity, Severity::Watch);
}

#[test]
fn a_consumer_that_lags_and_one_that_is_not_there() {
    let calm = snapshots(&[], &[], &[]);
    let lags = answer(&calm, &[queue(50.0, 10.0, 2)], None);
    let first = &lags.causes[0].finding;
    assert_eq!((first.id, first.severity, first.resource), ("app.queue-behind", Severity::Bottleneck, Resource::Queue));
    // Five messages a second each: 60 a second take twelve.
    let wanted = first.advice[0].text.args.iter().find(|(name, _)| *name == "wanted");
    assert_eq!(wanted.map(|(_, arg)| arg.clone()), Some(Quantity::count(12.0).into()));
    // That nobody takes anything does not follow from an exhausted pool.
    let nobody = answer(&calm, &[queue(50.0, 0.0, 0), pool(10.0, 7.0)], None);
    assert_eq!(ids(&nobody).len(), 2);
    assert_eq!(nobody.causes[0].finding.severity, Severity::Error);
}

#[test]
fn messages_that_nobody_takes_are_stuck_whatever_came_in() {
    let calm = snapshots(&[], &[], &[]);
    let stuck = answer(&calm, &[queue(0.0, 0.0, 1)], None);
    assert_eq!((ids(&stuck)[0], stuck.causes[0].finding.severity), ("app.queue-behind", Severity::Bottleneck));
    // Before, they were taken as they came: the newer moments count.
    let moments = [queue(50.0, 50.0, 1), queue(50.0, 48.0, 1), queue(50.0, 0.0, 1), queue(48.0, 0.0, 1)];
    let found = answer(&calm, &moments, None);
    let rate = |rate| Some(crate::message::Arg::from(Msg::new("app-rate").with("rate", Quantity::rate(rate))));
    let summary = &found.causes[0].finding.summary;
    assert_eq!((arg(summary, "came"), arg(summary, "went")), (rate(50.0), rate(0.0)));
}

#[test]
fn a_consumer_of_this_host_that_is_stopped_is_the_culprit() {
    let mut snapshots = snapshots(&[], &[], &[]);
    let taker = "127.0.0.1:4711 mailer";
    for snapshot in &mut snapshots {
        tcp(snapshot, &Tcp { local: "127.0.0.1:4711", remote: "127.0.0.1:5672", inode: 77, ..Tcp::default() });
        owners(snapshot, &[(77, 30)]);
    }
    let mut one = queue(50.0, 0.0, 1);
    if let AppWhat::Queue { takers, .. } = &mut one.what {
        takers.push(taker.to_owned());
    }
    // It runs: what it waits for is the next question.
    let runs = answer(&snapshots, std::slice::from_ref(&one), None);
    let last = |answer: &Answer| answer.causes[0].finding.advice.last().and_then(|advice| advice.command.clone());
    assert_eq!(last(&runs).as_deref(), Some("perfuse why --pid 30"));
    for snapshot in &mut snapshots {
        let line = stat(30, "redis-server", 0, 0).replace("R 1 30", "T 1 30");
        snapshot.put("/proc/30/stat", line);
    }
    let stopped = answer(&snapshots, &[one], None);
    let first = &stopped.causes[0].finding;
    assert_eq!((first.id, first.culprit.pid), ("app.queue-behind", Some(30)));
    assert_eq!(last(&stopped).as_deref(), Some("kill -CONT 30"));
    assert_eq!(first.summary.id, "finding-app-queue-behind-summary-stopped");
}

#[test]
fn collections_of_a_full_heap_are_why_it_works() {
    let busy = snapshots(&[(10, 950)], &[], &[]);
    let plain = answer(&busy, &[], None);
    assert_eq!(ids(&plain)[0], "why.own-work");
    let heap = AppWhat::Heap { used: 97e6, max: 100e6, pause_share: 0.7, all: Some(150e6) };
    let found = answer(&busy, &[fact("shop", "shop", 10, heap)], None);
    assert_eq!(ids(&found), ["app.heap-full"]);
    assert_eq!(found.causes[0].finding.advice[0].command.as_deref(), Some("-Xmx215m"));
    // A heap that is full, with collections that hardly stop it, is a remark beside its own work.
    let calm = AppWhat::Heap { used: 97e6, max: 100e6, pause_share: 0.01, all: None };
    assert_eq!(ids(&answer(&busy, &[fact("shop", "shop", 10, calm)], None))[0], "why.own-work");
}

#[test]
fn a_command_that_keeps_redis_busy_is_named_with_who_sent_it() {
    let busy = snapshots(&[(30, 900)], &[[10, READ, 0, 1, 9000]], &[[10, 30, READ, 9000]]);
    let keys = |seconds| AppWhat::SlowCommand {
        command: "KEYS *".to_owned(),
        seconds,
        client: "10.0.0.7:5000 report".to_owned(),
        count: 20,
    };
    let facts = [fact("redis", "cache", 30, keys(0.3)), fact("redis", "cache", 30, keys(0.4))];
    let found = answer(&busy, &facts, None);
    assert_eq!(ids(&found), ["app.slow-command"]);
    let finding = &found.causes[0].finding;
    assert_eq!((finding.culprit.kind.id(), finding.culprit.name.as_str()), ("query", "KEYS *"));
    assert_eq!(finding.advice[0].text.id, "finding-app-slow-command-advice-scan");
    assert!(finding.confidence > 0.7, "the shop waits for it, as the kernel saw");
}

#[test]
fn a_client_that_connects_anew_for_each_command_is_one() {
    let busy = snapshots(&[(30, 900)], &[[10, READ, 0, 1, 9000]], &[[10, 30, READ, 9000]]);
    let sent = |client: &str| {
        let (command, client) = ("SORT ?".to_owned(), client.to_owned());
        fact("redis", "cache", 30, AppWhat::SlowCommand { command, seconds: 1.5, client, count: 1 })
    };
    let facts = [sent("10.0.0.7:5000"), sent("10.0.0.7:5001"), sent("10.0.0.8:5000 report"), sent("10.0.0.7:5002")];
    let found = answer(&busy, &facts, None);
    assert_eq!(ids(&found), ["app.slow-command"; 2]);
    let summary = &found.causes[0].finding.summary;
    assert_eq!((arg(summary, "client"), arg(summary, "count")), (Some("10.0.0.7:5002".into()), Some(3.into())));
}

#[test]
fn what_is_refused_at_a_limit_stands_before_what_waits() {
    let calm = snapshots(&[], &[], &[]);
    let limit = |refused| AppWhat::Limit {
        limit: "max_connections".to_owned(),
        used: 100.0,
        max: 100.0,
        refused,
        denied: false,
        most: Some("90 × shop (idle)".to_owned()),
    };
    let found = answer(&calm, &[fact("postgresql", "db", 20, limit(Some(3.0))), pool(5.0, 0.0)], None);
    assert_eq!((ids(&found)[0], found.causes[0].finding.severity), ("app.limit-reached", Severity::Error));
    // All connections are taken because their sessions wait for a lock: the lock is the cause.
    let found = answer(&calm, &[fact("postgresql", "db", 20, limit(Some(3.0))), blocked(90)], None);
    assert_eq!(ids(&found), ["app.blocked-session"]);
    let near = AppWhat::Limit {
        limit: "maxclients".to_owned(),
        used: 50.0,
        max: 100.0,
        refused: None,
        denied: false,
        most: None,
    };
    assert!(answer(&calm, &[fact("redis", "cache", 30, near)], None).causes.is_empty());
}

/// The words of a message with all that is in it.
fn arg(message: &Msg, name: &str) -> Option<crate::message::Arg> {
    message.args.iter().find(|(known, _)| *known == name).map(|(_, arg)| arg.clone())
}

#[test]
fn a_limit_says_what_is_known_of_it_and_no_more() {
    let calm = snapshots(&[], &[], &[]);
    let of = |limit: &str, max: f64, refused, denied| AppWhat::Limit {
        limit: limit.to_owned(),
        used: max,
        max,
        refused,
        denied,
        most: None,
    };
    let first = |what| answer(&calm, &[fact("redis", "db", 30, what)], None).causes[0].finding.clone();
    // Nobody counted who was refused: none is told.
    for refused in [None, Some(0.0)] {
        let full = first(of("maxmemory", 900e3, refused, false));
        assert_eq!(
            (full.summary.id.as_str(), full.severity),
            ("finding-app-limit-reached-summary-full", Severity::Bottleneck)
        );
        assert_eq!(arg(&full.summary, "max"), Some(Quantity::bytes(900e3).into()), "memory is bytes");
        assert_eq!(full.advice[0].command.as_deref(), Some("redis-cli --bigkeys"));
    }
    // The collector itself was refused, and has never seen how many there may be.
    let denied = first(of("max_connections", 0.0, None, true));
    assert_eq!(
        (denied.summary.id.as_str(), denied.severity),
        ("finding-app-limit-reached-summary-denied", Severity::Error)
    );
    let refused = first(of("maxclients", 100.0, Some(3.0), false));
    assert_eq!(arg(&refused.summary, "max"), Some(Quantity::count(100.0).into()));
    assert_eq!(refused.severity, Severity::Error);
}

#[test]
fn advice_speaks_the_language_of_the_database() {
    let calm = snapshots(&[], &[], &[]);
    let mut mine = blocked(2);
    mine.kind = AppKind::MySql;
    if let AppWhat::Blocked { statement, .. } = &mut mine.what {
        statement.clear();
    }
    let found = answer(&calm, &[mine.clone()], None);
    let commands = |answer: &Answer| -> Vec<String> {
        answer.causes[0].finding.advice.iter().filter_map(|advice| advice.command.clone()).collect()
    };
    assert_eq!(commands(&found)[0], "mysql -e 'KILL 21'");
    assert!(commands(&found).iter().all(|command| !command.contains("ALTER SYSTEM")), "{:?}", commands(&found));
    assert_eq!(arrows(&found).last().map(String::as_str), Some("finding-app-blocked-session-evidence-silent"));
    // A server that is not on this host has sessions with numbers, too.
    let mut far = blocked(2);
    if let AppWhat::Blocked { holder_pid, .. } = &mut far.what {
        *holder_pid = None;
    }
    assert!(commands(&answer(&calm, &[far], None))[0].contains("pg_terminate_backend(21)"));
    // Who holds it is not told: whom to look at is.
    if let AppWhat::Blocked { holder, doing, holder_pid, .. } = &mut mine.what {
        holder.clear();
        *holder_pid = None;
        "42 app (idle in transaction)".clone_into(doing);
    }
    let found = answer(&calm, &[mine], None);
    assert_eq!(found.causes[0].finding.summary.id, "finding-app-blocked-session-summary-unknown");
    assert_eq!(commands(&found)[0], "mysql -e 'KILL 42'");
    assert!(commands(&found)[1].contains("metadata_lock_info"));
}

#[test]
fn a_script_that_still_runs_has_no_sender() {
    let busy = snapshots(&[(30, 900)], &[[10, READ, 0, 1, 9000]], &[[10, 30, READ, 9000]]);
    let script =
        AppWhat::SlowCommand { command: "EVAL (script)".to_owned(), seconds: 12.0, client: String::new(), count: 1 };
    let found = answer(&busy, &[fact("redis", "cache", 30, script)], None);
    assert_eq!(ids(&found), ["app.slow-command"]);
    let first = &found.causes[0].finding;
    assert_eq!(first.summary.id, "finding-app-slow-command-summary-unsent");
    assert_eq!(first.advice[0].command.as_deref(), Some("redis-cli SCRIPT KILL"));
}

#[test]
fn numbers_that_cannot_be_are_left_out() {
    let calm = snapshots(&[], &[], &[]);
    for odd in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
        assert!(answer(&calm, &[pool(odd, 7.0), pool(10.0, odd), queue(odd, 1.0, 2)], None).causes.is_empty(), "{odd}");
    }
    let tiny = answer(&calm, &[queue(1e18, 1e-300, 2)], None);
    assert_eq!(ids(&tiny), ["app.queue-behind"]);
}

#[test]
fn of_a_component_without_processes_what_it_says_stands_before_what_holds_up_others() {
    let calm = snapshots(&[], &[], &[]);
    let mut run = run(&calm);
    let mut answer = Answer::build(&mut run, Victim::default());
    let spec = (Resource::Disk, Kind::Saturation, "disk.saturation");
    let disk =
        Finding::new("disk.saturated", Severity::Bottleneck, spec, Entity::new(crate::EntityKind::Device, "vda"));
    let disk = Finding { wait_s_per_s: Some(4.0), confidence: 0.9, ..disk };
    answer.causes.push(Cause { finding: disk, explained: 4.0, share: 0.1 });
    let needs = ["db".to_owned()];
    add(&run, &Told { facts: &[blocked(3)], component: Some("shop"), needs: &needs }, &mut answer);
    assert_eq!(ids(&answer), ["app.blocked-session", "disk.saturated"]);
    let shares: Vec<f64> = answer.causes.iter().map(|cause| cause.share).collect();
    assert!((shares[0] - 0.6).abs() < 1e-9 && (shares[1] - 0.4).abs() < 1e-9, "{shares:?}");
}
