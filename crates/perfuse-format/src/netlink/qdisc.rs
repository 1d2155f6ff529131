//! `@netlink/qdisc` and `@netlink/class`: queueing disciplines and their classes (`RTM_GETQDISC`, `RTM_GETTCLASS`;
//! `include/uapi/linux/{pkt_sched,gen_stats}.h`).

use super::{attribute, attributes, messages, string, u32_at, u64_at};
use crate::parse::{FromBytes, ParseError};

/// `RTM_NEWQDISC`.
pub const NEW_QDISC: u16 = 36;
/// `RTM_GETQDISC`.
pub const GET_QDISC: u16 = 38;
/// `RTM_NEWTCLASS`.
pub const NEW_CLASS: u16 = 40;
/// `RTM_GETTCLASS`.
pub const GET_CLASS: u16 = 42;
/// Parent of a root queueing discipline.
pub const ROOT: u32 = 0xffff_ffff;
const FIXED: usize = 20;

/// One queueing discipline, or one class of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Qdisc {
    /// Index of the interface.
    pub interface: u32,
    /// Major number in the upper 16 bits, minor in the lower.
    pub handle: u32,
    /// Handle of the parent, [`ROOT`] at the top.
    pub parent: u32,
    /// `pfifo_fast`, `fq_codel`, `mq`, `tbf`, `htb` ...
    pub kind: String,
    /// A class and not a queueing discipline.
    pub is_class: bool,
    /// Bytes sent through it.
    pub bytes: u64,
    /// Packets sent through it.
    pub packets: u64,
    /// Packets dropped.
    pub drops: u64,
    /// Times that a packet had to wait since the rate was used up.
    pub overlimits: u64,
    /// Packets put back since the driver had no room.
    pub requeues: u64,
    /// Packets in it now.
    pub queue_length: u32,
    /// Bytes in it now.
    pub backlog: u32,
    /// The rate that it lets through at most, in bytes a second: of tbf its rate, of an htb class its ceiling, of
    /// cake its bandwidth.
    pub ceiling: Option<u64>,
    /// Bytes that may wait (tbf).
    pub limit: Option<u32>,
}

impl Qdisc {
    /// `tbf 8001:` as `tc` writes it.
    pub fn label(&self) -> String {
        let (major, minor) = (self.handle >> 16, self.handle & 0xffff);
        if self.is_class { format!("{} {major:x}:{minor:x}", self.kind) } else { format!("{} {major:x}:", self.kind) }
    }

    /// Whether its job is to let through no more than a rate that someone set.
    pub fn is_shaper(&self) -> bool {
        self.ceiling.is_some()
    }
}

/// All queueing disciplines (or classes) of the namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Qdiscs(pub Vec<Qdisc>);

impl FromBytes for Qdiscs {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut all = Vec::new();
        for message in messages(bytes) {
            let message = message?;
            if message.kind == NEW_QDISC || message.kind == NEW_CLASS {
                let found = qdisc(message.payload, message.kind == NEW_CLASS);
                all.push(found.ok_or_else(|| ParseError::new(1, "a queueing discipline", message.payload))?);
            }
        }
        Ok(Self(all))
    }
}

fn qdisc(payload: &[u8], is_class: bool) -> Option<Qdisc> {
    let mut qdisc = Qdisc {
        interface: u32_at(payload, 4)?,
        handle: u32_at(payload, 8)?,
        parent: u32_at(payload, 12)?,
        is_class,
        ..Qdisc::default()
    };
    let mut options: &[u8] = &[];
    for (kind, value) in attributes(payload.get(FIXED..)?) {
        match kind {
            1 => qdisc.kind = string(value),
            2 => options = value,
            7 => statistics(&mut qdisc, value)?,
            _ => {}
        }
    }
    match (qdisc.kind.as_str(), is_class) {
        ("tbf", false) => {
            let parameters = attribute(options, 1)?;
            let wide = attribute(options, 4).and_then(|value| u64_at(value, 0));
            qdisc.ceiling = wide.or_else(|| u32_at(parameters, 8).map(u64::from));
            qdisc.limit = u32_at(parameters, 24);
        }
        ("htb", true) => {
            // struct tc_htb_opt: rate and ceil, 12 bytes each with the number at the end.
            let wide = attribute(options, 7).and_then(|value| u64_at(value, 0));
            qdisc.ceiling = wide.or_else(|| u32_at(attribute(options, 1)?, 20).map(u64::from));
        }
        ("cake", false) => {
            qdisc.ceiling = attribute(options, 2).and_then(|value| u64_at(value, 0)).filter(|rate| *rate > 0);
        }
        _ => {}
    }
    Some(qdisc)
}

/// `TCA_STATS2`: nested attributes of `gen_stats.h`.
fn statistics(qdisc: &mut Qdisc, value: &[u8]) -> Option<()> {
    let mut wide_packets = None;
    for (kind, value) in attributes(value) {
        match kind {
            1 => {
                qdisc.bytes = u64_at(value, 0)?;
                qdisc.packets = u64::from(u32_at(value, 8)?);
            }
            3 => {
                qdisc.queue_length = u32_at(value, 0)?;
                qdisc.backlog = u32_at(value, 4)?;
                qdisc.drops = u64::from(u32_at(value, 8)?);
                qdisc.requeues = u64::from(u32_at(value, 12)?);
                qdisc.overlimits = u64::from(u32_at(value, 16)?);
            }
            8 => wide_packets = u64_at(value, 0),
            _ => {}
        }
    }
    qdisc.packets = wide_packets.unwrap_or(qdisc.packets);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::{attribute_bytes, message};

    /// A dumped queueing discipline: `words` are qlen, backlog, drops, requeues, overlimits.
    fn dumped(kind: u16, name: &str, options: &[u8], words: [u32; 5]) -> Vec<u8> {
        let mut payload = vec![0; 4];
        for word in [3_u32, 0x8001_0000, ROOT, 0] {
            payload.extend(word.to_ne_bytes());
        }
        payload.extend(attribute_bytes(1, format!("{name}\0").as_bytes()));
        payload.extend(attribute_bytes(2, options));
        let mut basic = 9000_u64.to_ne_bytes().to_vec();
        basic.extend(7_u32.to_ne_bytes());
        let queue: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let nested = [attribute_bytes(1, &basic), attribute_bytes(3, &queue)].concat();
        payload.extend(attribute_bytes(7, &nested));
        message(kind, 2, 1, &payload)
    }

    #[test]
    fn a_token_bucket_has_a_ceiling() {
        let mut parameters = vec![0_u8; 8];
        parameters.extend(125_000_u32.to_ne_bytes());
        parameters.extend([0; 12]);
        parameters.extend(30_000_u32.to_ne_bytes());
        parameters.extend([0; 8]);
        let bytes = dumped(NEW_QDISC, "tbf", &attribute_bytes(1, &parameters), [2, 3028, 5, 1, 77]);
        let qdisc = Qdiscs::from_bytes(&bytes).unwrap().0.remove(0);
        assert_eq!((qdisc.ceiling, qdisc.limit, qdisc.is_shaper()), (Some(125_000), Some(30_000), true));
        assert_eq!((qdisc.queue_length, qdisc.backlog, qdisc.drops), (2, 3028, 5));
        assert_eq!((qdisc.requeues, qdisc.overlimits, qdisc.bytes, qdisc.packets), (1, 77, 9000, 7));
        assert_eq!(qdisc.label(), "tbf 8001:");
    }

    #[test]
    fn the_ceiling_of_an_htb_class_is_its_wide_one_where_it_has_one() {
        let mut parameters = vec![0_u8; 20];
        parameters.extend(u32::MAX.to_ne_bytes());
        parameters.extend([0; 20]);
        let mut options = attribute_bytes(1, &parameters);
        let narrow = dumped(NEW_CLASS, "htb", &options, [0; 5]);
        assert_eq!(Qdiscs::from_bytes(&narrow).unwrap().0[0].ceiling, Some(u64::from(u32::MAX)));
        options.extend(attribute_bytes(7, &12_500_000_000_u64.to_ne_bytes()));
        let wide = dumped(NEW_CLASS, "htb", &options, [0; 5]);
        assert_eq!(Qdiscs::from_bytes(&wide).unwrap().0[0].ceiling, Some(12_500_000_000));
        let plain = dumped(NEW_QDISC, "fq_codel", &[], [0; 5]);
        assert!(!Qdiscs::from_bytes(&plain).unwrap().0[0].is_shaper());
    }

    #[test]
    fn torn_ones_are_refused() {
        assert!(Qdiscs::from_bytes(&message(NEW_QDISC, 0, 1, &[0; 12])).is_err());
        assert!(Qdiscs::from_bytes(&dumped(NEW_QDISC, "tbf", &[], [0; 5])).is_err());
    }
}
