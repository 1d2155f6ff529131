//! Whether perf's one-liners for dynamic probes did in a guest what perf 6.1 does there, and ours what they should.

/// Number of the one-liner, its exit status, a part of what it prints, and a part of `kprobe_events` behind it. The status
/// is perf's where perf needs no debug information, which the guest does not have.
const EXPECTED: &[(&str, &str, &str, &str)] = &[
    ("D01", "0", "probe:tcp_sendmsg    (on tcp_sendmsg)", "p:probe/tcp_sendmsg _text+"),
    ("D02", "0", "Removed event: probe:tcp_sendmsg", ""),
    ("D03", "0", "(on tcp_sendmsg%return)", "probe/tcp_sendmsg__return _text+"),
    ("D04", "0", "size_t size", ""),
    ("D05", "0", "struct sock* sk", ""),
    ("D06", "254", "debug", ""),
    ("D08", "0", "with %ax %dx %cx", "arg1=%ax arg2=%dx arg3=%cx"),
    ("D09", "0", "with bytes=%cx", "bytes=%cx"),
    ("D10", "0", "bytes=0x", ""),
    ("D11", "0", "with $retval", "arg1=$retval"),
    ("D12", "0", "with size", "size=%dx:x64"),
    ("D14", "0", "size=%dx:x64 skc_state=+18(%di):x8", ""),
    ("D13", "0", "with size skc_state=sk->__sk_common.skc_state", "size=%dx:x64 skc_state=+18(%di):x8"),
    ("D15", "0", "skc_state=0x", ""),
    ("D16", "254", "debug", ""),
    ("D17", "0", "with filename:string", "filename_string=+0(%si):string"),
    ("D18", "254", "myfunc", ""),
    ("D21", "0", "(on do_sys_open with filename_string)", ""),
    ("L01", "0", "probe:vfs_read       (on vfs_read with count f_mode=file->f_mode)", ""),
    ("L02", "0", "count=0x64 f_mode=0x", ""),
    ("L03", "0", "(on vfs_read by fentry with count f_mode)", ""),
    ("L04", "0", "probe:vfs_read__return", ""),
    ("L05", "0", "count=0x64 arg2=100", ""),
    ("L06", "0", "(on sched_switch with comm=prev->comm:string pid=next->pid)", ""),
    ("L07", "0", "probe:sched_switch", ""),
    ("L08", "0", "[64, 128)", ""),
    ("L09", "0", "count=0x64", ""),
    ("L10", "0", "\"max\":100", ""),
    ("L11", "0", "dd ", ""),
    ("L12", "0", "probe:vfs_read       (on vfs_read)", ""),
    ("L13", "0", "probe:vfs_read: (ffffffff", ""),
    ("L14", "0", "(on vfs_read by ftrace)", ""),
    ("L15", "0", "probe:vfs_read", ""),
    ("L16", "129", "whose only filter is the function", ""),
    ("L17", "0", "dd ", ""),
    ("L18", "254", "tells no arguments", ""),
];

/// The same of functions of a module.
const OF_MODULE: &[(&str, &str, &str, &str)] = &[
    ("M01", "0", "struct brd_device* brd", ""),
    ("M02", "0", "len first_minor=brd->brd_disk->first_minor)", "brd:brd_do_bvec brd_number=+0(%di):s32 len=%dx:x32"),
    ("M03", "0", "brd_number=0 len=0x1000 first_minor=0", ""),
    ("M04", "254", "brd_number", ""),
];

/// What is not as it should be, of the lines that the guest left: number, status, words and `kprobe_events`, with tabs
/// between them. Those of the module are expected where there was one.
pub(super) fn problems(left: &str, module: bool) -> Vec<String> {
    let mut problems = Vec::new();
    for (id, status, words, kernel) in EXPECTED.iter().chain(OF_MODULE.iter().filter(|_| module)) {
        let line = left.lines().find(|line| line.split('\t').next() == Some(id));
        let fields: Vec<&str> = line.unwrap_or_default().split('\t').collect();
        let [_, ended, said, probes] = fields.as_slice() else {
            problems.push(format!("{id} was not run"));
            continue;
        };
        if ended != status || !said.contains(words) || !probes.contains(kernel) {
            problems.push(format!("{id} ended with {ended} and not {status}: {said}; kprobe_events: {probes}"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_one_liner_is_looked_at() {
        let all = || EXPECTED.iter().chain(OF_MODULE);
        let lines: Vec<String> =
            all().map(|(id, status, words, kernel)| [*id, *status, *words, *kernel].join("\t")).collect();
        let right = lines.join("\n");
        assert_eq!(problems(&right, true), Vec::<String>::new());
        assert_eq!(problems("", true).len(), EXPECTED.len() + OF_MODULE.len());
        assert_eq!(problems("", false).len(), EXPECTED.len());
        assert_eq!(problems(&right.replace("D12\t0", "D12\t254"), true).len(), 1);
        assert_eq!(problems(&right.replace("arg1=%ax", "arg1=%bx"), true).len(), 1);
        let run = super::super::PROBES;
        assert!(all().all(|(id, ..)| run.contains(&format!("probe {id} "))));
    }
}
