//! `perfuse export`: a profile in the form of another program.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::bail;
use flate2::Compression;
use flate2::write::GzEncoder;
use perfuse_analyze::Msg;
use perfuse_analyze::flame::{FlameGraph, Options, count_samples};
use perfuse_render::export;

use crate::cli::{ExportArgs, Format};
use crate::cmd::profiles::{self, Loaded};
use crate::cmd::usehost::write_file;
use crate::console::Console;

/// Reads, converts and writes.
pub(crate) fn run(args: &ExportArgs, console: &Console) -> anyhow::Result<u8> {
    let output = args.output.as_deref().unwrap_or(Path::new("-"));
    let to_stdout = output == Path::new("-");
    if to_stdout && args.to == Format::Pprof && std::io::stdout().is_terminal() {
        bail!("{}", console.texts.text(&Msg::new("error-binary-to-terminal").with("option", "-o profile.pb.gz")));
    }
    let details = args.to != Format::Folded;
    let loaded = profiles::load(args.file.as_deref().or(args.input.as_deref()), &args.profile, details, console)?;
    let mut bytes = convert(args, loaded, console)?;
    // The viewers open gzipped JSON as it is; what pprof reads is gzipped already.
    if output.extension().is_some_and(|end| end == "gz") && args.to != Format::Pprof {
        let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
        zipped.write_all(&bytes)?;
        bytes = zipped.finish()?;
    }
    if to_stdout {
        let mut out = std::io::stdout().lock();
        out.write_all(&bytes)?;
        out.flush()?;
    } else {
        write_file(output, &bytes)?;
    }
    Ok(0)
}

fn convert(args: &ExportArgs, loaded: Loaded, console: &Console) -> anyhow::Result<Vec<u8>> {
    let Loaded { mut profile, info } = loaded;
    Ok(match args.to {
        Format::Folded => {
            let event = profiles::first_event(&profile, console);
            if !args.weights && args.profile.off_cpu.is_none() && !is_folded(&profile) {
                count_samples(&mut profile);
            }
            let options = Options { base: args.base.into(), reverse: false, inlined: !args.profile.no_inline };
            export::folded::render(&FlameGraph::build(&profile, event, options), args.annotate).into_bytes()
        }
        Format::Pprof => export::pprof::render(&profile, &info)?,
        Format::Firefox => export::firefox::render(&profile, &info)?,
        Format::Speedscope => export::speedscope::render(&profile, &info)?,
        Format::Json => export::profile_json::render(&profile, &info)?,
    })
}

/// Of folded stacks the weights are the numbers of samples already.
fn is_folded(profile: &perfuse_analyze::profile::Profile) -> bool {
    profile.threads().iter().all(|thread| thread.comm.is_empty() && thread.tid == 0)
}
