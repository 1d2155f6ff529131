//! The `format` file of a tracepoint (Documentation/trace/events.rst).

use thiserror::Error;

use super::field::{Field, Shape};

/// Most fields of one tracepoint; the kernel's largest have some dozens.
const MOST_FIELDS: usize = 1024;

/// Where a `format` file is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: expected {expected}, found `{found}`")]
pub struct FormatError {
    /// Line, from 1.
    pub line: usize,
    /// What belongs there.
    pub expected: &'static str,
    /// What is there, at most 80 characters of it.
    pub found: String,
}

/// A tracepoint's description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFormat {
    /// The system, which the file does not have: the name of the directory.
    pub system: String,
    /// Name.
    pub name: String,
    /// The id, the first two bytes of each record and the `config` of the event.
    pub id: u64,
    /// The fields that all tracepoints have.
    pub common: Vec<Field>,
    /// The tracepoint's own fields.
    pub fields: Vec<Field>,
    /// What follows `print fmt: `.
    pub print_fmt: String,
}

impl EventFormat {
    /// Parses the file.
    pub fn parse(system: &str, bytes: &[u8]) -> Result<Self, FormatError> {
        let text = String::from_utf8_lossy(bytes);
        let mut event = Self { system: system.to_owned(), ..Self::default() };
        let (mut named, mut id) = (false, None);
        // The common fields and the event's own are parted by an empty line.
        let mut own = false;
        for (index, line) in text.split('\n').enumerate() {
            let error = |expected| FormatError { line: index + 1, expected, found: line.chars().take(80).collect() };
            let trimmed = line.trim();
            if let Some(name) = trimmed.strip_prefix("name:") {
                name.trim().clone_into(&mut event.name);
                named = true;
            } else if let Some(number) = trimmed.strip_prefix("ID:") {
                id = Some(number.trim().parse().map_err(|_| error("a number"))?);
            } else if let Some(fmt) = trimmed.strip_prefix("print fmt:") {
                // The format may have line breaks of its own: everything that is left belongs to it.
                let start = text.find("print fmt:").map_or(0, |start| start + "print fmt:".len());
                let rest = text.get(start..).unwrap_or(fmt);
                rest.trim().clone_into(&mut event.print_fmt);
                break;
            } else if trimmed.starts_with("field:") {
                if event.common.len() + event.fields.len() >= MOST_FIELDS {
                    return Err(error("at most 1024 fields"));
                }
                let field = field(trimmed).ok_or_else(|| error("field:TYPE NAME;\toffset:N;\tsize:N;\tsigned:N;"))?;
                if own { event.fields.push(field) } else { event.common.push(field) }
            } else if trimmed.is_empty() {
                own |= !event.common.is_empty();
            } else if trimmed != "format:" {
                return Err(error("name, ID, format, field or print fmt"));
            }
        }
        let end = |expected| FormatError { line: text.split('\n').count(), expected, found: String::new() };
        if !named {
            return Err(end("name:"));
        }
        event.id = id.ok_or_else(|| end("ID:"))?;
        Ok(event)
    }

    /// The field with this name, the event's own first.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().chain(&self.common).find(|field| field.name == name)
    }
}

/// `field:TYPE NAME;\toffset:N;\tsize:N;\tsigned:N;`; `signed` is absent before Linux 2.6.31.
fn field(line: &str) -> Option<Field> {
    let mut parts = line.split(';').map(str::trim);
    let declaration = parts.next()?.strip_prefix("field:")?;
    let (mut offset, mut size, mut signed) = (None, None, false);
    for part in parts {
        match part.split_once(':') {
            Some(("offset", value)) => offset = Some(value.trim().parse::<u32>().ok()?),
            Some(("size", value)) => size = Some(value.trim().parse::<u32>().ok()?),
            Some(("signed", value)) => signed = value.trim() == "1",
            _ => {}
        }
    }
    let (type_name, name, brackets) = declare(declaration)?;
    let (offset, size) = (usize::try_from(offset?).ok()?, usize::try_from(size?).ok()?);
    let shape = if type_name.starts_with("__data_loc") {
        Shape::DataLoc
    } else if type_name.starts_with("__rel_loc") {
        Shape::RelLoc
    } else if let Some(count) = brackets {
        Shape::Array(count.trim().parse().ok())
    } else if type_name.contains('*') {
        Shape::Pointer
    } else {
        Shape::Number
    };
    let element_size = match shape {
        Shape::Array(Some(count)) if count > 0 => size / count,
        Shape::Array(_) | Shape::DataLoc | Shape::RelLoc => element(&type_name),
        Shape::Number | Shape::Pointer => size,
    };
    Some(Field { name, type_name, offset, size, signed, shape, element_size })
}

/// Type, name and what stands in brackets. The brackets follow the name (`char comm[16]`), or with a location the type
/// (`__data_loc char[] name`).
fn declare(declaration: &str) -> Option<(String, String, Option<&str>)> {
    let declaration = declaration.trim();
    if let Some(open) = declaration.strip_suffix(']').and_then(|text| text.find('[')) {
        let inside = declaration.get(open + 1..declaration.len() - 1)?;
        let (kind, name) = split_name(declaration.get(..open)?)?;
        return Some((format!("{kind}[{inside}]"), name, Some(inside)));
    }
    let (kind, name) = split_name(declaration)?;
    let inside = kind.find('[').and_then(|open| kind.get(open + 1..)?.split(']').next());
    Some((kind.to_owned(), name, inside))
}

/// Splits at the last word.
fn split_name(text: &str) -> Option<(&str, String)> {
    let text = text.trim_end();
    let start =
        text.rfind(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '.' || letter == '$'))?;
    let name = text.get(start + 1..).or_else(|| text.get(start..)).filter(|name| !name.is_empty())?;
    Some((text.get(..=start).or_else(|| text.get(..start))?.trim_end(), name.trim_start().to_owned()))
}

/// Bytes of an element by the name of its type, as far as names tell.
fn element(type_name: &str) -> usize {
    let has = |names: &[&str]| names.iter().any(|name| type_name.contains(name));
    if has(&["char", "u8", "s8"]) {
        1
    } else if has(&["u16", "s16", "short"]) {
        2
    } else if has(&["u64", "s64", "long"]) {
        8
    } else {
        4
    }
}
