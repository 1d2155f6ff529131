//! Tables that stand alone: the thresholds.

use perfuse_analyze::{Quantity, Thresholds, threshold};

use super::TextOptions;
use super::page::{Tone, column};
use crate::i18n::Texts;
use crate::layout::width;

/// The thresholds in force, as `use --thresholds` prints them.
pub fn thresholds(thresholds: &Thresholds, texts: &Texts, options: TextOptions) -> String {
    let mut page = options.page();
    page.heading(&texts.word("thresholds-title"));
    let all: Vec<_> = threshold::all().collect();
    let say = |number: f64, unit| Quantity::checked(number, unit).map_or(String::new(), |value| texts.quantity(value));
    let key_width = all.iter().map(|one| one.key.len()).max().unwrap_or(0);
    let heads =
        ["thresholds-key", "thresholds-value", "thresholds-default", "thresholds-meaning"].map(|id| texts.word(id));
    let value_width = |index: usize| {
        let values =
            all.iter().map(|one| width(&say(if index == 1 { thresholds.get(one.key) } else { one.default }, one.unit)));
        values.max().unwrap_or(0).max(width(&heads[index]))
    };
    let (set_width, default_width) = (value_width(1), value_width(2));
    page.columns(
        0,
        &[
            column(key_width, Tone::Dim, &heads[0]),
            column(set_width, Tone::Dim, &heads[1]),
            column(default_width, Tone::Dim, &heads[2]),
            column(0, Tone::Dim, &heads[3]),
        ],
    );
    for one in all {
        let value = thresholds.get(one.key);
        let changed = (value - one.default).abs() > f64::EPSILON;
        let meaning = texts.word(&format!("threshold-{}", one.key.replace('.', "-")));
        page.columns(
            0,
            &[
                column(key_width, Tone::Strong, one.key),
                column(set_width, if changed { Tone::Watch } else { Tone::Plain }, &say(value, one.unit)),
                column(default_width, Tone::Dim, &say(one.default, one.unit)),
                column(0, Tone::Plain, &meaning),
            ],
        );
    }
    page.finish(options.color)
}
