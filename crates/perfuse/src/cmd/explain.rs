//! `perfuse explain`: the built-in handbook.

use anyhow::anyhow;
use perfuse_analyze::Msg;
use perfuse_render::handbook;

use crate::cli::ExplainArgs;
use crate::console::{self, Console};

/// Prints one entry, or the list of all.
pub(crate) fn run(args: &ExplainArgs, console: &Console) -> anyhow::Result<u8> {
    let options = handbook::Options { color: console.color, width: console.width };
    let lang = console.texts.lang();
    let query = args.what.join(" ");
    if query.is_empty() {
        console::print(&handbook::list(lang))?;
        return Ok(0);
    }
    let entry = handbook::explain(&query, lang, options).map_err(|unknown| {
        let message = if unknown.nearest.is_empty() {
            Msg::new("error-explain-nothing-near")
        } else {
            Msg::new("error-explain-unknown").with("names", unknown.nearest.join(", "))
        };
        anyhow!(console.texts.text(&message.with("what", query.as_str())))
    })?;
    console::print(&entry)?;
    Ok(0)
}
