//! The body of a webhook in one's own form: text with `{{ name }}` for what is known of a notice.

use std::fmt::Write as _;

/// The names that a template may use, in the order of the documentation.
pub const NAMES: &[&str] = &[
    "component",
    "title",
    "state",
    "severity",
    "phase",
    "subject",
    "text",
    "cause",
    "affected",
    "incident",
    "link",
    "host",
    "key",
    "since",
    "at",
    "ended",
    "seconds",
];

/// A template without mistakes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Name(&'static str),
}

/// How a value is written between what the template has around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// As the inside of a JSON string.
    Json,
    /// As a value of a form or of a query.
    Form,
    /// As it is.
    Plain,
}

impl Escape {
    /// How values are written in a body of a media type.
    pub fn of(content_type: &str) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/x-www-form-urlencoded" => Self::Form,
            json if json.ends_with("/json") || json.ends_with("+json") => Self::Json,
            _ => Self::Plain,
        }
    }

    pub(super) fn write(self, value: &str, to: &mut String) {
        match self {
            Self::Plain => to.push_str(value),
            // A JSON string without its quotes.
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                to.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
            }
            Self::Form => {
                for byte in value.bytes() {
                    match byte {
                        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => {
                            to.push(char::from(byte));
                        }
                        b' ' => to.push('+'),
                        _ => drop(write!(to, "%{byte:02X}")),
                    }
                }
            }
        }
    }
}

impl Template {
    /// Reads a template; the name that it may not use, or `{{` when that is not closed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or("{{")?;
            let name = name.trim();
            let known = NAMES.iter().find(|known| **known == name).ok_or(name)?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Name(known));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Self(pieces))
    }

    /// The text with its values.
    pub fn fill<'a>(&self, escape: Escape, value: impl Fn(&str) -> std::borrow::Cow<'a, str>) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Name(name) => escape.write(&value(name), &mut out),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str, escape: Escape) -> String {
        let template = Template::parse(template).expect("a template");
        template.fill(escape, |name| match name {
            "component" => "a \"b\"\\\n".into(),
            "cause" => "원인 & <x>".into(),
            _ => "".into(),
        })
    }

    #[test]
    fn values_cannot_leave_the_string_that_they_stand_in() {
        let body = fill(r#"{"text": "{{ component }}: {{cause}}{{ incident }}"}"#, Escape::Json);
        let json: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(json["text"], "a \"b\"\\\n: 원인 & <x>");
        assert_eq!(fill("t={{ cause }}", Escape::Form), "t=%EC%9B%90%EC%9D%B8+%26+%3Cx%3E");
        assert_eq!(fill("{{ cause }}!", Escape::Plain), "원인 & <x>!");
    }

    #[test]
    fn what_is_no_name_is_told() {
        assert_eq!(Template::parse("{{ components }}"), Err("components".to_owned()));
        assert_eq!(Template::parse("a {{ title"), Err("{{".to_owned()));
        assert_eq!(fill("no names } { }} at all", Escape::Plain), "no names } { }} at all");
    }

    #[test]
    fn the_media_type_says_how_values_are_written() {
        for (kind, escape) in [
            ("application/json; charset=utf-8", Escape::Json),
            ("application/vnd.api+json", Escape::Json),
            ("application/x-www-form-urlencoded", Escape::Form),
            ("text/plain", Escape::Plain),
        ] {
            assert_eq!(Escape::of(kind), escape, "{kind}");
        }
    }
}
