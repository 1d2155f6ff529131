//! `perf report --tasks` and `--mmaps`: threads below those that made them.

use std::fmt::Write as _;

use perfuse_analyze::session::family::Family;

/// Deepest level that is still indented: a damaged file may claim any depth.
const DEEPEST: usize = 2000;

/// The tree; `None` if it has no beginning because a parent is unknown.
pub fn text(family: &Family) -> Option<String> {
    let mut out = format!("# {:>8} {:>8} {:>8}  comm\n", "pid", "tid", "ppid");
    for (depth, thread) in family.tree().ok()? {
        let start = out.len();
        let _ = write!(out, "  {:8} {:8} {:8} |", thread.pid, thread.tid, thread.parent);
        out.extend(std::iter::repeat_n(' ', depth.min(DEEPEST)));
        let indent = out.len() - start;
        match &thread.comm {
            Some(comm) => out.push_str(comm),
            None => {
                let _ = write!(out, ":{}", thread.tid);
            }
        }
        out.push('\n');
        for map in family.mappings(thread.pid) {
            let letter = |bit: u32, letter: char| if map.prot & bit == 0 { '-' } else { letter };
            let _ = writeln!(
                out,
                "{:indent$}  {:x}-{:x} {}{}{}{} {:08x} {} {}",
                "",
                map.start,
                map.end,
                letter(1, 'r'),
                letter(2, 'w'),
                letter(4, 'x'),
                if map.shared { 's' } else { 'p' },
                map.pgoff,
                map.inode,
                map.name
            );
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use perfuse_format::perfdata::record::Record;
    use perfuse_format::perfdata::{CpuMode, Mmap};

    use super::*;

    #[test]
    fn threads_and_their_mappings_are_laid_out_as_perf_does_it() {
        let mut family = Family::new(true);
        family.apply(0, &Record::Comm { pid: 12362, tid: 12362, comm: b"ls", exec: true });
        family.apply(
            0,
            &Record::Mmap(Mmap {
                pid: 12362,
                tid: 12362,
                start: 0x559c_0d50_5000,
                len: 0x16000,
                pgoff: 0x4000,
                inode: (247_497, 0),
                prot: 5,
                path: b"/usr/bin/ls",
                mode: CpuMode::User,
                ..Mmap::default()
            }),
        );
        assert_eq!(
            text(&family).unwrap(),
            "#      pid      tid     ppid  comm
         0        0       -1 |swapper
     12362    12362       -1 |ls
                                559c0d505000-559c0d51b000 r-xp 00004000 247497 /usr/bin/ls
"
        );
    }
}
