//! A record field by field, as libtraceevent prints it when there is no format or none that can be evaluated.

use std::io::Write as _;

use super::Layout;
use super::field::{Field, Shape, until_zero};

/// ` name=value` for each field.
pub(super) fn print(out: &mut Vec<u8>, layout: Layout, fields: &[Field], record: &[u8]) {
    for field in fields {
        out.push(b' ');
        out.extend_from_slice(field.name.as_bytes());
        out.push(b'=');
        value(out, layout, field, record);
    }
}

/// The value alone. Writing to a vector does not fail.
pub(super) fn value(out: &mut Vec<u8>, layout: Layout, field: &Field, record: &[u8]) {
    if field.is_array() {
        return array(out, field.bytes(layout, record), field.is_text());
    }
    let number = field.number(layout, record);
    let _ = if field.shape == Shape::Pointer {
        write!(out, "0x{number:x}")
    } else if field.signed {
        match field.size {
            // What is a long is mostly an address.
            4 if field.is_long() => write!(out, "0x{number:x}"),
            2 => write!(out, "{:2}", field.signed_number(layout, record)),
            _ => write!(out, "{}", field.signed_number(layout, record)),
        }
    } else if field.is_long() {
        write!(out, "0x{number:x}")
    } else {
        write!(out, "{number}")
    };
}

/// Printable text as such, everything else as a list of bytes.
fn array(out: &mut Vec<u8>, bytes: &[u8], text: bool) {
    if text && printable(bytes) {
        return out.extend_from_slice(until_zero(bytes));
    }
    out.extend_from_slice(b"ARRAY[");
    for (place, byte) in bytes.iter().enumerate() {
        let _ = write!(out, "{}{byte:02x}", if place > 0 { ", " } else { "" });
    }
    out.push(b']');
}

/// Whether all bytes up to the first zero are printable ASCII or white space.
fn printable(bytes: &[u8]) -> bool {
    until_zero(bytes).iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte == 0x0b)
}
