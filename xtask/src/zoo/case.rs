//! What a case is: a victim, a mechanism, and the truth.

use anyhow::Result;
use serde_json::{Value, json};

use super::world::{Victim, World};

/// A group of cases that are of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    Cpu,
    Memory,
    Disk,
    Network,
    Limits,
    Locks,
    Services,
    Healthy,
}

impl Family {
    /// All of them, in the order of the table.
    pub(crate) const ALL: [Self; 8] =
        [Self::Cpu, Self::Memory, Self::Disk, Self::Network, Self::Limits, Self::Locks, Self::Services, Self::Healthy];

    /// Its name.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Limits => "limits",
            Self::Locks => "locks",
            Self::Services => "services",
            Self::Healthy => "healthy",
        }
    }

    /// By its name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.id() == name)
    }
}

/// One case.
pub(crate) struct Case {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it belongs to.
    pub(crate) family: Family,
    /// What is injected, in words.
    pub(crate) what: &'static str,
    /// Starts the victim.
    pub(crate) stage: fn(&mut World, &mut Knob) -> Result<Staged>,
}

/// How hard, and with which numbers.
#[derive(Debug, Clone)]
pub(crate) struct Knob {
    /// 1 is mild, 3 is severe.
    pub(crate) intensity: u32,
    state: u64,
}

impl Knob {
    /// The same seed and intensity give the same numbers.
    pub(crate) fn new(seed: u64, intensity: u32) -> Self {
        Self { intensity, state: (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// One of three by the intensity.
    pub(crate) fn by<T: Copy>(&self, mild: T, medium: T, severe: T) -> T {
        match self.intensity {
            1 => mild,
            2 => medium,
            _ => severe,
        }
    }

    /// A number around `usual`: up to a fifth less or more, by the seed.
    pub(crate) fn around(&mut self, usual: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let fifth = usual / 5;
        usual - fifth + self.state % (2 * fifth + 1)
    }
}

/// A victim that fares well, and what is to be done to it.
pub(crate) struct Staged {
    /// The victim.
    pub(crate) victim: Victim,
    /// Injects the fault; what is true from then on.
    pub(crate) inject: Inject,
}

/// Code that injects a fault.
pub(crate) type Inject = Box<dyn FnOnce(&mut World) -> Result<Truth>>;

impl Staged {
    /// With the code that injects the fault.
    #[expect(clippy::unnecessary_wraps, reason = "the last word of every stage, all of which may fail before")]
    pub(crate) fn new(victim: Victim, inject: impl FnOnce(&mut World) -> Result<Truth> + 'static) -> Result<Self> {
        Ok(Self { victim, inject: Box::new(inject) })
    }
}

/// Who may be named as the culprit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Who {
    /// A process, by any of its threads.
    Pid(u32),
    /// A cgroup, by its path.
    Cgroup(String),
    /// A block device.
    Device(String),
    /// A mount point.
    Mount(String),
    /// An interface, or its queueing discipline.
    Interface(String),
    /// An address or the port of a listener: the name contains it.
    Address(String),
    /// Something of the kernel, by name.
    Kernel(String),
}

/// What is true of a case.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Truth {
    /// Resource and kind, as in `cpu.saturation`, or a control, as in `control.cpu-quota`. Any of them is right; none means
    /// that nothing is wrong.
    pub(crate) accepted: Vec<&'static str>,
    /// Any of them is right.
    pub(crate) culprits: Vec<Who>,
}

impl Truth {
    /// Nothing is wrong.
    pub(crate) fn healthy() -> Self {
        Self::default()
    }

    /// With what may be said and who may be named.
    pub(crate) fn new(accepted: &[&'static str], culprits: Vec<Who>) -> Self {
        Self { accepted: accepted.to_vec(), culprits }
    }

    /// As it is kept.
    pub(crate) fn told(self) -> Told {
        Told { accepted: self.accepted.into_iter().map(str::to_owned).collect(), culprits: self.culprits }
    }
}

/// The truth as it stands beside a recording.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Told {
    /// As in [`Truth::accepted`].
    pub(crate) accepted: Vec<String>,
    /// As in [`Truth::culprits`].
    pub(crate) culprits: Vec<Who>,
}

impl Told {
    /// As it stands in a file.
    pub(crate) fn to_json(&self) -> Value {
        let culprit = |who: &Who| match who {
            Who::Pid(pid) => json!({ "pid": pid }),
            Who::Cgroup(path) => json!({ "cgroup": path }),
            Who::Device(name) => json!({ "device": name }),
            Who::Mount(path) => json!({ "mount": path }),
            Who::Interface(name) => json!({ "interface": name }),
            Who::Address(text) => json!({ "address": text }),
            Who::Kernel(name) => json!({ "kernel": name }),
        };
        json!({ "accepted": self.accepted, "culprits": self.culprits.iter().map(culprit).collect::<Vec<_>>() })
    }

    /// Reads what [`Self::to_json`] wrote.
    pub(crate) fn parse(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let culprit = |one: &Value| {
            let (kind, value) = one.as_object()?.iter().next()?;
            Some(match kind.as_str() {
                "pid" => Who::Pid(u32::try_from(value.as_u64()?).ok()?),
                "cgroup" => Who::Cgroup(text(value)),
                "device" => Who::Device(text(value)),
                "mount" => Who::Mount(text(value)),
                "interface" => Who::Interface(text(value)),
                "address" => Who::Address(text(value)),
                "kernel" => Who::Kernel(text(value)),
                _ => return None,
            })
        };
        let list = |name: &str| value[name].as_array().into_iter().flatten();
        Self {
            accepted: list("accepted").map(text).collect(),
            culprits: list("culprits").filter_map(culprit).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_truth_survives_being_written_and_read() {
        let culprits = vec![Who::Pid(7), Who::Cgroup("/a".to_owned()), Who::Address("10.0.0.1".to_owned())];
        let truth = Truth::new(&["cpu.saturation", "control.cpu-quota"], culprits);
        let told = truth.told();
        assert_eq!(told.accepted, ["cpu.saturation", "control.cpu-quota"]);
        assert_eq!(Told::parse(&told.to_json()), told);
        assert_eq!(Truth::healthy().told(), Told::default());
    }

    #[test]
    fn a_seed_gives_the_same_numbers_again() {
        let numbers = |seed| {
            let mut knob = Knob::new(seed, 2);
            (0..20).map(|_| knob.around(100)).collect::<Vec<_>>()
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
        assert!(numbers(3).iter().all(|number| (80..=120).contains(number)));
    }
}
