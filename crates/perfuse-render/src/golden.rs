//! Golden files: `PERFUSE_BLESS=1` writes them, otherwise they are compared.

use std::fs;
use std::path::Path;

/// Compares `actual` with `golden/<name>`.
pub(crate) fn check(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    if std::env::var_os("PERFUSE_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if expected == actual {
        return;
    }
    let line = expected.lines().zip(actual.lines()).position(|(left, right)| left != right);
    let at = line.unwrap_or_else(|| expected.lines().count().min(actual.lines().count()));
    panic!(
        "{name} differs from line {}:\n  golden: {:?}\n  actual: {:?}\nPERFUSE_BLESS=1 takes the actual one",
        at + 1,
        expected.lines().nth(at).unwrap_or("(no line)"),
        actual.lines().nth(at).unwrap_or("(no line)"),
    );
}
