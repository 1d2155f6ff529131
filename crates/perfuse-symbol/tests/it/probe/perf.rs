//! What perf says of the same questions.

use std::process::{Command, Stdio};

use perfuse_symbol::probe::VariableOptions;
use perfuse_testkit::{gate, need};

use super::{C, CPP, RUST, compile, definitions, lines, open, variables};

/// What perf prints, without the event names; `None` if it fails. One that exits well and says nothing has failed, too.
fn perf(path: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("perf").args(["probe", "-x", path]).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |line: &str| {
        let event = line.starts_with("p:") || line.starts_with("r:");
        let rest = if event { line.split_once(' ').map_or("", |(_, rest)| rest) } else { line };
        format!("{rest}\n")
    };
    let text: String = text.lines().filter(|line| !line.starts_with("Available")).map(line).collect();
    (!text.is_empty()).then_some(text)
}

const DEFINITIONS: &[&str] = &[
    "leaf n",
    "leaf o->in.a",
    "leaf o->in.d[2] o->in.name",
    "leaf o->in.name:string",
    "leaf o->u o->s2 o->text:string",
    "leaf o->color o->fn",
    "leaf:5 i sum n",
    "leaf o->in.a@user",
    "mid o.in.a@user",
    "leaf o->ptr->a@user",
    "leaf o->text:string@user",
    "leaf buf:ustring",
    "leaf:4 i",
    "leaf:6 i",
    "leaf:9",
    "leaf counter hidden",
    "leaf+4",
    "leaf%return $retval",
    "twice",
    "twice:1",
    "twice:2",
    "leaf.c:31 k",
    "leaf.c:24",
    "leaf.c:20",
    "leaf.c:10",
    "leaf;sum*",
    "leaf;snprintf*",
    "leaf.c;counter*",
    "mid o.in.a o.ptr->a argv",
    "leaf buf:string",
    "leaf buf[1] local",
    "main argc argv argv[1]:string",
    "main $vars",
    "leaf $params",
    "leaf@leaf.c n",
    "leaf@other.c n",
    "nosuch",
    "leaf nosuch",
    "l*f n",
    "leaf o.in",
    "leaf n[1]",
    "leaf n:u8 n:x n:u",
    "leaf +0(%di):u32 %ax",
    "main:3 o.in.a",
    "main:6 o.text:string",
    "m* argv",
    "leaf q=n",
    "mid argv[0]:string",
    "leaf.c:14 n",
];
const PLACES: &[&str] = &["leaf", "twice", "mid", "main", "leaf.c:20", "leaf.c:31", "leaf:4", "leaf:9", "twice:2"];
const RANGES: &[&str] =
    &["leaf", "twice", "mid", "main", "leaf.c", "main:2-4", "leaf.c:10-20", "leaf:3+2", "leaf@leaf.c"];

/// Compares all questions; those that perf cannot answer are left out, unless `strict`.
fn compare(path: &str, definitions_: &[&str], places: &[&str], ranges: &[&str], strict: bool) {
    let source = open(path);
    let mut compared = 0;
    let mut same = |what: &str, ours: Option<String>, theirs: Option<String>| {
        if theirs.is_some() || strict {
            assert_eq!(ours, theirs, "{what} of {path}");
            compared += 1;
        }
    };
    for text in definitions_ {
        same(text, definitions(&source, path, text).ok(), perf(path, &["-D", text]));
    }
    for text in places {
        same(text, variables(&source, text, VariableOptions::default()).ok(), perf(path, &["-V", text]));
        let all = VariableOptions { externs: true, ranges: true };
        let theirs = perf(path, &["--externs", "--range", "-V", text]);
        same(text, variables(&source, text, all).ok(), theirs);
    }
    for text in ranges {
        same(text, lines(&source, text).ok(), perf(path, &["-L", text]));
    }
    assert!(compared > 5, "perf answered {compared} questions only");
}

fn c(arguments: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let path = compile("cc", directory.path(), ("leaf.c", C), arguments);
    compare(&path, DEFINITIONS, PLACES, RANGES, true);
}

#[test]
fn without_optimization() {
    need!(gate::command("cc"));
    need!(gate::command("perf"));
    need!(gate::root());
    c(&["-O0", "-gdwarf-5"]);
    c(&["-O0", "-gdwarf-4", "-no-pie"]);
}

#[test]
fn with_optimization() {
    need!(gate::command("cc"));
    need!(gate::command("perf"));
    need!(gate::root());
    c(&["-O2", "-gdwarf-5"]);
    c(&["-O2", "-gdwarf-4", "-no-pie"]);
}

#[test]
fn other_languages() {
    need!(gate::command("g++"));
    need!(gate::command("rustc"));
    need!(gate::command("perf"));
    need!(gate::root());
    for level in ["-O0", "-O2"] {
        let directory = tempfile::tempdir().unwrap();
        let path = compile("g++", directory.path(), ("shape.cc", CPP), &[level, "-g"]);
        let definitions = ["measure scale", "measure this->label:string", "measure:2 sum", "shape.cc:14", "main argc"];
        compare(&path, &definitions, &["measure", "shape.cc:14"], &["measure", "main", "shape.cc:10-20"], false);
    }
    let directory = tempfile::tempdir().unwrap();
    let path = compile("rustc", directory.path(), ("point.rs", RUST), &["-g", "-O"]);
    let definitions =
        ["distance scale", "distance point->x point->y", "distance:3 sum", "point.rs:6", "distance $vars"];
    compare(&path, &definitions, &["distance", "point.rs:6"], &["distance", "point.rs:3-8"], false);
}
