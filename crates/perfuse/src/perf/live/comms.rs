//! Names of threads, as far as they are asked for.

use std::collections::BTreeMap;

use perfuse_format::live::Hit;

/// Most names that are kept: threads that come and go would fill memory.
const MOST: usize = 16_384;

/// Names by thread.
#[derive(Debug, Default)]
pub(super) struct Comms {
    names: BTreeMap<i32, String>,
    users: BTreeMap<i32, u32>,
}

impl Comms {
    /// Learns from what the ring tells.
    pub(super) fn learn(&mut self, hit: &Hit<'_>) {
        match hit {
            Hit::Comm { tid, name } => {
                self.put(*tid, String::from_utf8_lossy(name).into_owned());
            }
            Hit::Fork { tid, parent } => {
                // A new thread has the name of its parent, and its number may have been another's.
                match self.names.get(parent).cloned() {
                    Some(name) => self.put(*tid, name),
                    None => _ = self.names.remove(tid),
                }
            }
            _ => {}
        }
    }

    fn put(&mut self, tid: i32, name: String) {
        if self.names.len() >= MOST {
            self.names.clear();
        }
        self.names.insert(tid, name);
    }

    /// The name of a thread, from `/proc` where it is not known; its number where it is gone.
    pub(super) fn name(&mut self, tid: i32) -> &str {
        if !self.names.contains_key(&tid) {
            let name = match std::fs::read(format!("/proc/{tid}/comm")) {
                Ok(bytes) => String::from_utf8_lossy(bytes.trim_ascii_end()).into_owned(),
                // The idle threads have no entry.
                Err(_) if tid == 0 => "swapper".to_owned(),
                Err(_) => format!(":{tid}"),
            };
            self.put(tid, name);
        }
        self.names.get(&tid).map_or("", String::as_str)
    }

    /// The user of a process; 0 where it is gone.
    pub(super) fn user(&mut self, pid: i32) -> u32 {
        use std::os::unix::fs::MetadataExt as _;
        if self.users.len() >= MOST {
            self.users.clear();
        }
        *self
            .users
            .entry(pid)
            .or_insert_with(|| std::fs::metadata(format!("/proc/{pid}")).map_or(0, |about| about.uid()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_ring_and_else_from_proc() {
        let mut comms = Comms::default();
        comms.learn(&Hit::Comm { tid: 7, name: b"one" });
        comms.learn(&Hit::Fork { tid: 8, parent: 7 });
        comms.learn(&Hit::Comm { tid: 7, name: b"two" });
        assert_eq!((comms.name(7).to_owned(), comms.name(8)), ("two".to_owned(), "one"));
        assert_eq!(comms.name(0), "swapper");
        assert_eq!(comms.name(i32::MAX), ":2147483647");
        assert!(!comms.name(std::process::id().cast_signed()).is_empty());
    }
}
