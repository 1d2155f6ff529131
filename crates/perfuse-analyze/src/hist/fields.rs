//! Fields of tracepoints as sort keys: `next_pid`, `sched:sched_switch.prev_comm`, `%1.ret/raw`, `trace_fields`.
//!
//! As in perf 6.1 entries differ in the bytes of the field, while what is shown is the field's word in the event's text
//! (`prev_state=R+` shows `R+`), or the plain value where the text has none.

use std::collections::BTreeMap;

use perfuse_format::tracefs::{EventFormat, Field, Layout, Shape};

use super::intern::Strings;

/// An event of the recording, as far as its fields go.
#[derive(Debug, Clone, Default)]
pub struct TraceEvent {
    /// `sched:sched_switch`.
    pub name: String,
    /// Its fields; `None` of what is no tracepoint.
    pub format: Option<EventFormat>,
    /// How its records are laid out.
    pub layout: Layout,
}

/// A field that lines differ in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceField {
    /// Index of its event.
    pub event: usize,
    /// Where it lies.
    pub field: Field,
    /// How records of its event are laid out.
    pub layout: Layout,
    /// Whether the plain value is shown, not the word of the event's text.
    pub raw: bool,
    /// Width of the widest word of the text that was seen, in bytes.
    pub widest: usize,
}

impl TraceField {
    fn new(event: usize, layout: Layout, field: &Field, raw: bool) -> Self {
        Self { event, field: field.clone(), layout, raw, widest: 0 }
    }

    /// Width of its column, in bytes.
    pub fn width(&self) -> usize {
        // Room for hexadecimal digits with their prefix.
        let size = if self.is_text() { self.field.size } else { self.field.size.saturating_mul(2).saturating_add(2) };
        self.widest.max(self.field.name.len()).max(size.min(1 << 10))
    }

    /// Whether libtraceevent takes it for a string: arrays and what lies at the end of the record.
    fn is_text(&self) -> bool {
        let elsewhere = matches!(self.field.shape, Shape::DataLoc | Shape::RelLoc);
        self.field.is_text() || elsewhere && self.field.type_name.contains("char")
    }

    /// The word of the event's text, if it has one.
    fn word<'t>(&self, text: &'t str) -> Option<&'t str> {
        let found = text.split(' ').find(|word| word.starts_with(&self.field.name))?;
        Some(found.get(self.field.name.len() + 1..).unwrap_or(""))
    }
}

/// What `name` means besides the keys that every event has; `None` if nothing.
pub(super) fn find(events: &[TraceEvent], name: &str, all_raw: bool) -> Option<Vec<TraceField>> {
    let (event_name, rest) = match name.split_once('.') {
        Some((event, rest)) => (Some(event), rest),
        None => (None, name),
    };
    let (field_name, raw) = match rest.split_once('/') {
        Some((field, "raw")) => (field, true),
        Some(_) => return None,
        None => (rest, all_raw),
    };
    let formats = || {
        let all = events.iter().enumerate();
        all.filter_map(|(index, event)| Some((index, event.layout, event.format.as_ref()?)))
    };
    let own = |(index, layout, format): (usize, Layout, &EventFormat)| {
        format.fields.iter().map(|field| TraceField::new(index, layout, field, raw)).collect::<Vec<_>>()
    };
    let found: Vec<TraceField> = match event_name {
        _ if field_name == "trace_fields" => formats().flat_map(own).collect(),
        None => formats()
            .filter_map(|(index, layout, format)| Some(TraceField::new(index, layout, format.field(field_name)?, raw)))
            .collect(),
        Some(wanted) => {
            let index = find_event(events, wanted)?;
            let (_, layout, format) = formats().find(|(other, ..)| *other == index)?;
            match field_name {
                "*" => own((index, layout, format)),
                _ => vec![TraceField::new(index, layout, format.field(field_name)?, raw)],
            }
        }
    };
    Some(found).filter(|found| !found.is_empty())
}

/// The event of `%1` (the first), of a whole name, or of a part of a name that only one has.
fn find_event(events: &[TraceEvent], wanted: &str) -> Option<usize> {
    if let Some(number) = wanted.strip_prefix('%') {
        let number: usize = number.parse().ok()?;
        return Some(number.saturating_sub(1)).filter(|&index| index < events.len());
    }
    if wanted.contains(':') {
        return events.iter().position(|event| event.name == wanted);
    }
    let mut found = events.iter().enumerate().filter(|(_, event)| event.name.contains(wanted));
    let (index, _) = found.next()?;
    found.next().is_none().then_some(index)
}

/// Values that were seen: those of equal bytes have equal numbers.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By field.
    values: Vec<BTreeMap<Vec<u8>, u64>>,
}

impl Seen {
    /// The value of a field that was seen before.
    pub(super) fn get(&self, field: usize, bytes: &[u8]) -> Option<u64> {
        self.values.get(field)?.get(bytes).copied()
    }

    /// Takes note of a value: the text that tells it from others in the upper half, the one that is shown in the lower.
    pub(super) fn insert(
        &mut self,
        at: usize,
        field: &mut TraceField,
        record: &[u8],
        text: &str,
        strings: &mut Strings,
    ) -> u64 {
        let bytes = field.field.bytes(field.layout, record);
        // A letter for each byte: in the order of the bytes.
        let identity: String = bytes.iter().map(|&byte| char::from(byte)).collect();
        let word = if field.raw { None } else { field.word(text) };
        let shown = if let Some(word) = word {
            field.widest = field.widest.max(word.len());
            word.to_owned()
        } else {
            let mut plain = Vec::new();
            field.field.print(field.layout, record, &mut plain);
            String::from_utf8_lossy(&plain).into_owned()
        };
        if matches!(field.field.shape, Shape::DataLoc | Shape::RelLoc) {
            field.widest = field.widest.max(bytes.len());
        }
        let value = u64::from(strings.id(&identity)) << 32 | u64::from(strings.id(&shown));
        if self.values.len() <= at {
            self.values.resize_with(at + 1, BTreeMap::new);
        }
        self.values[at].insert(bytes.to_vec(), value);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, fields: &str) -> TraceEvent {
        let text = format!("name: x\nID: 1\nformat:\n{fields}\nprint fmt: \"\"\n");
        let format = EventFormat::parse("sched", text.as_bytes()).ok();
        TraceEvent { name: name.to_owned(), format, layout: Layout::default() }
    }

    fn events() -> Vec<TraceEvent> {
        let field = |name: &str, at: u8| format!("\tfield:int {name};\toffset:{at};\tsize:4;\tsigned:1;\n");
        let (pid, prio) = (field("pid", 8), field("prio", 12));
        vec![
            event("sched:sched_switch", &format!("{pid}{prio}")),
            TraceEvent { name: "cycles".to_owned(), ..TraceEvent::default() },
            event("sched:sched_wakeup", &pid),
        ]
    }

    #[test]
    fn fields_are_found_in_one_event_or_in_all() {
        let events = events();
        let found = |name: &str| {
            let found = find(&events, name, false)?;
            Some(
                found.iter().map(|field| format!("{}.{}", field.event, field.field.name)).collect::<Vec<_>>().join(" "),
            )
        };
        assert_eq!(found("pid").as_deref(), Some("0.pid 2.pid"));
        assert_eq!(found("sched:sched_switch.prio").as_deref(), Some("0.prio"));
        assert_eq!(found("wakeup.*").as_deref(), Some("2.pid"));
        assert_eq!(found("%1.pid").as_deref(), Some("0.pid"));
        assert_eq!(found("trace_fields").as_deref(), Some("0.pid 0.prio 2.pid"));
        for none in ["nosuch", "sched.pid", "cycles.pid", "%9.pid", "pid/hex", "sched_switch.nosuch", ""] {
            assert_eq!(found(none), None, "{none}");
        }
        assert!(find(&events, "pid/raw", false).unwrap().iter().all(|field| field.raw));
    }

    #[test]
    fn the_word_of_the_text_is_shown_or_else_the_value() {
        let mut field = find(&events(), "sched_switch.pid", false).unwrap().remove(0);
        assert_eq!(field.width(), 10);
        let (mut seen, mut strings) = (Seen::default(), Strings::default());
        let record = [0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0];
        let value = seen.insert(0, &mut field, &record, "pid=seven prio=1", &mut strings);
        let shown = |value: u64, strings: &Strings| strings.get(u32::try_from(value & 0xffff_ffff).unwrap()).to_owned();
        assert_eq!((shown(value, &strings).as_str(), field.widest), ("seven", 5));
        assert_eq!(seen.get(0, &[7, 0, 0, 0]), Some(value));
        let other = seen.insert(1, &mut field, &record, "no such word", &mut strings);
        assert_eq!((shown(other, &strings).as_str(), other >> 32), ("7", value >> 32));
    }
}
