//! `perf stat`: counts of known workloads, and the layouts beside those of the real perf on the same machine.

use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use perfuse_testkit::{gate, need, skip};

use crate::{perfuse, run, stderr, stdout};

/// The real perf.
fn real_perf() -> Result<PathBuf, String> {
    gate::find_command("perf").ok_or_else(|| "needs the program perf".to_owned())
}

/// Both programs, or the test is skipped with the reason.
macro_rules! both {
    () => {
        match Both::find() {
            Ok(both) => both,
            Err(reason) => skip!("{reason}"),
        }
    };
}

/// Both programs under the name perf: ours through a link.
struct Both {
    real: PathBuf,
    ours: PathBuf,
    _directory: tempfile::TempDir,
}

impl Both {
    fn find() -> Result<Self, String> {
        let real = real_perf()?;
        // Debian's wrapper script is there without a perf for the running kernel.
        let works =
            Command::new(&real).args(["stat", "-e", "cs", "true"]).output().is_ok_and(|out| out.status.success());
        if !works {
            return Err("needs a perf that can count context switches".to_owned());
        }
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let ours = directory.path().join("perf");
        symlink(env!("CARGO_BIN_EXE_perfuse"), &ours).map_err(|error| error.to_string())?;
        Ok(Self { real, ours, _directory: directory })
    }

    fn run(&self, line: &str) -> [Output; 2] {
        [&self.real, &self.ours].map(|program| {
            let mut command = Command::new(program);
            command.arg("stat").args(line.split(' ')).env("LC_ALL", "C").stdin(Stdio::null());
            command.output().unwrap()
        })
    }
}

fn software_events() -> Result<(), String> {
    let output = run(["stat", "-x,", "-e", "faults", "true"]);
    let text = stderr(&output);
    if output.status.success() && !text.contains("<not") {
        Ok(())
    } else {
        Err(format!("needs software events: {text}"))
    }
}

/// Numbers as `#`, in as many columns as they take with the blanks before them; the unit of a rate as it comes out.
fn masked(text: &str, columns: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with("perfuse:")) {
        // How many decimals this line has depends on how much the runs differed.
        let columns = columns && !(line.contains("time elapsed") && line.contains("+-"));
        let mut out = String::new();
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let blanks = rest.len() - rest.trim_start_matches(' ').len();
            let number = rest[blanks..].len() - rest[blanks..].trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if number > 0 {
                let after = &rest[blanks + number..];
                let decimals = after
                    .strip_prefix('.')
                    .map_or(0, |after| 1 + after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len());
                let whole = blanks + number + decimals;
                out.push_str(&"#".repeat(if columns { whole } else { 1 }));
                rest = &rest[whole..];
            } else if let Some((unit, after)) =
                ["K/sec", "M/sec", "G/sec", "/sec"].iter().find_map(|unit| Some((unit, rest.strip_prefix(unit)?)))
            {
                // All of them in as many columns as the longest, with the blank that fills the shorter.
                out.push_str("X/sec");
                rest = if unit.len() == 4 { after.strip_prefix(' ').unwrap_or(after) } else { after };
            } else {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        lines.push(out);
    }
    lines
}

#[test]
fn tables_are_those_of_perf() {
    need!(software_events());
    let both = both!();
    for line in [
        "true",
        "-d true",
        "-ddd true",
        "-e cs,faults,task-clock sleep 0.01",
        "-e faults -e cs true",
        "-e cs:u,cs:k,cycles:u,faults:uk true",
        "-e {cs,faults},{cpu-clock,task-clock} true",
        "-e L1-dcache-loads,L1-dcache-load-misses,L1-dcache-stores true",
        "--null true",
        "-r 3 --null true",
        "--no-big-num -e faults true",
        "-g -e cs,faults true",
        "-ecs -dd true",
    ] {
        let [real, ours] = both.run(line);
        assert_eq!(ours.status, real.status, "{line}");
        assert_eq!(masked(&stderr(&ours), true), masked(&stderr(&real), true), "{line}");
    }
}

#[test]
fn tables_of_cpus_are_those_of_perf() {
    need!(software_events());
    need!(gate::root());
    let both = both!();
    for line in [
        "-a sleep 0.01",
        "-A -a -e cs,faults,cycles sleep 0.01",
        "--per-core -a -e cs,cpu-clock,cycles sleep 0.01",
        "--per-socket -a -e cs,cpu-clock,cycles sleep 0.01",
        "--per-die -a -e cs,cpu-clock,cycles sleep 0.01",
        "--per-node -a -e cs,cpu-clock,cycles sleep 0.01",
        "-C 0 -e cs,faults sleep 0.01",
        "-e r003c -a sleep 0.01",
        "-e cycles,instructions,cache-references,cache-misses,bus-cycles -a sleep 0.01",
        "-e cs --timeout 100 -a",
        "-I 50 --interval-count 2 -e cs,cycles -a",
        "-I 50 --interval-count 1 --per-core -e cs -a",
        "-I 50 --interval-count 1 --per-socket -e cs -a",
        "-I 50 --interval-count 1 -A -e cs -a",
        "-A -a -e msr/tsc,percore=1/ sleep 0.01",
        "-A -a --percore-show-thread -e msr/tsc,percore=1/ sleep 0.01",
        "-A -a -x, -e msr/tsc,percore=1/ sleep 0.01",
        "--per-core -a -e msr/tsc,percore=1/ sleep 0.01",
    ] {
        let [real, ours] = both.run(line);
        assert_eq!(ours.status, real.status, "{line}");
        assert_eq!(masked(&stderr(&ours), true), masked(&stderr(&real), true), "{line}");
    }
}

#[test]
fn tracepoints_by_pattern_are_those_of_perf() {
    need!(gate::root());
    need!(gate::exists("/sys/kernel/tracing/events/raw_syscalls/sys_enter"));
    let both = both!();
    for line in [
        "-e block:* -a sleep 0.01",
        "-e raw_syscalls:sys_enter -I 50 --interval-count 1 -a",
        "-e syscalls:sys_enter_pread* true",
    ] {
        let [real, ours] = both.run(line);
        assert_eq!(ours.status, real.status, "{line}: {}", stderr(&ours));
        assert_eq!(masked(&stderr(&ours), true), masked(&stderr(&real), true), "{line}");
    }
}

#[test]
fn fields_and_json_are_those_of_perf() {
    need!(software_events());
    let both = both!();
    for line in [
        "-x, true",
        "-x ; -e cs,faults true",
        "-x \\t -e cs,cycles true",
        "-r 2 -x, -e task-clock,faults,cycles true",
        "-j -e task-clock,cs,faults,cycles true",
        "-r 2 -j -e task-clock,faults,cycles true",
    ] {
        let [real, ours] = both.run(line);
        assert_eq!(ours.status, real.status, "{line}");
        assert_eq!(masked(&stderr(&ours), false), masked(&stderr(&real), false), "{line}");
    }
}

#[test]
fn statuses_are_those_of_perf() {
    need!(software_events());
    let both = both!();
    for line in [
        "-e nosuch true",
        "-e nosuch:event true",
        "-e cs nosuchcommand",
        "--nosuchoption true",
        "-r x true",
        "-x, -B true",
        "--per-core true",
        "--interval-count 2 true",
        "-p 999999999",
        "-T true",
        "-e cs --filter x==1 true",
        "--table true",
        "--log-fd 77 true",
        "--control foo true",
        "-e cs::u true",
        "-e cs/config/ true",
        "--topdown -a true",
        "--td-level 2 --topdown true",
        "--smi-cost true",
        "--iostat true",
        "--cputype nosuch true",
        "--hybrid-merge true",
        "--metric-no-group true",
        "--metric-no-merge true",
        "-a -e cs --for-each-cgroup /nosuch.* true",
    ] {
        let [real, ours] = both.run(line);
        assert_eq!(ours.status, real.status, "{line}: {}", stderr(&ours));
    }
}

#[test]
fn the_status_of_the_command_is_passed_on() {
    need!(software_events());
    // Not beside perf, which now and then loses the status of a short command.
    for status in [0, 1, 7, 255] {
        let output = run(["stat", "-e", "cs", "sh", "-c", &format!("exit {status}")]);
        assert_eq!(output.status.code(), Some(status), "{}", stderr(&output));
    }
}

#[test]
fn the_kernel_is_asked_as_perf_asks() {
    need!(software_events());
    need!(gate::root());
    need!(gate::command("strace"));
    let both = both!();
    for line in [
        "true",
        "-d true",
        "-a -e cs,cpu-clock sleep 0.01",
        "-C 0 -e cs sleep 0.01",
        "-i -e cs:u,faults:k true",
        "-e {cs,faults}:u,task-clock true",
        "-e sched:sched_switch true",
        "--all-user -e faults true",
        "-D 1 -e cs sleep 0.1",
    ] {
        let [real, ours] = [&both.real, &both.ours].map(|program| calls(program, line));
        assert!(!real.is_empty(), "{line}");
        assert_eq!(ours, real, "{line}");
    }
}

/// The calls that open and switch events, with the process and descriptors left out: they differ from run to run.
fn calls(program: &PathBuf, line: &str) -> Vec<String> {
    // Into a file: what the program says must not come into the middle of a line.
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new("strace");
    command.args(["-f", "-v", "-s", "0", "-e", "trace=perf_event_open,ioctl", "-o"]).arg(file.path());
    command.arg(program).arg("stat").args(line.split(' ')).env("LC_ALL", "C").stdin(Stdio::null());
    command.output().unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    let relevant = text.lines().filter(|line| line.contains("perf_event_open(") || line.contains("PERF_EVENT_IOC"));
    let mut calls = Vec::new();
    for call in relevant {
        // The number of the process stands before each line.
        let call = call.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ' ');
        if let Some((attr, arguments)) = call.rsplit_once("}, ") {
            let mut arguments: Vec<&str> = arguments.split([',', ')']).map(str::trim).collect();
            // pid, cpu, group, flags: the number of a process or of a leader says nothing.
            for argument in arguments.iter_mut().take(3).step_by(2).filter(|argument| !argument.starts_with('-')) {
                *argument = "N";
            }
            arguments.truncate(4);
            calls.push(format!("{attr}}} {}", arguments.join(" ")));
        } else if let Some((_, request)) = call.split_once(", ") {
            // perf looks whether the kernel knows newer features; only what is done to counters counts.
            let request = request.split(['=', ')']).next().unwrap_or_default().trim();
            if request.contains("ENABLE") || request.contains("DISABLE") || request.contains("FILTER") {
                calls.push(request.to_owned());
            }
        }
    }
    // What perf asks only to learn what the kernel can do: an event of its own, closed at once, without `disabled`.
    calls.retain(|call| call.contains("PERF_EVENT_IOC") || call.contains("PERF_SAMPLE_IDENTIFIER"));
    calls
}

/// The count in the row of an event.
fn count(output: &Output, event: &str) -> f64 {
    let text = stderr(output);
    let row = text.lines().find(|line| line.split(',').nth(2) == Some(event));
    let row = row.unwrap_or_else(|| panic!("{event}: {text}"));
    row.split(',').next().and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{row}"))
}

#[test]
fn known_work_is_counted() {
    need!(software_events());
    // 512 KiB blocks are allocated and read into page by page: 128 pages of 4 KiB, on top of what any program needs.
    let idle = run(["stat", "-x,", "-e", "faults", "dd", "if=/dev/zero", "of=/dev/null", "bs=4096", "count=1"]);
    let busy = run(["stat", "-x,", "-e", "faults", "dd", "if=/dev/zero", "of=/dev/null", "bs=524288", "count=1"]);
    let (idle, busy) = (count(&idle, "faults"), count(&busy, "faults"));
    assert!((100.0..400.0).contains(&(busy - idle)), "{idle} {busy}");
    let sleeper = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0; done";
    let switches = run(["stat", "-x,", "-e", "cs", "sh", "-c", sleeper]);
    // Every child is waited for: at least one switch each, as long as there is another CPU or not.
    assert!(count(&switches, "cs") >= 5.0, "{}", stderr(&switches));
}

#[test]
fn task_clock_is_about_the_cpu_time_of_the_command() {
    need!(software_events());
    let spin = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
    let output = run(["stat", "-x,", "-e", "task-clock,user_time,system_time,duration_time", "sh", "-c", spin]);
    let clock = count(&output, "task-clock");
    let text = stderr(&output);
    let milliseconds = |event: &str| {
        // A command that never was in the kernel has no such time.
        if text.contains(&format!(",ns,{event}")) { count(&output, event) / 1e6 } else { 0.0 }
    };
    let usage = milliseconds("user_time") + milliseconds("system_time");
    // rusage includes the fork and is rounded to ticks on some kernels.
    assert!(clock > 0.5 * usage && clock < 2.0 * usage + 20.0, "{clock} {usage}: {text}");
    assert!(milliseconds("duration_time") * 1.01 >= clock, "one thread: {text}");
}

#[test]
fn an_interrupt_prints_the_totals() {
    need!(software_events());
    need!(gate::root());
    let mut child = perfuse(["stat", "-e", "cs", "-a"]).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    interrupt(child.id());
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(20), "it ends");
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(stderr(&output).contains("seconds time elapsed"), "{}", stderr(&output));
}

#[test]
fn an_interrupted_command_is_waited_for_however_many_signals_come() {
    need!(software_events());
    let script = "trap 'sleep 0.3; exit 3' INT; echo ready; while :; do sleep 0.01; done";
    let mut command = perfuse(["stat", "-e", "cs", "sh", "-c", script]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut ready = [0_u8; 6];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let own = child.id();
    let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
    let Some(shell) = children.ok().and_then(|list| list.split_whitespace().next()?.parse().ok()) else {
        let _ = child.kill();
        let _ = child.wait();
        skip!("the kernel does not list children");
    };
    for pid in [own, own, shell, own] {
        interrupt(pid);
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("seconds time elapsed"), "{}", stderr(&output));
}

fn interrupt(pid: u32) {
    let status = Command::new("kill").args(["-INT", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn what_ended_by_a_signal_is_named() {
    need!(software_events());
    let output = run(["stat", "-e", "cs", "sh", "-c", "kill -9 $$"]);
    assert_eq!((output.status.code(), output.status.signal()), (Some(0), None), "as perf");
    assert!(stderr(&output).starts_with("sh: Killed\n"), "{}", stderr(&output));
}

#[test]
fn files_get_the_table_and_json_stays_json() {
    need!(software_events());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out");
    let name = file.to_str().unwrap();
    assert!(run(["stat", "-o", name, "-e", "faults", "true"]).status.success());
    assert!(run(["stat", "-o", name, "--append", "-e", "cs", "true"]).status.success());
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches("# started on ").count(), 2, "{text}");
    assert!(text.contains("faults") && text.contains("cs"));
    let output = run(["stat", "-j", "-o", name, "-e", "faults,cycles", "true"]);
    assert!(output.status.success());
    for line in std::fs::read_to_string(&file).unwrap().lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
    let output = run(["stat", "--log-fd", "1", "-x,", "-e", "faults", "true"]);
    assert!(stdout(&output).contains(",,faults,"), "{}", stdout(&output));
    let full = run(["stat", "-o", "/dev/full", "-e", "faults", "true"]);
    assert_eq!(full.status.code(), Some(255), "{}", stderr(&full));
}

#[test]
fn what_is_missing_is_said_in_one_line() {
    need!(software_events());
    let output = run(["stat", "-e", "cycles,instructions,faults", "true"]);
    let text = stderr(&output);
    let said: Vec<&str> = text.lines().filter(|line| line.starts_with("perfuse:")).collect();
    if !text.contains("<not supported>") {
        skip!("this machine has CPU counters");
    }
    assert_eq!(said.len(), 1, "{text}");
    assert!(said[0].contains("cycles, instructions:") && said[0].contains("PMU"), "{text}");
    let fields = run(["stat", "-x,", "-e", "cycles", "true"]);
    assert!(!stderr(&fields).contains("perfuse:"), "fields stay fields");
    let korean = perfuse(["--lang", "ko", "stat", "-e", "cycles", "true"]).output().unwrap();
    assert!(stderr(&korean).contains("쓸 수 없습니다"), "{}", stderr(&korean));
}

#[test]
fn filters_count_what_they_let_through() {
    need!(gate::root());
    need!(gate::exists("/sys/kernel/tracing/events/raw_syscalls/sys_enter"));
    let filtered = [
        "stat",
        "-x,",
        "-e",
        "raw_syscalls:sys_enter",
        "--filter",
        "id == 999",
        "-e",
        "raw_syscalls:sys_enter",
        "true",
    ];
    let output = run(filtered);
    let text = stderr(&output);
    let counts: Vec<&str> = text.lines().filter_map(|line| line.split(',').next()).collect();
    assert_eq!(counts[0], "0", "{text}");
    assert!(counts[1].parse::<u64>().unwrap() > 5, "{text}");
    let wrong = run(["stat", "-e", "raw_syscalls:sys_enter", "--filter", "nosuch == 1", "true"]);
    assert_eq!(wrong.status.code(), Some(255));
    assert!(stderr(&wrong).contains("nosuch == 1"), "{}", stderr(&wrong));
}

#[test]
fn processes_and_threads_are_watched() {
    need!(software_events());
    let mut busy = Command::new("sh").args(["-c", "while :; do sleep 0.005; done"]).spawn().unwrap();
    let pid = busy.id().to_string();
    let process = run(["stat", "-x,", "-e", "cs", "-p", &pid, "sleep", "0.2"]);
    let threads = run(["stat", "-x,", "-e", "cs", "--per-thread", "-p", &pid, "sleep", "0.2"]);
    let row = stderr(&threads);
    let _ = busy.kill();
    let _ = busy.wait();
    assert!(count(&process, "cs") > 2.0, "{}", stderr(&process));
    assert!(row.starts_with(&format!("sh-{pid},")), "{row}");
    let gone = run(["stat", "-e", "cs", "-p", &pid]);
    assert_eq!(gone.status.code(), Some(234), "{}", stderr(&gone));
}

#[test]
fn recorded_counts_are_reported_by_both_programs_alike() {
    need!(software_events());
    need!(gate::root());
    let both = both!();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("counts.data");
    let file = file.to_str().unwrap();
    for line in [
        "-e cs,task-clock,cycles sleep 0.01",
        "-a -A -e cs,task-clock,cycles sleep 0.01",
        "-a --per-core -e cs,faults,cycles sleep 0.01",
        "-I 50 -e cs,faults sleep 0.08",
    ] {
        for recorder in 0..2 {
            let recorded = both.run(&format!("record -o {file} {line}")).into_iter().nth(recorder).unwrap();
            assert!(recorded.status.success(), "{line}: {}", stderr(&recorded));
            if recorder == 0 {
                // Both programs ran; the file is that of the last, so the first is run once more.
                let again =
                    Command::new(&both.real).args(["stat", "record", "-o", file]).args(line.split(' ')).output();
                assert!(again.unwrap().status.success(), "{line}");
            }
            let [real, ours] = both.run(&format!("report -i {file}"));
            assert!(stderr(&ours).contains("cs"), "{line}: {}", stderr(&ours));
            assert_eq!(stderr(&ours), stderr(&real), "{line}");
        }
    }
}

#[test]
fn files_without_counts_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("odd");
    for bytes in [&b""[..], b"PERFILE2", &[0xff; 4096], b"PERFILE2\x68\0\0\0\0\0\0\0"] {
        std::fs::write(&file, bytes).unwrap();
        let output = run(["stat", "report", "-i", file.to_str().unwrap()]);
        assert!(matches!(output.status.code(), Some(129 | 255)), "{:?}: {}", output.status, stderr(&output));
        assert!(stderr(&output).contains("odd"), "{}", stderr(&output));
    }
    let missing = run(["stat", "report", "-i", "/no/such/file"]);
    assert_eq!(missing.status.code(), Some(255), "{}", stderr(&missing));
}
