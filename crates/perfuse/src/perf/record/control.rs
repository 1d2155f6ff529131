//! `--control`: whoever holds the other end of a descriptor or a fifo starts and stops the events while we record.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};

use perfuse_analyze::Msg;
use perfuse_collect::perf::record::{Recording, placement};
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::flag;
use perfuse_render::perf::attr;

use crate::perf::options::UsageError;

/// Bytes of a command at most, as in perf.
const LONGEST: usize = 1024;
/// What is sent back when a command is done; perf sends the NUL as well.
const DONE: &[u8] = b"ack\n\0";
/// The two ends.
#[derive(Debug)]
pub(crate) struct Control {
    commands: Option<File>,
    done: Option<File>,
    /// A command whose end is still to come.
    begun: Vec<u8>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// `enable`, or `enable NAME`.
    Enable(Option<String>),
    /// `disable`, or `disable NAME`.
    Disable(Option<String>),
    /// `evlist`, with its options.
    Events { verbose: bool, frequency: bool, groups: bool },
    /// `snapshot`.
    Snapshot,
    /// `stop`.
    Stop,
    /// `ping`.
    Ping,
}

impl Order {
    /// One line; `None` for what is no command. As in perf only the beginning counts.
    fn parse(line: &str) -> Option<Self> {
        let behind = |word: &str| line.strip_prefix(word).map(str::trim);
        let name = |rest: &str| (!rest.is_empty()).then(|| rest.to_owned());
        if let Some(rest) = behind("enable") {
            return Some(Self::Enable(name(rest)));
        }
        if let Some(rest) = behind("disable") {
            return Some(Self::Disable(name(rest)));
        }
        if let Some(rest) = behind("evlist") {
            let has = |letter: &str| rest.split_whitespace().any(|word| word == letter);
            return Some(Self::Events { verbose: has("-v"), frequency: has("-F"), groups: has("-g") });
        }
        let simple = [("snapshot", Self::Snapshot), ("stop", Self::Stop), ("ping", Self::Ping)];
        simple.into_iter().find(|(word, _)| line.starts_with(word)).map(|(_, order)| order)
    }
}

impl Control {
    /// `fd:COMMANDS[,ACKS]` or `fifo:COMMANDS[,ACKS]`.
    pub(crate) fn open(text: &str) -> Result<Self, UsageError> {
        let wrong = || UsageError::value("control", text, Msg::new("record-control"));
        let failed = |name: &str, error: &io::Error| {
            let message = Msg::new("record-control-open").with("name", name.to_owned());
            UsageError(message.with("errno", error.to_string()))
        };
        let (kind, names) = text.split_once(':').ok_or_else(wrong)?;
        let (commands, done) = names.split_once(',').map_or((names, None), |(one, other)| (one, Some(other)));
        let end = |name: &str| match kind {
            "fd" => {
                let number = name.parse::<i32>().ok().filter(|number| *number >= 0).ok_or_else(wrong)?;
                placement::inherited(number).map(File::from).map_err(|error| failed(name, &error))
            }
            // Opened for both ways, so that nobody has to be there on the other side yet, and that it has no end.
            "fifo" if !name.is_empty() => placement::fifo(name.as_ref()).map_err(|error| failed(name, &error)),
            _ => Err(wrong()),
        };
        Ok(Self { commands: Some(end(commands)?), done: done.map(end).transpose()?, begun: Vec::new() })
    }

    /// To be polled; `None` once the other side is gone.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.commands.as_ref().map(|file| file.as_fd())
    }

    /// The commands that have come, when the descriptor is readable.
    pub(crate) fn orders(&mut self) -> Vec<Order> {
        let Some(mut file) = self.commands.as_ref() else { return Vec::new() };
        let mut bytes = [0; LONGEST];
        match file.read(&mut bytes) {
            Ok(length @ 1..) => self.begun.extend_from_slice(&bytes[..length]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            _ => self.commands = None,
        }
        let mut orders = Vec::new();
        while let Some(end) = self.begun.iter().position(|byte| matches!(byte, b'\n' | 0)) {
            let line: Vec<u8> = self.begun.drain(..=end).collect();
            orders.extend(Order::parse(String::from_utf8_lossy(&line[..end]).trim()));
        }
        if self.begun.len() > LONGEST {
            self.begun.clear();
        }
        orders
    }

    /// Says that a command is done.
    pub(crate) fn acknowledge(&self) {
        // Whoever does not listen is not told.
        let _ = self.done.as_ref().map(|mut file| file.write_all(DONE));
    }
}

/// The events as `evlist` shows them: names, or each with its attribute (`-v`), its rate (`-F`), or by group (`-g`).
pub(super) fn listed(recording: &Recording, verbose: bool, frequency: bool, groups: bool) -> String {
    let mut text = String::new();
    for (at, event) in recording.events.iter().enumerate() {
        let members = recording.events.iter().filter(|other| other.leader == event.leader);
        let names: Vec<&str> = members.map(|member| member.name.as_str()).collect();
        if groups && names.len() > 1 {
            if event.leader == at {
                text.push_str(event.group.as_deref().unwrap_or_default());
                let _ = writeln!(text, "{{{}}}", names.join(","));
            }
            continue;
        }
        text.push_str(&event.name);
        if verbose {
            let attr = EventAttr { size: event.attr.needed_size(), ..event.attr };
            let fields = attr::fields(&attr).into_iter().map(|(name, value)| format!("{name}: {value}"));
            let _ = write!(text, ": {}", fields.collect::<Vec<_>>().join(", "));
        } else if frequency {
            let name = if event.attr.has(flag::FREQ) { "sample_freq" } else { "sample_period" };
            let _ = write!(text, ": {name}={}", event.attr.sample_period);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_by_their_beginning() {
        assert_eq!(Order::parse("enable"), Some(Order::Enable(None)));
        assert_eq!(Order::parse("disable cpu-clock"), Some(Order::Disable(Some("cpu-clock".to_owned()))));
        let events = Order::Events { verbose: true, frequency: false, groups: false };
        assert_eq!(Order::parse("evlist -v"), Some(events));
        assert_eq!((Order::parse("bogus"), Order::parse("ack"), Order::parse("")), (None, None, None));
    }

    #[test]
    fn orders_come_whole_through_a_fifo_and_are_acknowledged() {
        let directory = tempfile::tempdir().unwrap();
        let names = ["commands", "acks"].map(|name| directory.path().join(name));
        for name in &names {
            let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
            rustix::fs::mknodat(rustix::fs::CWD, name, kind, mode, 0).unwrap();
        }
        let text = format!("fifo:{},{}", names[0].display(), names[1].display());
        let mut control = Control::open(&text).unwrap();
        let mut other = File::options().read(true).write(true).open(&names[0]).unwrap();
        other.write_all(b"ping\nena").unwrap();
        assert_eq!(control.orders(), [Order::Ping]);
        other.write_all(b"ble\nbogus\nstop\n").unwrap();
        assert_eq!(control.orders(), [Order::Enable(None), Order::Stop]);
        assert!(control.orders().is_empty() && control.fd().is_some());
        control.acknowledge();
        let mut answer = [0; 5];
        File::options().read(true).write(true).open(&names[1]).unwrap().read_exact(&mut answer).unwrap();
        assert_eq!(answer, *b"ack\n\0");
    }

    #[test]
    fn what_cannot_be_opened_is_a_wrong_command_line() {
        for text in ["foo", "fd:x", "fd:-1", "fd:99999", "fifo:", "fifo:/no/such/fifo", "file:x"] {
            assert!(Control::open(text).is_err(), "{text}");
        }
    }
}
