//! `union perf_mem_data_src` in words: `|OP LOAD|LVL L1 hit|SNP None|TLB L1 or L2 hit|LCK No|BLK  N/A`.

const LEVELS: [&str; 14] = [
    "N/A",
    "HIT",
    "MISS",
    "L1",
    "LFB/MAB",
    "L2",
    "L3",
    "Local RAM",
    "Remote RAM (1 hop)",
    "Remote RAM (2 hops)",
    "Remote Cache (1 hop)",
    "Remote Cache (2 hops)",
    "I/O",
    "Uncached",
];
const SNOOPS: [&str; 5] = ["N/A", "None", "Hit", "Miss", "HitM"];
const MORE_SNOOPS: [&str; 2] = ["Fwd", "Peer"];
const TLBS: [&str; 7] = ["N/A", "HIT", "MISS", "L1", "L2", "Walker", "Fault"];
const HOPS: [&str; 5] = ["N/A", "core, same node", "node, same socket", "socket, same board", "board"];

/// Bits 1 and 2 of levels and TLBs: found there, or not.
const HIT: u64 = 1 << 1;
const MISS: u64 = 1 << 2;

fn bits(source: u64, shift: u32, count: u32) -> u64 {
    source >> shift & ((1 << count) - 1)
}

/// The names of the bits that are set, with ` or ` between.
fn names<'a>(mask: u64, names: &[&'a str]) -> Vec<&'a str> {
    names.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1).map(|(_, name)| *name).collect()
}

fn hit_or_miss(text: &mut String, mask: u64) {
    if mask & HIT != 0 {
        text.push_str(" hit");
    }
    if mask & MISS != 0 {
        text.push_str(" miss");
    }
}

fn or_nothing(names: &[&str]) -> String {
    if names.is_empty() { "N/A".to_owned() } else { names.join(" or ") }
}

fn operation(source: u64) -> &'static str {
    let mask = bits(source, 0, 5);
    let known = [(1, "N/A"), (2, "LOAD"), (4, "STORE"), (8, "PFETCH"), (16, "EXEC")];
    known.iter().find(|(bit, _)| mask & bit != 0).map_or("No", |(_, name)| name)
}

/// In which level of the memory the data were found.
pub(in crate::perf) fn level(source: u64) -> String {
    let mask = bits(source, 5, 14);
    let mut prefix = String::new();
    if bits(source, 37, 1) != 0 {
        prefix.push_str("Remote ");
    }
    if let hops @ 1.. = bits(source, 43, 3) {
        let name = usize::try_from(hops).ok().and_then(|hops| HOPS.get(hops)).unwrap_or(&"N/A");
        prefix.push_str(name);
        prefix.push(' ');
    }
    let mut parts: Vec<String> = names(mask & !(HIT | MISS), &LEVELS).into_iter().map(str::to_owned).collect();
    match bits(source, 33, 4) {
        0 => {}
        0x9 => parts.push("CXL".to_owned()),
        0xa => parts.push("I/O".to_owned()),
        0xb => parts.push("Any cache".to_owned()),
        0xc => parts.push("LFB/MAB".to_owned()),
        0xd => parts.push("RAM".to_owned()),
        0xe => parts.push("PMEM".to_owned()),
        0xf => parts.push("N/A".to_owned()),
        number => parts.push(format!("L{number}")),
    }
    let mut text = format!("{prefix}{}", parts.join(" or "));
    if text.is_empty() {
        text.push_str("N/A");
    }
    hit_or_miss(&mut text, mask);
    text
}

/// What other caches were asked, and said.
pub(in crate::perf) fn snoop(source: u64) -> String {
    let mut snoops = names(bits(source, 19, 5), &SNOOPS);
    snoops.extend(names(bits(source, 38, 2), &MORE_SNOOPS));
    or_nothing(&snoops)
}

/// Where the address was translated.
pub(in crate::perf) fn tlb(source: u64) -> String {
    let tlb = bits(source, 26, 7);
    let mut tlbs = or_nothing(&names(tlb & !(HIT | MISS), &TLBS));
    hit_or_miss(&mut tlbs, tlb);
    tlbs
}

/// Whether the access was locked.
pub(in crate::perf) fn locked(source: u64) -> &'static str {
    match bits(source, 24, 2) {
        lock if lock & 1 != 0 => "N/A",
        lock if lock & 2 != 0 => "Yes",
        _ => "No",
    }
}

/// By what the access was blocked; each word has its blank in front.
pub(in crate::perf) fn blocked(source: u64) -> String {
    let blocked = bits(source, 40, 3);
    if blocked == 0 || blocked & 1 != 0 {
        return " N/A".to_owned();
    }
    let words = [(2, " Data"), (4, " Addr")];
    words.iter().filter(|(bit, _)| blocked & bit != 0).map(|(_, word)| *word).collect()
}

/// All of it.
pub(super) fn words(source: u64) -> String {
    let (operation, level, snoop, tlb) = (operation(source), level(source), snoop(source), tlb(source));
    format!("|OP {operation}|LVL {level}|SNP {snoop}|TLB {tlb}|LCK {}|BLK {}", locked(source), blocked(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_known_is_as_perf_says_it() {
        // Captured from perf 6.1 on a software event.
        assert_eq!(words(0x1e_0508_0021), "|OP N/A|LVL N/A or N/A|SNP N/A|TLB N/A|LCK N/A|BLK  N/A");
    }

    #[test]
    fn the_columns_of_a_report_are_the_same_words() {
        let source = 2 | (2 | 8) << 5 | 2 << 19 | 2 << 24 | (2 | 8 | 16) << 26 | 2 << 40;
        assert_eq!((level(source).as_str(), snoop(source).as_str(), locked(source)), ("L1 hit", "None", "Yes"));
        assert_eq!((tlb(source).as_str(), blocked(source).as_str()), ("L1 or L2 hit", " Data"));
    }

    #[test]
    fn a_load_from_the_first_cache() {
        let source = 2 | (2 | 8) << 5 | 2 << 19 | 2 << 24 | (2 | 8 | 16) << 26;
        assert_eq!(words(source), "|OP LOAD|LVL L1 hit|SNP None|TLB L1 or L2 hit|LCK Yes|BLK  N/A");
        let remote = 4 | 4 << 5 | 0xd << 33 | 1 << 37 | 2 << 43 | 2 << 40;
        assert_eq!(words(remote), "|OP STORE|LVL Remote node, same socket RAM miss|SNP N/A|TLB N/A|LCK No|BLK  Data");
    }
}
