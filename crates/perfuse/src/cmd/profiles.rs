//! Profiles from files: recordings of perf, and folded stacks.

use anyhow::{Context as _, anyhow, bail};
use perfuse_analyze::flame::Selection;
use perfuse_analyze::profile::{Profile, WeightUnit};
use perfuse_analyze::{Msg, folded};
use perfuse_render::export::ProfileInfo;

use crate::cli::{ProfileArgs, nearest};
use crate::console::Console;
use crate::perf::recorded::Input;

mod perfdata;
pub(crate) mod recording;

/// Name of the event of folded stacks.
const SAMPLES: &str = "samples";

/// What a `perf.data` begins with, in both byte orders and in the form before 2009.
const MAGIC: [&[u8]; 3] = [b"PERFILE2", b"2ELIFREP", b"PERFFILE"];

/// A profile, and what it says of itself.
pub(crate) struct Loaded {
    pub(crate) profile: Profile,
    pub(crate) info: ProfileInfo,
}

/// Reads a file, `-`, or without a name `perf.data`. With `details` frames have addresses and source lines. Only what the
/// arguments select is left.
pub(crate) fn load(name: Option<&str>, args: &ProfileArgs, details: bool, console: &Console) -> anyhow::Result<Loaded> {
    let input = Input::open(name)?;
    let bytes = input.bytes();
    let mut loaded = if MAGIC.iter().any(|magic| bytes.starts_with(magic)) {
        perfdata::load(&input, args, details, console)?
    } else {
        if args.off_cpu.is_some() {
            bail!("{}: {}", input.name, console.texts.word("error-off-cpu-folded"));
        }
        let profile = folded::parse(bytes, SAMPLES, WeightUnit::Count).with_context(|| {
            let message = Msg::new("error-no-profile").with("file", input.name.as_str());
            console.texts.text(&message)
        })?;
        Loaded { profile, info: ProfileInfo { title: input.name.clone(), started: None } }
    };
    let profile = &mut loaded.profile;
    if profile.samples.is_empty() {
        bail!("{}", console.texts.text(&Msg::new("error-no-samples").with("file", input.name.as_str())));
    }
    let selection = Selection { comms: args.comm.clone(), pids: args.pid.clone(), tids: args.tid.clone() };
    selection.apply(profile);
    if profile.samples.is_empty() {
        bail!("{}", console.texts.text(&Msg::new("error-nothing-selected").with("file", input.name.as_str())));
    }
    if let Some(name) = &args.event {
        let event = event(profile, name, console)?;
        profile.samples.retain(|sample| sample.event == event);
    }
    Ok(loaded)
}

/// The event of a name; `:modifiers` may be left out.
pub(crate) fn event(profile: &Profile, name: &str, console: &Console) -> anyhow::Result<u32> {
    let names = || profile.events.iter().map(|event| event.name.as_str());
    let bare = |known: &str| known.rsplit_once(':').map(|(bare, _)| bare.to_owned());
    let found = names().position(|known| known == name);
    let found = found.or_else(|| names().position(|known| bare(known).as_deref() == Some(name)));
    found.and_then(|found| u32::try_from(found).ok()).ok_or_else(|| {
        let near = nearest(name, names()).join(", ");
        anyhow!(console.texts.text(&Msg::new("error-no-event").with("event", name).with("names", near)))
    })
}

/// The event that is drawn where none was asked for: the first that has samples. If others have samples too, that is said.
pub(crate) fn first_event(profile: &Profile, console: &Console) -> u32 {
    let mut present: Vec<u32> = profile.samples.iter().map(|sample| sample.event).collect();
    present.sort_unstable();
    present.dedup();
    let name = |event: &u32| profile.events.get(*event as usize).map_or("", |event| event.name.as_str());
    if let [first, others @ ..] = present.as_slice()
        && !others.is_empty()
    {
        let names: Vec<&str> = others.iter().map(name).collect();
        console.note(&Msg::new("note-one-event").with("event", name(first)).with("names", names.join(", ")));
    }
    present.first().copied().unwrap_or(0)
}
