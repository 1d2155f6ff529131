//! The same recording through perf and through this crate.

use std::path::Path;
use std::process::Command;

use perfuse_testkit::{gate, need, skip};

use crate::resolve::{Resolver, of_perf};
use crate::{can_record, output};

/// A program with a call chain that needs call frame information: no frame pointers, functions that do not return, a
/// signal handler, and calls through the linkage table.
const PROGRAM: &str = r"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
static volatile unsigned long sink;
static char text[4096];
__attribute__((noinline)) void leaf(unsigned long n) { for (unsigned long i = 0; i < n; i++) sink += i ^ n; }
__attribute__((noinline)) int order(const void *a, const void *b) { leaf(300); return *(const int *)a - *(const int *)b; }
__attribute__((noinline)) void sorted(int *v, int n) { qsort(v, n, sizeof *v, order); }
__attribute__((noinline)) unsigned long big(unsigned long n) { volatile char room[1500]; room[n % 1500] = 1; leaf(20000); return room[3] + n; }
__attribute__((noinline)) unsigned long deep(unsigned long n) { return n ? deep(n - 1) + big(n) : strlen(text); }
static void on_timer(int s) { (void)s; leaf(200000); }
int main(void) {
    int v[200];
    struct sigaction act = { .sa_handler = on_timer };
    struct itimerval every = { { 0, 3000 }, { 0, 3000 } };
    memset(text, 'x', sizeof text - 1);
    sigaction(SIGPROF, &act, 0);
    setitimer(ITIMER_PROF, &every, 0);
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 200; i++) v[i] = (i * 7919 + round) % 211;
        sorted(v, 200);
        sink += deep(8);
        for (int i = 0; i < 2000; i++) sink += strlen(text + i % 3);
    }
    return 0;
}
";

fn compile(directory: &Path, name: &str, arguments: &[&str]) -> String {
    let source = directory.join("program.c");
    std::fs::write(&source, PROGRAM).unwrap();
    let binary = directory.join(name);
    let status = Command::new("cc").args(arguments).arg("-o").arg(&binary).arg(&source).status().unwrap();
    assert!(status.success());
    binary.to_string_lossy().into_owned()
}

/// Records `arguments` and compares the stacks of all samples.
fn compare(directory: &Path, record: &[&str], program: &str) {
    let file = directory.join("perf.data").to_string_lossy().into_owned();
    let arguments = [&["record", "-q", "-o", &file][..], record, &["--", program]].concat();
    output("perf", &arguments);
    for inlines in [false, true] {
        let inline = if inlines { "--inline" } else { "--no-inline" };
        let theirs = output("perf", &["script", inline, "-F", "ip,sym,symoff,dso", "-i", &file]);
        compare_stacks(&std::fs::read(&file).unwrap(), &theirs, record, inlines);
    }
}

fn compare_stacks(data: &[u8], theirs: &str, record: &[&str], inlines: bool) {
    let theirs = of_perf(theirs);
    // Without call chains there is a line for each sample.
    let chains = record.iter().any(|argument| argument.starts_with("-g") || argument.starts_with("--call"));
    let theirs = if chains { theirs } else { theirs.into_iter().flatten().map(|line| vec![line]).collect() };
    let ours = Resolver::new(inlines).stacks(data);
    assert!(theirs.len() > 9, "too few samples to compare: {}", theirs.len());
    assert_eq!(ours.len(), theirs.len());
    let differ: Vec<_> = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs).collect();
    let first = differ.first();
    assert!(
        differ.is_empty(),
        "{record:?}, inlines {inlines}: {} of {} stacks differ: {first:#?}",
        differ.len(),
        theirs.len()
    );
}

#[test]
fn stacks_and_names_are_those_of_perf() {
    need!(gate::command("perf"));
    need!(gate::command("cc"));
    let directory = tempfile::tempdir().unwrap();
    if !can_record(directory.path()) {
        skip!("perf cannot record here");
    }
    let kept = compile(directory.path(), "kept", &["-O2", "-g", "-fomit-frame-pointer"]);
    compare(directory.path(), &["-F", "1999"], &kept);
    compare(directory.path(), &["-F", "1999", "--call-graph", "dwarf,16384"], &kept);
    compare(directory.path(), &["-F", "1999", "--call-graph", "dwarf,1024"], &kept);
    let stripped = compile(directory.path(), "stripped", &["-O1", "-s", "-static"]);
    compare(directory.path(), &["-F", "999", "--call-graph", "dwarf"], &stripped);
    let framed = compile(directory.path(), "framed", &["-O1", "-fno-omit-frame-pointer", "-no-pie"]);
    compare(directory.path(), &["-F", "1999", "-g"], &framed);
}
