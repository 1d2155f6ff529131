//! Answers from snapshots that are made up: a client (10) and a server (20) on one host.

use super::*;
use crate::cell::Finding;
use crate::cpu::testing::{run, second, stat, table, words};
use crate::network::tests::fixture::{Tcp, tcp};
use crate::{Kind, Resource};
use perfuse_format::RawSnapshot;

/// `read(2)`, `fsync(2)` on x86-64.
const READ: u64 = 0;
const FSYNC: u64 = 74;
const NAME: u64 = u64::from_ne_bytes(*b"thread\0\0");

/// One wait: pid, call, flags, stack, milliseconds.
type Wait = (u64, u64, u64, u64, u64);

fn wait_row((pid, call, flags, stack, ms): Wait) -> Vec<u8> {
    words(&[pid | pid << 32, 1 | call << 32, flags, stack, ms * 1_000_000, 0, 10, 0, 1, NAME, 0])
}

fn wake_row(pid: u64, waker: u64, call: u64, ms: u64) -> Vec<u8> {
    words(&[pid | pid << 32, waker | waker << 32, call, ms * 1_000_000, 10, NAME, 0])
}

/// Two snapshots, 10 s apart.
fn snapshots(busy_ticks: u64, waits: &[Wait], wakes: &[Vec<u8>]) -> Vec<RawSnapshot> {
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
        for (pid, comm, ticks) in [(10, "client", 0), (20, "server", busy_ticks)] {
            snapshot.put(format!("/proc/{pid}/stat"), stat(pid, comm, ticks * index as u64, 0));
            snapshot.put(format!("/proc/{pid}/schedstat"), format!("0 {} 0", index * 1_000_000));
        }
        let (waits, wakes) = if index == 0 { (&[][..], &[][..]) } else { (waits, wakes) };
        let rows: Vec<Vec<u8>> = waits.iter().map(|wait| wait_row(*wait)).collect();
        snapshot.put("@bpf/wait_time", table(88, &rows));
        snapshot.put("@bpf/wake_time", table(56, wakes));
    }
    let stacks = "1\tkernel\t__schedule+0x1;schedule+0x2;anon_pipe_read+0x8c;vfs_read\n\
                  2\tkernel\t__schedule;schedule;jbd2_log_wait_commit;ext4_sync_file\n";
    snapshots[1].put("@stacks", stacks);
    snapshots
}

fn victim(pids: &[u32]) -> Victim {
    let entity = pids.first().map(|pid| Entity::process(*pid, "client"));
    Victim { pids: pids.iter().copied().collect(), entity }
}

#[test]
fn the_states_of_a_victim_add_up_to_its_life() {
    let snapshots = snapshots(0, &[(10, READ, 0, 1, 7000), (10, FSYNC, 1, 2, 2000)], &[]);
    let mut run = run(&snapshots);
    let answer = Answer::build(&mut run, victim(&[10]));
    let breakdown = &answer.breakdown;
    assert!(breakdown.exact);
    assert!((breakdown.total - 1.0).abs() < 1e-6, "{breakdown:?}");
    assert!((breakdown.of(State::LocalIpc) - 0.7).abs() < 1e-6);
    assert!((breakdown.of(State::BlockIo) - 0.2).abs() < 1e-6);
    let sum: f64 = breakdown.states.values().map(|share| share.seconds).sum();
    assert!((sum - breakdown.total).abs() < 1e-9, "{breakdown:?}");
    assert!(breakdown.of(State::Unexplained) > 0.09);
    assert_eq!(breakdown.states[&State::LocalIpc].places[0].0, "anon_pipe_read");
}

#[test]
fn a_wait_that_began_before_the_run_is_cut_to_the_life_of_its_thread() {
    let snapshots = snapshots(0, &[(10, READ, 0, 1, 70_000)], &[]);
    let breakdown = Answer::build(&mut run(&snapshots), victim(&[10])).breakdown;
    assert!((breakdown.total - 1.0).abs() < 1e-6 && breakdown.of(State::LocalIpc) <= 1.0, "{breakdown:?}");
}

#[test]
fn the_server_behind_a_pipe_is_followed_and_named() {
    let waits = [(10, READ, 0, 1, 9000)];
    let snapshots = snapshots(950, &waits, &[wake_row(10, 20, READ, 9000)]);
    let mut run = run(&snapshots);
    let answer = Answer::build(&mut run, victim(&[10]));
    assert_eq!(answer.servers.len(), 1, "{answer:?}");
    assert_eq!((answer.servers[0].entity.pid, answer.servers[0].client.pid), (Some(20), Some(10)));
    assert!(answer.servers[0].breakdown.family(Family::Running) > 0.9);
    let first = &answer.causes[0];
    assert_eq!((first.finding.culprit.pid, first.finding.resource.id()), (Some(20), "cpu"), "{first:?}");
    assert_eq!(first.finding.id, "why.local-server");
    assert!(first.share > 0.8);
    assert_eq!(answer.healthy, Some(false));
}

#[test]
fn what_waits_for_its_own_other_process_is_idle() {
    let waits = [(10, READ, 0, 1, 9000)];
    let snapshots = snapshots(500, &waits, &[wake_row(10, 20, READ, 9000)]);
    let answer = Answer::build(&mut run(&snapshots), victim(&[10, 20]));
    assert!(answer.servers.is_empty());
    assert!((answer.breakdown.of(State::Internal) - 0.9).abs() < 1e-6, "{:?}", answer.breakdown);
}

#[test]
fn one_that_is_busy_itself_is_its_own_cause() {
    let snapshots = snapshots(950, &[], &[]);
    let answer = Answer::build(&mut run(&snapshots), victim(&[20]));
    let first = &answer.causes[0];
    assert_eq!((first.finding.id, first.finding.culprit.pid), ("why.own-work", Some(20)), "{answer:?}");
    assert_eq!(first.finding.severity, Severity::Bottleneck);
}

#[test]
fn a_peer_on_another_host_is_a_dependency() {
    let mut snapshots = snapshots(0, &[(10, READ, 0, 3, 9000)], &[]);
    let stacks = "3\tkernel\t__schedule;schedule_timeout;wait_woken;sk_wait_data;tcp_recvmsg_locked;tcp_recvmsg\n";
    snapshots[1].put("@stacks", stacks);
    for (raw, busy_us) in snapshots.iter_mut().zip([0, 1000]) {
        tcp(raw, &Tcp { inode: 7, busy_us, ..Tcp::default() });
        raw.put("@net/owners", "7 10\n");
    }
    let answer = Answer::build(&mut run(&snapshots), victim(&[10]));
    let first = &answer.causes[0];
    assert_eq!((first.finding.id, first.finding.culprit.name.as_str()), ("why.remote-peer", "10.0.0.2:80"));
    assert_eq!(first.finding.resource.id(), "dependency");
}

#[test]
fn without_the_in_kernel_program_it_says_so() {
    let mut snapshots = snapshots(0, &[], &[]);
    for snapshot in &mut snapshots {
        snapshot.put_errno("@bpf/wait_time", 1);
    }
    let answer = Answer::build(&mut run(&snapshots), victim(&[10]));
    assert!(!answer.breakdown.exact);
    assert_eq!(answer.healthy, None);
    assert!(answer.cannot_tell.iter().any(|message| message.id == "why-cannot-waits"));
}

#[test]
fn waits_are_stacks_for_a_flame_graph() {
    let snapshots = snapshots(0, &[(10, READ, 0, 1, 7000), (10, FSYNC, 1, 2, 2000)], &[]);
    let profile = off_cpu(&run(&snapshots), &BTreeSet::from([10]));
    let weights: u64 = profile.samples.iter().map(|sample| sample.weight).sum();
    assert_eq!(weights, 9_000_000_000);
    let names: Vec<&str> = profile.texts().iter().map(String::as_str).collect();
    assert!(names.contains(&"local-ipc") && names.contains(&"jbd2_log_wait_commit"), "{names:?}");
    assert!(off_cpu(&run(&snapshots), &BTreeSet::from([20])).samples.is_empty());
}

#[test]
fn silence_on_the_other_side_is_not_called_healthy() {
    let silent = snapshots(0, &[(10, READ, 0, 1, 9900)], &[]);
    let answer = Answer::build(&mut run(&silent), victim(&[10]));
    assert_eq!(answer.healthy, None);
    assert!(answer.cannot_tell.iter().any(|message| message.id == "why-cannot-silence"), "{answer:?}");
    let spoken = snapshots(0, &[(10, READ, 0, 1, 9900)], &[wake_row(10, 20, READ, 100)]);
    let answer = Answer::build(&mut run(&spoken), victim(&[10]));
    assert_ne!(answer.healthy, None, "somebody speaks");
}

#[test]
fn who_is_not_there_is_named() {
    let snapshots = snapshots(0, &[], &[]);
    let run = run(&snapshots);
    let refused = |select: Select| Victim::select(&run, &select).unwrap_err().id;
    assert_eq!(refused(Select::Pids(vec![10, 999])), "error-no-process");
    assert_eq!(refused(Select::Cgroup("/none".to_owned())), "error-no-cgroup");
    assert_eq!(refused(Select::Unit("none".to_owned())), "error-no-unit");
    assert_eq!(refused(Select::Port(80)), "error-no-sockets");
    assert_eq!(refused(Select::Datagrams(53)), "error-no-socket");
    assert_eq!(refused(Select::Local("/run/a".to_owned())), "error-no-socket");
    assert_eq!(Victim::select(&run, &Select::Host), Ok(Victim::default()));
    let tree = Victim::select(&run, &Select::Tree(10)).unwrap();
    assert_eq!(tree.entity.and_then(|entity| entity.pid), Some(10));
}

#[test]
fn a_frozen_cgroup_is_the_answer_to_one_who_asks_for_a_process_in_it() {
    let mut snapshots = snapshots(0, &[(10, READ, 0, 3, 9000)], &[]);
    snapshots[1].put("@stacks", "3\tkernel\t__schedule;schedule;__refrigerator;get_signal\n");
    for raw in &mut snapshots {
        raw.put("/proc/self/mountinfo", "25 1 0:22 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n");
        raw.put("/sys/fs/cgroup/freezer/a/freezer.state", "FROZEN\n");
        raw.put("/proc/10/cgroup", "3:freezer:/a\n");
        raw.put("/proc/20/cgroup", "3:freezer:/\n");
    }
    let answer = Answer::build(&mut run(&snapshots), victim(&[10]));
    let first = &answer.causes[0];
    assert_eq!((first.finding.id, first.finding.severity), ("cpu.frozen", Severity::Bottleneck), "{answer:?}");
    assert_eq!(answer.healthy, Some(false));
    snapshots[1].put("@stacks", "3\tkernel\t__schedule;schedule;do_nanosleep;hrtimer_nanosleep\n");
    let asleep = Answer::build(&mut run(&snapshots), victim(&[10]));
    assert_eq!(asleep.healthy, Some(false), "it was asleep when it was frozen");
    // To one outside it is nothing.
    assert!(Answer::build(&mut run(&snapshots), victim(&[20])).causes.is_empty());
    let whole = Answer::build(&mut run(&snapshots), victim(&[]));
    assert!(whole.causes.iter().all(|cause| cause.finding.severity == Severity::Watch));
}

#[test]
fn a_thread_that_always_runs_is_the_answer_to_one_who_asks_for_its_process() {
    let mut snapshots = snapshots(950, &[], &[]);
    let hot = |ticks: u64| format!("cpu  {ticks} 0 0 {} 0 0 0 0 0 0\ncpu0 {ticks} 0 0 0 0 0 0 0 0 0\n", 2000 - ticks);
    for (raw, ticks) in snapshots.iter_mut().zip([0, 950]) {
        raw.put("/proc/stat", hot(ticks) + "cpu1 0 0 0 1000 0 0 0 0 0 0\n");
        raw.put("/proc/20/task/20/stat", stat(20, "server", ticks, 0));
    }
    let whole = Answer::build(&mut run(&snapshots), victim(&[]));
    assert!(whole.causes.iter().all(|cause| cause.finding.severity == Severity::Watch), "to the host it is a remark");
    let answer = Answer::build(&mut run(&snapshots), victim(&[20]));
    let first = &answer.causes[0].finding;
    assert_eq!((first.resource, first.kind.id(), first.culprit.pid), (Resource::Cpu, "utilization", Some(20)));
    assert_eq!((first.severity, answer.healthy), (Severity::Bottleneck, Some(false)));
    assert!(Answer::build(&mut run(&snapshots), victim(&[10])).causes.is_empty());
}

#[test]
fn a_server_that_mostly_sleeps_holds_its_client_up_by_that_and_not_by_its_little_queueing() {
    let sleeps = [(10, READ, 0, 1, 9000), (20, 35, 0, 4, 8500)];
    let mut snapshots = snapshots(50, &sleeps, &[wake_row(10, 20, READ, 9000)]);
    snapshots[1].put(
        "@stacks",
        "1\tkernel\t__schedule;schedule;unix_stream_read_generic;unix_stream_recvmsg\n4\tkernel\tschedule;hrtimer_nanosleep\n",
    );
    for (index, raw) in snapshots.iter_mut().enumerate() {
        let index = index as u64;
        raw.put("/proc/20/schedstat", format!("{} {} 1", 500_000_000 * index, 600_000_000 * index));
        raw.put("/proc/30/stat", stat(30, "batch", 900 * index, 0));
        raw.put("/proc/pressure/cpu", format!("some avg10=0 total={}\n", 900_000 * index));
    }
    let answer = Answer::build(&mut run(&snapshots), victim(&[10]));
    let first = &answer.causes[0];
    assert_eq!((first.finding.id, first.finding.culprit.pid), ("why.local-server", Some(20)), "{answer:?}");
}

#[test]
fn two_threads_with_time_to_spare_are_healthy() {
    let mut snapshots = snapshots(0, &[], &[]);
    for (index, raw) in (0_u64..).zip(&mut snapshots) {
        raw.put("/proc/20/stat", stat(20, "server", 1600 * index, 0));
        for tid in [20, 21] {
            raw.put(format!("/proc/20/task/{tid}/stat"), stat(tid, "server", 800 * index, 0));
        }
    }
    let answer = Answer::build(&mut run(&snapshots), victim(&[20]));
    assert!(answer.causes.iter().all(|cause| cause.finding.severity == Severity::Watch), "{answer:?}");
}

#[test]
fn who_takes_what_another_one_writes_at_leisure_is_held_up_by_nobody() {
    let sleeps = [(10, READ, 0, 1, 9000), (20, 35, 0, 4, 9500)];
    let mut snapshots = snapshots(10, &sleeps, &[wake_row(10, 20, READ, 9000)]);
    snapshots[1].put(
        "@stacks",
        "1\tkernel\t__schedule;schedule;anon_pipe_read;vfs_read\n4\tkernel\tschedule;hrtimer_nanosleep\n",
    );
    let answer = Answer::build(&mut run(&snapshots), victim(&[10]));
    assert!(answer.servers[0].one_way && answer.causes.is_empty(), "{answer:?}");
    assert_eq!(answer.healthy, Some(true));
}

/// A local socket for `@netlink/unix`: inode, inode of the other end, bytes that lie there unread.
fn unix_socket(inode: u32, peer: u32, unread: u32) -> Vec<u8> {
    use perfuse_format::netlink::{attribute_bytes, message, sockdiag::BY_FAMILY};
    let mut payload = vec![1, 1, 1, 0];
    payload.extend(inode.to_ne_bytes());
    payload.extend([0; 8]);
    payload.extend(attribute_bytes(2, &peer.to_ne_bytes()));
    payload.extend(attribute_bytes(4, &[unread.to_ne_bytes(), [0; 4]].concat()));
    message(BY_FAMILY, 2, 1, &payload)
}

/// A client that waits at a local socket all the time, of which nobody wakes it; `ends` is what else is known.
fn silent(unread: u32, ends: &str) -> Answer {
    let mut snapshots = snapshots(0, &[(10, READ, 0, 1, 10_000)], &[]);
    let last = &mut snapshots[1];
    last.put("@stacks", "1\tkernel\t__schedule;schedule;unix_stream_read_generic;unix_stream_recvmsg\n");
    last.put("@netlink/unix", [unix_socket(7, 8, 0), unix_socket(8, 7, unread)].concat());
    last.put("@ipc/ends", format!("wait\t10\t10\t0\tsocket:[7]\nopen\t20\trw\tsocket:[8]\n{ends}"));
    Answer::build(&mut run(&snapshots), victim(&[10]))
}

#[test]
fn a_server_that_never_answers_is_found_at_the_other_end() {
    for (unread, ends, why) in [
        (72, "watch\t20\t20\t232\tsocket:[8]\n", "the question was not read"),
        (0, "", "it waits for something else"),
        (0, "wait\t20\t20\t0\tpipe:[3]\n", "it waits for somebody else"),
    ] {
        let answer = silent(unread, ends);
        let first = answer.causes.first().map(|cause| (cause.finding.id, cause.finding.culprit.pid));
        assert_eq!(first, Some(("why.local-server", Some(20))), "{why}: {answer:?}");
        assert_eq!(answer.healthy, Some(false), "{why}");
    }
}

#[test]
fn two_who_wait_for_each_others_words_have_nothing_to_do() {
    for ends in ["watch\t20\t20\t232\tsocket:[8]\n", "wait\t20\t20\t0\tsocket:[8]\n"] {
        let answer = silent(0, ends);
        assert!(answer.causes.is_empty() && answer.servers.is_empty(), "{answer:?}");
        assert!(answer.breakdown.of(State::Events) > 0.9 && answer.breakdown.of(State::LocalIpc) < 0.1, "{answer:?}");
        assert_eq!(answer.healthy, Some(true), "{ends}");
    }
}

#[test]
fn who_is_stopped_by_a_signal_is_told_so() {
    let mut snapshots = snapshots(0, &[(10, 35, 0, 5, 6000)], &[]);
    snapshots[1].put("@stacks", "5\tkernel\t__schedule;schedule;do_signal_stop;get_signal\n");
    let answer = Answer::build(&mut run(&snapshots), victim(&[10]));
    let first = answer.causes.first().map(|cause| (cause.finding.id, cause.finding.culprit.pid));
    assert_eq!(first, Some(("why.stopped", Some(10))), "{answer:?}");
}

#[test]
fn the_holder_of_a_files_lock_is_waited_for() {
    let waits = [(10, 73, 0, 6, 9000), (20, 35, 0, 4, 9500)];
    // Half of the time another thread of its own passes the lock on that it got from the holder.
    let mut snapshots = snapshots(10, &waits, &[wake_row(10, 20, 73, 4500), wake_row(10, 10, 73, 4500)]);
    snapshots[1].put(
        "@stacks",
        "6\tkernel\t__schedule;schedule;locks_lock_inode_wait;__do_sys_flock\n4\tkernel\tschedule;hrtimer_nanosleep\n",
    );
    let answer = Answer::build(&mut run(&snapshots), victim(&[10]));
    let first = answer.causes.first().map(|cause| (cause.finding.id, cause.finding.culprit.pid));
    assert_eq!(first, Some(("why.local-server", Some(20))), "{answer:?}");
    assert!((answer.servers[0].spent - 0.9).abs() < 1e-6, "{:?}", answer.servers);
}

#[test]
fn what_a_hard_limit_refused_stands_before_what_is_waited_for() {
    let (pid, mmap, enomem) = (10_u64, 9_u64, 12);
    let refused = |count: u64| table(48, &[words(&[pid + (mmap << 32), enomem, count, 0, NAME, 0])]);
    let waits = [(10, READ, 0, 1, 9000)];
    let mut snapshots = snapshots(950, &waits, &[wake_row(10, 20, READ, 9000)]);
    let without = Answer::build(&mut run(&snapshots), victim(&[10]));
    assert_eq!(without.causes[0].finding.id, "why.local-server");
    snapshots[0].put("@bpf/errno", refused(0));
    snapshots[1].put("@bpf/errno", refused(500));
    let answer = Answer::build(&mut run(&snapshots), victim(&[10]));
    let first = &answer.causes[0].finding;
    assert_eq!((first.id, first.severity, first.culprit.pid), ("memory.allocation-refused", Severity::Error, Some(10)));
    assert_eq!(
        first.chain.first().map(|link| &*link.evidence.id),
        Some("why-link"),
        "it is refused this, and waits not"
    );
}

#[test]
fn the_holder_of_a_files_lock_that_is_never_given_back_is_found() {
    let mut snapshots = snapshots(0, &[], &[]);
    let last = &mut snapshots[1];
    last.put("@bpf/waits", table(88, &[wait_row((10, 73, 0, 6, 10_000))]));
    last.put("@stacks", "6\tkernel\t__schedule;schedule;locks_lock_inode_wait;__do_sys_flock\n");
    let line = |arrow: &str, pid: u32| format!("1: {arrow}FLOCK  ADVISORY  WRITE {pid} fe:00:55 0 EOF\n");
    last.put("/proc/locks", [line("", 20), line("-> ", 10)].concat());
    let answer = Answer::build(&mut run(&snapshots), victim(&[10]));
    let first = answer.causes.first().map(|cause| (cause.finding.id, cause.finding.culprit.pid));
    assert_eq!(first, Some(("why.local-server", Some(20))), "{answer:?}");
}

#[test]
fn what_holds_up_the_host_and_hardly_the_victim_is_a_remark() {
    let snapshots = snapshots(0, &[], &[]);
    let run = run(&snapshots);
    let spec = (Resource::Disk, Kind::Saturation, "disk.saturation");
    let finding = Finding::new("disk.saturated", Severity::Bottleneck, spec, Entity::process(20, "scrub"));
    assert!(cause::passes_by(&run, &finding, cause::Bond::Shared, 0.0025));
    assert!(!cause::passes_by(&run, &finding, cause::Bond::Shared, 0.02));
    assert!(!cause::passes_by(&run, &finding, cause::Bond::Named, 0.0025), "the rule saw the victim wait");
    let refused = Finding { severity: Severity::Error, ..finding };
    assert!(!cause::passes_by(&run, &refused, cause::Bond::Shared, 0.0025), "an error stays one");
}
