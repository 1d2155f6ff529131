//! One field of a tracepoint's record.

use super::Layout;

/// What a field is, by its declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A number.
    Number,
    /// A pointer.
    Pointer,
    /// An array inside the record; its number of elements when the declaration has it as a number.
    Array(Option<usize>),
    /// `__data_loc`: the record has the length (upper half) and the offset (lower half) of the data behind the fields.
    DataLoc,
    /// `__rel_loc`: the same, but the offset counts from the end of this field.
    RelLoc,
}

/// One line of the `format:` part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Name.
    pub name: String,
    /// The declared type without the name, such as `__data_loc char[]` or `unsigned long`.
    pub type_name: String,
    /// Bytes from the start of the record.
    pub offset: usize,
    /// Bytes in the record; 0 means all that is left.
    pub size: usize,
    /// Whether the kernel says that it is signed.
    pub signed: bool,
    /// What it is.
    pub shape: Shape,
    /// Bytes of one element; of the field itself when it is no array.
    pub element_size: usize,
}

impl Field {
    /// Whether it is an array, in the record or behind it.
    pub fn is_array(&self) -> bool {
        matches!(self.shape, Shape::Array(_) | Shape::DataLoc | Shape::RelLoc)
    }

    /// Whether an array holds text: of `char`, `u8` or `s8`.
    pub fn is_text(&self) -> bool {
        self.is_array() && ["char", "u8", "s8"].iter().any(|part| self.type_name.contains(part))
    }

    /// Whether the type is a `long`, which often holds an address.
    pub fn is_long(&self) -> bool {
        self.type_name.contains("long")
    }

    /// The unsigned value of a field that is a number or a pointer.
    pub fn number(&self, layout: Layout, record: &[u8]) -> u64 {
        layout.number(record, self.offset, self.size)
    }

    /// Appends the value, as libtraceevent prints it without a format.
    pub fn print(&self, layout: Layout, record: &[u8], out: &mut Vec<u8>) {
        super::raw::value(out, layout, self, record);
    }

    /// The value with its sign.
    pub fn signed_number(&self, layout: Layout, record: &[u8]) -> i64 {
        let value = self.number(layout, record);
        let unused = 64 - 8 * u32::try_from(self.size.clamp(1, 8)).unwrap_or(8);
        (value << unused).cast_signed() >> unused
    }

    /// Where the data are: offset and length, both inside the record.
    pub fn place(&self, layout: Layout, record: &[u8]) -> (usize, usize) {
        let (offset, length) = match self.shape {
            Shape::DataLoc | Shape::RelLoc => {
                let word = self.number(layout, record);
                let base = if self.shape == Shape::RelLoc { self.offset + self.size } else { 0 };
                let half = |shift: u32| usize::try_from(word >> shift & 0xffff).unwrap_or_default();
                (base + half(0), half(16))
            }
            _ if self.size == 0 => (self.offset, usize::MAX),
            _ => (self.offset, self.size),
        };
        let offset = offset.min(record.len());
        (offset, length.min(record.len() - offset))
    }

    /// The data of an array.
    pub fn bytes<'r>(&self, layout: Layout, record: &'r [u8]) -> &'r [u8] {
        let (offset, length) = self.place(layout, record);
        record.get(offset..offset + length).unwrap_or_default()
    }

    /// The text of an array: up to its first zero byte.
    pub fn text<'r>(&self, layout: Layout, record: &'r [u8]) -> &'r [u8] {
        until_zero(self.bytes(layout, record))
    }
}

/// The bytes before the first zero.
pub(super) fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.iter().position(|byte| *byte == 0).map_or(bytes, |end| &bytes[..end])
}
