//! What a series is called.

/// A name and labels; two keys with the same labels in another order are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey {
    name: String,
    labels: Vec<(String, String)>,
}

/// Between labels, and between a label and its value, in the stored form; control characters that no name has.
const BETWEEN: char = '\u{1f}';
const IS: char = '\u{1e}';

impl SeriesKey {
    /// A key; the two separators of the stored form become U+FFFD.
    pub fn new<'a>(name: &str, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let clean = |text: &str| text.replace([BETWEEN, IS], "\u{fffd}");
        let mut labels: Vec<_> = labels.into_iter().map(|(label, value)| (clean(label), clean(value))).collect();
        labels.sort();
        Self { name: clean(name), labels }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The labels with their values, sorted.
    pub fn labels(&self) -> &[(String, String)] {
        &self.labels
    }

    /// The form in files.
    pub(super) fn stored(&self) -> String {
        let mut text = self.name.clone();
        for (label, value) in &self.labels {
            text.push(BETWEEN);
            text.push_str(label);
            text.push(IS);
            text.push_str(value);
        }
        text
    }

    /// From the form in files.
    pub(super) fn from_stored(text: &str) -> Self {
        let mut parts = text.split(BETWEEN);
        let name = parts.next().unwrap_or_default();
        Self::new(name, parts.map(|part| part.split_once(IS).unwrap_or((part, ""))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_is_unique_and_comes_back() {
        let key = SeriesKey::new("cpu", [("mode", "user"), ("cpu", "0")]);
        assert_eq!(key, SeriesKey::new("cpu", [("cpu", "0"), ("mode", "user")]));
        assert_eq!(SeriesKey::from_stored(&key.stored()), key);
        let odd = SeriesKey::new("a\u{1f}b", [("c\u{1e}", "=\u{1f}")]);
        assert_eq!(SeriesKey::from_stored(&odd.stored()), odd);
    }
}
