//! What a BPF program put out: a hex dump, and the text if it is one.

use crate::perf::number;

/// Bytes of a line.
const LINE: usize = 8;
/// Columns before the first line of data.
const INDENT: usize = 16;

/// Writes it behind the line of its sample.
pub(super) fn write(raw: &[u8], out: &mut Vec<u8>) {
    out.push(b'\n');
    for (index, line) in raw.chunks(LINE).enumerate() {
        let title: &[u8] = if index == 0 { b"BPF output:" } else { b"           " };
        number::fill(out, b' ', 6);
        out.extend_from_slice(title);
        out.push(b' ');
        number::zero_hex(out, (index * LINE) as u64, 4);
        out.push(b':');
        for at in 0..LINE {
            out.push(b' ');
            match line.get(at) {
                Some(byte) => number::zero_hex(out, u64::from(*byte), 2),
                None => out.extend_from_slice(b"  "),
            }
        }
        out.extend_from_slice(b"  ");
        for at in 0..LINE {
            let shown = line.get(at).map_or(b' ', |byte| if (0x20..0x7f).contains(byte) { *byte } else { b'.' });
            out.push(shown);
        }
        out.push(b'\n');
    }
    let text = raw.iter().position(|byte| *byte == 0).map(|end| &raw[..end]);
    if let Some(text) = text.filter(|text| !text.is_empty() && text.iter().all(|byte| (0x20..0x7f).contains(byte))) {
        number::fill(out, b' ', INDENT - 10);
        out.extend_from_slice(b"BPF string: \"");
        out.extend_from_slice(text);
        out.extend_from_slice(b"\"\n");
    }
}
