//! The text formats of metrics: Prometheus 0.0.4 and `OpenMetrics` 1.0 (the exposition formats of its documentation,
//! and the `OpenMetrics` specification). Names in quotes, as Prometheus 3 writes those that are not plain, are taken too:
//! `{"http.requests", code="200"} 3`.

use crate::parse::{FromBytes, ParseError, lines};

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Name of the metric, with `_total`, `_bucket` and the like.
    pub name: String,
    /// Labels in the order of the text.
    pub labels: Vec<(String, String)>,
    /// The value; may be infinite or not a number.
    pub value: f64,
    /// Milliseconds since 1970, where the text has a time.
    pub time: Option<i64>,
}

/// What `# TYPE` says of a family of metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Its name; those of the samples may be longer.
    pub name: String,
    /// `counter`, `gauge`, `histogram`, `summary`, `untyped` and more.
    pub kind: String,
}

/// The whole text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exposition {
    /// The samples in their order.
    pub samples: Vec<Sample>,
    /// The families whose type is told, in their order.
    pub families: Vec<Family>,
}

impl Exposition {
    /// The sum of all samples of a name that have the given labels; `None` if there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let found = self.samples.iter().filter(|sample| sample.name == name && sample.has(labels));
        found.map(|sample| sample.value).reduce(|sum, value| sum + value)
    }
}

impl Sample {
    /// Whether it has all of some labels.
    pub fn has(&self, labels: &[(&str, &str)]) -> bool {
        labels.iter().all(|(name, value)| self.label(name) == Some(value))
    }

    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }
}

impl FromBytes for Exposition {
    /// An empty text is right: an endpoint may have nothing to tell yet.
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut exposition = Self::default();
        // In OpenMetrics times are seconds, in the older format milliseconds; the end of the text tells which.
        let open = bytes.trim_ascii_end().ends_with(b"# EOF");
        for (number, line) in lines(bytes) {
            let line = line.trim_ascii();
            let text = str::from_utf8(line).map_err(|_| ParseError::new(number, "UTF-8", line))?;
            if let Some(comment) = text.strip_prefix('#') {
                let mut words = comment.split_ascii_whitespace();
                if let (Some("TYPE"), Some(name), Some(kind)) = (words.next(), words.next(), words.next()) {
                    exposition.families.push(Family { name: name.trim_matches('"').to_owned(), kind: kind.to_owned() });
                }
                if comment.trim() == "EOF" {
                    break;
                }
            } else if !text.is_empty() {
                let bad = |expected| ParseError::new(number, expected, line);
                exposition.samples.push(sample(text, open).map_err(bad)?);
            }
        }
        Ok(exposition)
    }
}

fn sample(line: &str, open: bool) -> Result<Sample, &'static str> {
    let end = line.find(|character: char| character == '{' || character.is_ascii_whitespace());
    let (name, mut rest) = line.split_at(end.unwrap_or(line.len()));
    let mut name = Some(name).filter(|name| !name.is_empty()).map(str::to_owned);
    rest = rest.trim_start();
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = read_labels(inside, &mut name, &mut labels)?;
    }
    let name = name.ok_or("the name of a metric")?;
    let plain = |name: &str| !name.contains(['"', '}', '=', ',']);
    if labels.is_empty() && !plain(&name) {
        return Err("the name of a metric");
    }
    // An exemplar follows after a `#`; only the sample before it is taken.
    let mut words = rest.split('#').next().unwrap_or_default().split_ascii_whitespace();
    let value = words.next().and_then(number).ok_or("a value")?;
    let time = match words.next() {
        None => None,
        Some(word) if open => {
            let seconds: f64 = word.parse().map_err(|_| "a time in seconds")?;
            // Saturates at times that no clock shows.
            #[expect(clippy::cast_possible_truncation, reason = "milliseconds of any date fit; others saturate")]
            Some((seconds * 1000.0) as i64)
        }
        Some(word) => Some(word.parse().map_err(|_| "a time in milliseconds")?),
    };
    if words.next().is_some() {
        return Err("the end of the line");
    }
    Ok(Sample { name, labels, value, time })
}

/// Reads labels up to the `}`; gives what follows it. A text in quotes without a value is the name of the metric.
fn read_labels<'t>(
    mut rest: &'t str,
    name: &mut Option<String>,
    labels: &mut Vec<(String, String)>,
) -> Result<&'t str, &'static str> {
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            return Ok(after);
        }
        let label = if let Some(inside) = rest.strip_prefix('"') {
            let (label, after) = quoted(inside)?;
            rest = after.trim_start();
            if !rest.starts_with('=') {
                if name.replace(label).is_some() {
                    return Err("one name of a metric");
                }
                rest = next(rest)?;
                continue;
            }
            label
        } else {
            let end = rest.find(['=', '}', ',', '"']).ok_or("a label with its value")?;
            let (label, after) = rest.split_at(end);
            rest = after;
            label.trim_end().to_owned()
        };
        let inside = rest.strip_prefix('=').map(str::trim_start).and_then(|after| after.strip_prefix('"'));
        let (value, after) = quoted(inside.ok_or("=\"value\"")?)?;
        if label.is_empty() {
            return Err("the name of a label");
        }
        labels.push((label, value));
        rest = next(after.trim_start())?;
    }
}

/// What follows a label: a comma, or the end.
fn next(rest: &str) -> Result<&str, &'static str> {
    match rest.strip_prefix(',') {
        Some(after) => Ok(after),
        None if rest.starts_with('}') => Ok(rest),
        None => Err("`,` or `}` after a label"),
    }
}

/// The text up to the closing quote, with `\\`, `\"` and `\n` undone, and what follows.
fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                // Other escapes are not of the format; clients that write them mean what stands there.
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            other => value.push(other),
        }
    }
    Err("a closing quote")
}

fn number(word: &str) -> Option<f64> {
    match word {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        // `parse` alone would also take `infinity`.
        word if word.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => word.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Sample {
        let exposition = Exposition::from_bytes(line.as_bytes()).unwrap();
        assert_eq!(exposition.samples.len(), 1);
        exposition.samples[0].clone()
    }

    #[test]
    fn lines_of_both_formats() {
        let sample = one(r#"http_requests_total{method="post",path="C:\\DIR\n\"x\"",} 1027 1395066363000"#);
        assert_eq!(sample.name, "http_requests_total");
        assert_eq!(sample.label("path"), Some("C:\\DIR\n\"x\""));
        assert_eq!((sample.value, sample.time), (1027.0, Some(1_395_066_363_000)));
        assert_eq!(one("a 1.5e3").value.to_bits(), 1500.0_f64.to_bits());
        assert!(one("a NaN").value.is_nan());
        assert_eq!(one("a{le=\"+Inf\"} +Inf").value.to_bits(), f64::INFINITY.to_bits());
        let open = "# TYPE a counter\na_total{x=\"#}\"} 5 1.5 # {trace=\"b\"} 0.5\n# EOF\n";
        let exposition = Exposition::from_bytes(open.as_bytes()).unwrap();
        assert_eq!(exposition.families, [Family { name: "a".into(), kind: "counter".into() }]);
        assert_eq!((exposition.samples[0].time, exposition.samples[0].label("x")), (Some(1500), Some("#}")));
        let quoted = one(r#"{"http.requests", "status.code"="200", zone="서울"} 3"#);
        assert_eq!((quoted.name.as_str(), quoted.label("status.code")), ("http.requests", Some("200")));
        assert_eq!(quoted.label("zone"), Some("서울"));
    }

    #[test]
    fn sums_are_of_what_has_the_labels() {
        let text = "jobs{q=\"a\",s=\"1\"} 1\njobs{q=\"a\",s=\"2\"} 2\njobs{q=\"b\"} 4\n";
        let exposition = Exposition::from_bytes(text.as_bytes()).unwrap();
        assert_eq!(exposition.sum("jobs", &[("q", "a")]), Some(3.0));
        assert_eq!(exposition.sum("jobs", &[]), Some(7.0));
        assert_eq!(exposition.sum("job", &[]), None);
    }

    #[test]
    fn mistakes_have_their_line() {
        for bad in [
            "a",
            "a{",
            "a{b} 1",
            "a{b=} 1",
            "a{b=\"c} 1",
            "a{b=\"c\" 1",
            "a infinity",
            "a 1 2 3",
            "a 1 x",
            "{} 1",
            "{b=\"c\"} 1",
            "a{b=\"c\"d=\"e\"} 1",
            "a{=\"c\"} 1",
            "<html> 1 2 3",
            "a\"b 1",
        ] {
            let error = Exposition::from_bytes(format!("ok 1\n{bad}\n").as_bytes()).unwrap_err();
            assert_eq!(error.line, 2, "{bad}");
        }
        assert_eq!(Exposition::from_bytes(b"\n\n# HELP a \xc3\xa9\n").unwrap(), Exposition::default());
    }
}
