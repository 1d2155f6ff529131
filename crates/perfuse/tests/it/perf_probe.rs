//! `perf probe`: the lines for the kernel against those of real perf, and probes that really fire.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use perfuse_testkit::{gate, need};

use crate::{perfuse, run, stderr, stdout};

const UPROBES: &str = "/sys/kernel/tracing/uprobe_events";

/// A program of ours with what can be probed: strings, members, arrays, a bit field, and tracepoints with and without a
/// counter, written as `sys/sdt.h` would write them.
const SOURCE: &str = r#"
#include <stdio.h>
#include <string.h>
struct inner { int a; unsigned char low : 3, high : 5; char name[8]; };
struct outer { long x; struct inner *p; struct inner q[3]; };
int sink;
__attribute__((noinline)) char *myfunc(const char *s, struct outer *t, int n)
{
    sink += n + t->x;
    return (char *)s;
}
__attribute__((noinline)) static long leaf(long n)
{
    sink += n;
    return n * 2;
}
unsigned short counter __attribute__((section(".probes")));
#define NOTE(name, semaphore) \
    ".pushsection .note.stapsdt,\"?\",\"note\"\n.balign 4\n" \
    ".4byte 992f-991f, 994f-993f, 3\n991: .asciz \"stapsdt\"\n992: .balign 4\n" \
    "993: .8byte 990b, _.stapsdt.base, " semaphore "\n.asciz \"mine\"\n.asciz \"" name "\"\n.asciz \"-4@%0 8@%1\"\n" \
    "994: .balign 4\n.popsection\n"
__attribute__((noinline)) static void traced(int n, long value)
{
#ifdef __x86_64__
    __asm__ volatile("990: nop\n" NOTE("plain", "0") : : "r"(n), "r"(value));
    if (counter)
        __asm__ volatile("990: nop\n" NOTE("counted", "counter") : : "r"(n), "r"(value));
#endif
}
#ifdef __x86_64__
__asm__(".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n.weak _.stapsdt.base\n"
        ".hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n.size _.stapsdt.base, 1\n.popsection\n");
#endif
int main(int count, char **words)
{
    struct inner i = {1, 2, 3, "abc"};
    struct outer t = {5, &i, {{0}}};
    myfunc("hello", &t, count);
    traced(count + 6, 99);
    printf("%ld %s\n", leaf(count), words[0]);
    return 0;
}
"#;

/// The probes of one test: removed at its end, whatever happens in between. Each test has a program of its own name, and
/// so a group of its own.
pub(crate) struct Probed {
    directory: tempfile::TempDir,
    pub(crate) program: PathBuf,
    name: String,
}

impl Drop for Probed {
    fn drop(&mut self) {
        let Ok(lines) = std::fs::read_to_string(UPROBES) else { return };
        let own =
            |line: &&str| line.contains(&format!("/{} ", self.name)) || line.contains(&format!("/{}:", self.name));
        let mut names: Vec<&str> =
            lines.lines().filter(own).filter_map(|line| line.split_once(':')?.1.split(' ').next()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let mut options = std::fs::OpenOptions::new();
            let removed = options.append(true).open(UPROBES);
            let _ = removed.and_then(|mut file| std::io::Write::write_all(&mut file, format!("-:{name}\n").as_bytes()));
        }
    }
}

impl Probed {
    pub(crate) fn new(name: &str) -> Self {
        Self::built(name, SOURCE, "-O1")
    }

    fn built(name: &str, source_text: &str, level: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // Several runs of the tests at once must not remove each other's probes.
        let name = format!("{name}{}", std::process::id());
        let (source, program) = (directory.path().join("probed.c"), directory.path().join(&name));
        std::fs::write(&source, source_text).unwrap();
        let built = Command::new("gcc").args(["-g", level, "-o"]).arg(&program).arg(&source).output().unwrap();
        assert!(built.status.success(), "{}", stderr(&built));
        Self { directory, program, name }
    }

    fn group(&self) -> String {
        format!("probe_{}", self.name)
    }

    fn ours(&self, arguments: &[&str]) -> Output {
        perfuse(["probe", "-x"]).arg(&self.program).args(arguments).output().unwrap()
    }

    fn perf(&self, arguments: &[&str]) -> Output {
        Command::new("perf").args(["probe", "-x"]).arg(&self.program).args(arguments).output().unwrap()
    }

    /// The lines of the kernel that are about the program.
    fn lines(&self) -> Vec<String> {
        let lines = std::fs::read_to_string(UPROBES).unwrap();
        lines.lines().filter(|line| line.contains(&self.name)).map(str::to_owned).collect()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

fn can_build() -> gate::Gate {
    gate::command("gcc")
}

pub(crate) fn can_probe() -> gate::Gate {
    can_build()?;
    gate::root()?;
    gate::exists(UPROBES)
}

/// Definitions for `myfunc`, `leaf` and `main` of the program.
const DEFINITIONS: &[&str] = &[
    "leaf",
    "leaf n",
    "leaf:1",
    "leaf%return $retval",
    "le*",
    "a=myfunc",
    "grp:a=myfunc+4",
    "a=leaf%return",
    "probed.c:9",
    "myfunc $vars",
    "myfunc $params",
    "myfunc t->q[1].name:string t->q[1].a s",
    "myfunc t->p->a n t->x",
    "myfunc s:string",
    "myfunc s:x8 n:u",
    "myfunc@probed.c n",
    "myfunc %di:x32 b=%si +8(%si):u16 +0x8(%si) $comm",
    "main",
    // What is wrong: the same status.
    "nosuch",
    "myfunc zz",
    "myfunc t.x",
    "leaf n->x",
    "main:99",
    "myfunc+0x4000",
    "myfunc:x",
];

#[test]
fn lines_for_the_kernel_are_those_of_perf() {
    need!(gate::command("perf"));
    need!(can_probe());
    let probed = Probed::new("lines");
    for definition in DEFINITIONS {
        let (ours, perf) = (probed.ours(&["-D", definition]), probed.perf(&["-D", definition]));
        assert_eq!(stdout(&ours), stdout(&perf), "{definition}: {}", stderr(&ours));
        assert_eq!(ours.status.code(), perf.status.code(), "{definition}: {}", stderr(&ours));
    }
    for arguments in [&["-V", "myfunc"][..], &["-V", "leaf", "--range"], &["-L", "myfunc"], &["-V", "nosuch"]] {
        let (ours, perf) = (probed.ours(arguments), probed.perf(arguments));
        assert_eq!(stdout(&ours), stdout(&perf), "{arguments:?}");
        assert_eq!(ours.status.code(), perf.status.code(), "{arguments:?}");
    }
}

/// A structure of one member, which the compiler tells as a piece that is the whole of it.
const ONE_PIECE: &str = r#"
#include <stdio.h>
typedef struct { unsigned val; } id_type;
struct inode { int mode; id_type owner; };
__attribute__((noinline)) unsigned map(void *names, unsigned v) { return v + (names != 0); }
static inline unsigned from_id(void *names, id_type id) { return map(names, id.val); }
__attribute__((noinline)) unsigned show(struct inode *i, void *names) { return from_id(names, i->owner); }
int main(int count, char **words)
{
    struct inode i = {count, {5}};
    printf("%u\n", show(&i, words));
    return 0;
}
"#;

#[test]
fn a_structure_that_is_one_piece_is_fetched_as_perf_fetches_it() {
    need!(gate::command("perf"));
    need!(can_probe());
    let probed = Probed::built("piece", ONE_PIECE, "-O2");
    for definition in ["from_id $params", "from_id id", "from_id id.val"] {
        let (ours, perf) = (probed.ours(&["-D", definition]), probed.perf(&["-D", definition]));
        assert_eq!(stdout(&ours), stdout(&perf), "{definition}: {}", stderr(&ours));
        assert!(!stdout(&ours).is_empty(), "{definition}: {}", stderr(&ours));
    }
}

#[test]
fn the_kernel_keeps_of_us_what_it_keeps_of_perf() {
    need!(gate::command("perf"));
    need!(can_probe());
    let probed = Probed::new("kept");
    let all = format!("{}:*", probed.group());
    for (index, definition) in
        ["myfunc s:string n t->p->a", "leaf%return $retval", "myfunc+4", "myfunc"].into_iter().enumerate()
    {
        // A name that no other test has: to perf a name is taken when any group has it.
        let definition = &format!("{}_{index}={definition}", probed.name);
        let ours = probed.ours(&["--add", definition]);
        assert!(ours.status.success(), "{}", stderr(&ours));
        let mine = probed.lines();
        assert!(!mine.is_empty());
        let listed = stdout(&run(["probe", "-l"]));
        assert!(listed.contains(&probed.group()), "{listed}");
        assert!(run(["probe", "-d", &all]).status.success());
        assert!(probed.lines().is_empty(), "{:?}", probed.lines());
        let perf = probed.perf(&["--add", definition]);
        assert!(perf.status.success(), "{}", stderr(&perf));
        assert_eq!(mine, probed.lines(), "{definition}");
        // What perf says goes to the same place, in the same words.
        assert_eq!(stderr(&ours), stderr(&perf), "{definition}");
        assert!(run(["probe", "-q", "-d", &all]).status.success());
    }
}

#[test]
fn probes_fire_are_filtered_counted_and_printed() {
    need!(can_probe());
    let probed = Probed::new("fires");
    let (group, data) = (probed.group(), probed.file("perf.data"));
    let added = probed.ours(&["myfunc s:string n q=t->q[1].a bit=t->p->a", "--add", "leaf%return $retval"]);
    assert!(added.status.success(), "{}", stderr(&added));
    let (function, end) = (format!("{group}:myfunc"), format!("{group}:leaf__return"));
    let recorded = perfuse(["record", "-o"])
        .arg(&data)
        .args(["-e", &function, "--filter", "n == 1", "-e", &end, "--"])
        .arg(&probed.program)
        .output()
        .unwrap();
    assert!(recorded.status.success(), "{}", stderr(&recorded));
    let script = stdout(&perfuse(["script", "-i"]).arg(&data).output().unwrap());
    assert!(script.contains("s_string=\"hello\" n=1 q=0 bit=1"), "{script}");
    assert!(script.contains("leaf__return:") && script.contains("arg1=0x2"), "{script}");
    // The other side of the filter: nothing is taken.
    let recorded = perfuse(["record", "-o"])
        .arg(&data)
        .args(["-e", &function, "--filter", "n > 1", "--"])
        .arg(&probed.program)
        .output()
        .unwrap();
    assert!(recorded.status.success(), "{}", stderr(&recorded));
    assert_eq!(stdout(&perfuse(["script", "-i"]).arg(&data).output().unwrap()), "");
    let counted = perfuse(["stat", "-x,", "-e", &function, "--"]).arg(&probed.program).output().unwrap();
    assert!(stderr(&counted).starts_with("1,,"), "{}", stderr(&counted));
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "the program has its tracepoints on x86-64 only")]
fn tracepoints_of_programs_are_counted_in_by_the_kernel() {
    need!(can_probe());
    let probed = Probed::new("sdt");
    let data = probed.file("perf.data");
    let added = probed.ours(&["%sdt_mine:*"]);
    assert!(added.status.success(), "{}", stderr(&added));
    let lines = probed.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    // The second has the place of its counter: without it the program would not get there.
    let counted = lines.iter().find(|line| line.contains("/counted ")).unwrap();
    assert!(counted.contains('(') && counted.contains("arg1=%") && counted.contains(":s32 arg2=%"), "{counted}");
    let recorded = perfuse(["record", "-o"])
        .arg(&data)
        .args(["-e", "sdt_mine:plain", "-e", "sdt_mine:counted", "--"])
        .arg(&probed.program)
        .output()
        .unwrap();
    let script = stdout(&perfuse(["script", "-i"]).arg(&data).output().unwrap());
    let removed = run(["probe", "-q", "-d", "sdt_mine:*"]);
    assert!(recorded.status.success(), "{}", stderr(&recorded));
    assert_eq!(script.matches("arg1=7 arg2=99").count(), 2, "{script}");
    assert!(removed.status.success(), "{}", stderr(&removed));
    // Names that are not there: the near ones are shown.
    let wrong = probed.ours(&["%sdt_mine:plane"]);
    assert_eq!(wrong.status.code(), Some(254));
    assert!(stderr(&wrong).contains("sdt_mine:plain"), "{}", stderr(&wrong));
}

#[test]
fn a_name_that_exists_is_an_error_and_force_gives_another() {
    need!(can_probe());
    let probed = Probed::new("twice");
    assert!(probed.ours(&["-q", "leaf"]).status.success());
    let again = probed.ours(&["leaf"]);
    assert_eq!(again.status.code(), Some(239));
    assert!(stderr(&again).contains("--force"), "{}", stderr(&again));
    let forced = probed.ours(&["-f", "leaf"]);
    assert!(stderr(&forced).contains("leaf_1"), "{}", stderr(&forced));
    assert_eq!(probed.lines().len(), 2);
    // Filters remove some and not others.
    let removed = run(["probe", "-d", &format!("{}:* & !*_1", probed.group())]);
    assert_eq!(stderr(&removed), format!("Removed event: {}:leaf\n", probed.group()));
    assert_eq!(probed.lines().len(), 1);
    let gone = run(["probe", "-d", &format!("{}:leaf", probed.group())]);
    assert_eq!(gone.status.code(), Some(254));
    // A dry run leaves nothing.
    assert!(probed.ours(&["-n", "myfunc"]).status.success());
    assert_eq!(probed.lines().len(), 1);
}

#[test]
fn what_the_kernel_refuses_leaves_nothing_behind() {
    need!(can_probe());
    let probed = Probed::new("refused");
    let refused = probed.ours(&["--add", "leaf", "--add", "myfunc %nosuch"]);
    assert_eq!(refused.status.code(), Some(234), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("%nosuch"), "{}", stderr(&refused));
    assert!(probed.lines().is_empty(), "{:?}", probed.lines());
    // Being killed at any moment leaves all of a definition or nothing.
    for pause in [0, 5, 20, 60] {
        let mut child = perfuse(["probe", "-q", "-x"]).arg(&probed.program).arg("[lm]*").spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(pause));
        let _ = child.kill();
        let _ = child.wait();
        let left = probed.lines().len();
        let whole = stdout(&probed.ours(&["-D", "[lm]*"])).lines().count();
        assert!(left == 0 || left == whole, "{left} of {whole}");
        let _ = run(["probe", "-q", "-d", &format!("{}:*", probed.group())]);
    }
}

#[test]
fn stripped_files_are_probed_by_their_debug_file_or_by_address() {
    need!(can_probe());
    need!(gate::command("objcopy"));
    let probed = Probed::new("bare");
    let place = |arguments: &[&str]| stdout(&probed.ours(arguments));
    let before = place(&["-D", "leaf"]);
    let id = perfuse_symbol::build_id_of(std::fs::File::open(&probed.program).unwrap()).unwrap().unwrap();
    let id = perfuse_symbol::build_id_text(&id);
    let home = probed.file("home");
    let cached = home.join(format!(".debug/.build-id/{}/{}", &id[..2], &id[2..]));
    std::fs::create_dir_all(&cached).unwrap();
    std::fs::copy(&probed.program, cached.join("elf")).unwrap();
    let stripped = Command::new("objcopy").args(["--strip-all"]).arg(&probed.program).status().unwrap();
    assert!(stripped.success());
    let alone = probed.ours(&["-D", "leaf"]);
    assert_eq!(alone.status.code(), Some(254));
    assert!(stderr(&alone).contains("leaf") || stderr(&alone).contains("0x"), "{}", stderr(&alone));
    let with = perfuse(["probe", "-x"]).arg(&probed.program).args(["-D", "leaf"]).env("HOME", &home).output().unwrap();
    assert_eq!(stdout(&with), before, "{}", stderr(&with));
    let address = before.trim().rsplit(':').next().unwrap();
    let by_address = place(&["-D", address]);
    assert_eq!(by_address, before.replace("/leaf ", &format!("/abs_{} ", address.trim_start_matches("0x"))));
}

#[test]
fn mistakes_have_a_caret_under_their_place() {
    for (definition, line) in [("f a=", "      \\___ "), ("f:x", "    \\___ "), ("f +8(%di", "          \\___ ")] {
        // The same mistake is one of the command line in the value of an option, as to perf.
        assert_eq!(run(["probe", "-D", definition]).status.code(), Some(129), "{definition}");
        let output = run(["probe", "-n", definition]);
        assert_eq!(output.status.code(), Some(234), "{definition}");
        assert!(stderr(&output).lines().any(|text| text.starts_with(line)), "{definition}: {}", stderr(&output));
    }
    for arguments in [&["probe"][..], &["probe", "-l", "-d", "x"], &["probe", "--bootconfig", "f"]] {
        assert_eq!(run(arguments).status.code(), Some(129), "{arguments:?}");
    }
}

#[test]
fn kernel_functions_have_their_types_without_debug_information() {
    need!(gate::readable("/sys/kernel/btf/vmlinux"));
    need!(gate::readable("/proc/kallsyms"));
    let variables = run(["probe", "-V", "tcp_sendmsg"]);
    let text = stdout(&variables);
    for line in ["\t\tsize_t\tsize\n", "\t\tstruct sock*\tsk\n"] {
        assert!(text.contains(line), "{text} {}", stderr(&variables));
    }
    let dry = run(["probe", "-nv", "tcp_sendmsg size sk->__sk_common.skc_state"]);
    assert!(dry.status.success(), "{}", stderr(&dry));
    if cfg!(target_arch = "x86_64") {
        assert!(stderr(&dry).contains("size=%dx:x64 skc_state=+18(%di):x8"), "{}", stderr(&dry));
    }
    let wrong = run(["probe", "-n", "tcp_sendmsg sice"]);
    assert_eq!(wrong.status.code(), Some(254));
    assert!(stderr(&wrong).contains("size"), "{}", stderr(&wrong));
}

#[test]
fn a_kernel_without_kprobes_says_what_was_tried() {
    need!(gate::root());
    need!(gate::exists(UPROBES));
    if Path::new("/sys/kernel/tracing/kprobe_events").exists() {
        perfuse_testkit::skip!("this kernel has kprobes");
    }
    let output = run(["probe", "--add", "tcp_sendmsg"]);
    assert_eq!(output.status.code(), Some(254));
    let text = stderr(&output);
    for part in ["kprobe_events", "fentry", "ftrace:function", "CONFIG_KPROBE_EVENTS=y"] {
        assert!(text.contains(part), "{text}");
    }
}
