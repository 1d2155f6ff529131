//! `perfuse cheatsheet`: the perf one-liners, from cheap to dear.

use perfuse_render::cheatsheet;

use crate::cli::CheatsheetArgs;
use crate::cmd::usehost::write_file;
use crate::console::{self, Console};

/// Prints the one-liners, or writes them as a page.
pub(crate) fn run(args: &CheatsheetArgs, console: &Console) -> anyhow::Result<u8> {
    let lang = console.texts.lang();
    match &args.html {
        Some(file) => write_file(file, cheatsheet::html(lang).as_bytes())?,
        None => console::print(&cheatsheet::text(lang, console.color, console.width))?,
    }
    Ok(0)
}
