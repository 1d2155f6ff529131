//! Places, lines and variables against real perf, on small programs of three languages.

mod perf;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use perfuse_format::probe::{Definition, LineRange};
use perfuse_symbol::probe::{DwarfProblem, FoundProbe, MOST_PLACES, PlaceOptions, Source, VariableOptions};
use perfuse_symbol::{HostFiles, SymbolOptions};
use perfuse_testkit::{gate, need};

const C: &str = include_str!("leaf.c");
const CPP: &str = include_str!("shape.cc");
const RUST: &str = include_str!("point.rs");

fn compile(compiler: &str, directory: &Path, source: (&str, &str), arguments: &[&str]) -> String {
    let (file, binary) = (directory.join(source.0), directory.join("binary"));
    std::fs::write(&file, source.1).unwrap();
    let status = Command::new(compiler).args(arguments).arg("-o").arg(&binary).arg(&file).status().unwrap();
    assert!(status.success(), "{compiler} {arguments:?}");
    binary.to_string_lossy().into_owned()
}

fn open(path: &str) -> Source {
    Source::open(&HostFiles("/".into()), path, &SymbolOptions::default()).unwrap()
}

fn read(path: &str, directory: Option<&str>) -> Option<Vec<u8>> {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", directory?) };
    std::fs::read(path).ok()
}

fn options() -> PlaceOptions<'static> {
    PlaceOptions { user: true, inlines: true, most: MOST_PLACES, source: &read }
}

fn probes(source: &Source, text: &str) -> Result<Vec<FoundProbe>, DwarfProblem> {
    let definition = Definition::parse(text).unwrap();
    source.probes(&definition.place, &definition.arguments, &options())
}

/// Each probe as `PATH:0xOFFSET ARGUMENT...`, as in the file `uprobe_events`.
fn definitions(source: &Source, path: &str, text: &str) -> Result<String, DwarfProblem> {
    let mut out = String::new();
    for found in probes(source, text)? {
        let _ = write!(out, "{path}:{:#x}", found.point.file_offset.unwrap());
        for argument in &found.arguments {
            let _ = write!(out, " {argument}");
        }
        out.push('\n');
    }
    Ok(out)
}

/// The variables as `perf probe -V` shows them.
fn variables(source: &Source, text: &str, wanted: VariableOptions) -> Result<String, DwarfProblem> {
    let definition = Definition::parse_place(text).unwrap();
    let mut out = String::new();
    for found in source.variables(&definition.place, wanted, &options())? {
        let _ = writeln!(out, "\t@<{}+{}>", found.point.symbol, found.point.offset);
        for variable in &found.variables {
            let _ = writeln!(out, "\t\t{variable}");
        }
    }
    Ok(out)
}

fn lines(source: &Source, text: &str) -> Result<String, DwarfProblem> {
    let listing = source.lines(&LineRange::parse(text).unwrap())?;
    let place = listing.places(None).remove(0);
    Ok(listing.text(&place, &std::fs::read(&place).unwrap()))
}

#[test]
fn members_and_bits_are_where_the_program_has_them() {
    need!(gate::command("cc"));
    for dwarf in ["-gdwarf-4", "-gdwarf-5"] {
        let directory = tempfile::tempdir().unwrap();
        let path = compile("cc", directory.path(), ("leaf.c", C), &["-O2", dwarf]);
        let source = open(&path);
        let fetched = |text: &str| {
            let found = probes(&source, text).unwrap();
            found[0].arguments.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        // From the low end, as the kernel counts; perf passes the number of DWARF 4 on, which is from the high end, and
        // cannot read DWARF 5.
        assert_eq!(fetched("leaf o->in.b o->in.c"), "b=+4(%di):b3@0/32 c=+4(%di):b7@3/32");
        assert_eq!(fetched("leaf o->u o->s2 o->in.d[2]"), "u=+64(%di):s32 s2=+70(%di):s16 d=+24(%di):s64");
        assert_eq!(fetched("leaf o->text:string"), "text=+0(+72(%di)):string");
        assert_eq!(fetched("leaf n@user o->in.a@user"), "n=%si:s32 a=+u0(%di):s32");
        // A constant of eight bytes, of which perf makes a number of its stack.
        assert_eq!(fetched("mid x:x64"), format!("x_x64=\\{}:x64", 1.5_f64.to_bits()));
    }
}

#[test]
fn what_cannot_be_fetched_has_its_reason() {
    need!(gate::command("cc"));
    let directory = tempfile::tempdir().unwrap();
    let path = compile("cc", directory.path(), ("leaf.c", C), &["-O2", "-g"]);
    let source = open(&path);
    let problem = |text: &str| probes(&source, text).unwrap_err();
    assert_eq!(problem("nosuch"), DwarfProblem::NotFound);
    assert!(matches!(problem("leaf nosuch"), DwarfProblem::NoLocation { .. } | DwarfProblem::NoVariable { .. }));
    let DwarfProblem::NoMember { kind, nearest, .. } = problem("leaf o->txt") else { panic!() };
    assert_eq!((kind.as_str(), nearest.as_deref()), ("outer", Some("text")));
    assert!(matches!(problem("leaf o.text"), DwarfProblem::NeedsArrow { .. }));
    assert!(matches!(problem("leaf o->in->a"), DwarfProblem::NeedsDot { .. }));
    assert!(matches!(problem("leaf n.x"), DwarfProblem::NotStructure { .. }));
    assert!(matches!(problem("leaf n[1]"), DwarfProblem::NotArray { .. }));
    assert!(matches!(problem("leaf n:string"), DwarfProblem::NotText { .. }));
    assert!(matches!(problem("leaf+5000"), DwarfProblem::OutsideFunction { .. }));
    assert!(matches!(problem("twice%return"), DwarfProblem::InlinedReturn { .. }));
    // Where it is told by an expression, there is no register or memory that has the value.
    assert!(matches!(problem("twice x"), DwarfProblem::Unfetchable { .. }));
    let few = PlaceOptions { most: 1, ..options() };
    let place = Definition::parse("twice").unwrap().place;
    assert_eq!(source.points(&place, &few), Err(DwarfProblem::TooMany { most: 1 }));
    let none = PlaceOptions { source: &|_, _| None, ..options() };
    let place = Definition::parse("leaf;sum*").unwrap().place;
    assert!(matches!(source.points(&place, &none), Err(DwarfProblem::NoSource { .. })));
}

#[test]
fn a_name_that_linkers_store_as_the_end_of_another_is_found_in_every_unit() {
    need!(gate::command("cc"));
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    };
    // More endings than are searched for one after the other, and the name itself in some of the units.
    let other = |n| format!("__attribute__((noipa)) int n{n}_release(int x) {{ return x; }}\n");
    let others = (0..40).map(other).collect::<Vec<_>>().concat();
    let own = "__attribute__((noipa)) static int release(int x) { return x + 1; }\n";
    let units = [
        file("others.c", &others),
        file("first.c", &format!("{own}int first(int x) {{ return release(x); }}\n")),
        file("only_calls.c", "int first(int); int calls(int release) { return first(release); }\n"),
        file("second.c", &format!("{own}int second(int x) {{ return release(x); }}\n")),
    ];
    let main = "int calls(int), second(int); int main(int c, char **v) { return calls(c) + second(c); }\n";
    let mut arguments = vec!["-O1", "-g"];
    arguments.extend(units.iter().map(String::as_str));
    let path = compile("cc", directory.path(), ("main.c", main), &arguments);
    let linked = std::fs::read(&path).unwrap();
    let stands = |text: &[u8]| linked.windows(text.len()).any(|window| window == text);
    assert!(stands(b"_release\0") && !stands(b"\0release\0"), "the linker does not store ends of names as such");
    let place = Definition::parse("release").unwrap().place;
    let points = open(&path).points(&place, &options()).unwrap();
    assert_eq!(points.len(), 2, "{points:?}");
}

#[test]
fn an_address_is_described() {
    need!(gate::command("cc"));
    let directory = tempfile::tempdir().unwrap();
    let path = compile("cc", directory.path(), ("leaf.c", C), &["-O0", "-g"]);
    let source = open(&path);
    for (text, function, line) in [("leaf", "leaf", 0), ("leaf:9", "leaf", 9), ("main:3", "main", 3)] {
        let point = source.points(&Definition::parse(text).unwrap().place, &options()).unwrap().remove(0);
        let described = source.describe(point.address).unwrap();
        assert_eq!((described.function.as_deref(), described.line), (Some(function), Some(line)), "{text}");
        assert!(described.file.unwrap().ends_with("leaf.c"));
    }
    assert_eq!(source.describe(u64::MAX), None);
}

#[test]
fn debug_information_may_be_in_another_file_and_compressed() {
    need!(gate::command("cc"));
    need!(gate::command("objcopy"));
    let directory = tempfile::tempdir().unwrap();
    let path = compile("cc", directory.path(), ("leaf.c", C), &["-O2", "-g", "-gz=zlib"]);
    let whole = definitions(&open(&path), &path, "leaf o->in.a n").unwrap();
    let debug = format!("{path}.debug");
    let run = |arguments: &[&str]| assert!(Command::new("objcopy").args(arguments).status().unwrap().success());
    run(&["--only-keep-debug", &path, &debug]);
    run(&["--strip-debug", &format!("--add-gnu-debuglink={debug}"), &path]);
    let source = open(&path);
    assert_eq!(source.path(), debug);
    assert_eq!(definitions(&source, &path, "leaf o->in.a n").unwrap(), whole);
    std::fs::remove_file(&debug).unwrap();
    let error = Source::open(&HostFiles("/".into()), &path, &SymbolOptions::default()).unwrap_err();
    assert!(error.to_string().contains("no debug information"), "{error}");
}

#[test]
fn methods_and_base_classes_of_cpp() {
    need!(gate::command("g++"));
    let directory = tempfile::tempdir().unwrap();
    let path = compile("g++", directory.path(), ("shape.cc", CPP), &["-O2", "-g"]);
    let source = open(&path);
    let found = probes(&source, "measure this->id this->label:string scale").unwrap();
    assert_eq!(found.len(), 1);
    let arguments: Vec<String> = found[0].arguments.iter().map(ToString::to_string).collect();
    assert_eq!(arguments, ["id=+8(%di):s32", "label=+0(+24(%di)):string", "scale=%si:s32"]);
    let mangled = source.points(&Definition::parse("_ZNK5outer5Shape7measureEi").unwrap().place, &options());
    assert_eq!(mangled.unwrap()[0].address, found[0].point.address);
}

#[test]
fn functions_of_rust() {
    need!(gate::command("rustc"));
    let directory = tempfile::tempdir().unwrap();
    let path = compile("rustc", directory.path(), ("point.rs", RUST), &["-g"]);
    let source = open(&path);
    let found = probes(&source, "distance scale point->y").unwrap();
    assert_eq!(found.len(), 1);
    let [scale, y] = [0, 1].map(|index| found[0].arguments[index].to_string());
    assert!(scale.starts_with("scale=") && scale.ends_with("):x32"), "{scale}");
    // Through the reference, which is on the stack itself.
    assert!(y.starts_with("y=+") && y.ends_with(")):x64"), "{y}");
    let shown = lines(&source, "distance").unwrap();
    assert!(shown.contains("      0  pub fn distance"), "{shown}");
}
