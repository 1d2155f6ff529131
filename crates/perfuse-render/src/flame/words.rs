//! What a flame graph says in words: heading, tooltips, and what was left out.

use perfuse_analyze::flame::Label;
use perfuse_analyze::profile::WeightUnit;
use perfuse_analyze::{Msg, Quantity, Unit};

use super::{KINDS, LEVELS, Picture, Scheme, USER};
use crate::i18n::grouped;
use crate::layout::clean;

/// Name of the event of folded stacks, which only have numbers of samples.
const SAMPLES: &str = "samples";

impl Picture<'_> {
    pub(super) fn title(&self) -> String {
        let own = match self.options.scheme {
            Scheme::OffCpu => "flame-title-off-cpu",
            _ if self.graph.scale.is_some() => "flame-title-difference",
            _ => "flame-title-on-cpu",
        };
        self.options.title.clone().unwrap_or_else(|| self.texts.text(&Msg::new(own)))
    }

    /// Event, weight, samples, time.
    pub(super) fn subtitle(&self) -> String {
        let (graph, texts) = (self.graph, self.texts);
        if graph.samples == 0 {
            return texts.word("flame-empty");
        }
        let samples = texts.text(&Msg::new("flame-samples").with("count", graph.samples));
        let mut parts = Vec::new();
        match graph.event.unit {
            // Folded stacks: how many lines they had says nothing.
            WeightUnit::Count if graph.event.name == SAMPLES => parts.push(self.weight(graph.total())),
            WeightUnit::Count if graph.total() == graph.samples => parts.extend([graph.event.name.clone(), samples]),
            WeightUnit::Count => parts.extend([self.weight(graph.total()), samples]),
            WeightUnit::Nanoseconds => {
                parts.extend([format!("{}: {}", graph.event.name, self.weight(graph.total())), samples]);
            }
        }
        if graph.stackless > 0 {
            parts.push(texts.text(&Msg::new("flame-stackless").with("count", graph.stackless)));
        }
        if graph.span > 0 {
            let time = Quantity::new(graph.span as f64 / 1e9, Unit::Seconds);
            parts.push(texts.text(&Msg::new("flame-span").with("time", time)));
        }
        if graph.scale.is_some() && self.options.normalized {
            parts.push(texts.word("flame-normalized"));
        }
        parts.join(" · ")
    }

    /// The lines of a tooltip: name; file and kind; weight and shares.
    pub(super) fn details(&self, name: &str, label: Option<&Label>, node: u32) -> String {
        let texts = self.texts;
        let mut place = Vec::new();
        if let Some(label) = label {
            if !label.module.is_empty() {
                place.push(label.module.rsplit('/').next().unwrap_or_default().to_owned());
            }
            let kind = KINDS.iter().find(|(kind, _)| *kind == label.kind).filter(|(kind, _)| *kind != USER);
            place.extend(kind.map(|(_, word)| texts.word(word)));
            if label.inlined {
                place.push(texts.word("flame-kind-inlined"));
            }
        }
        let everything = (self.graph.total() as f64).max(1.0);
        let found = self.graph.nodes.get(node as usize);
        let (total, own) = found.map_or((0, 0), |node| (node.total, node.own));
        let share = |weight: u64| texts.quantity(Quantity::ratio(weight as f64 / everything));
        let mut numbers = vec![self.weight(total), share(total)];
        if own > 0 && own < total {
            numbers.push(texts.text(&Msg::new("flame-own").with("share", share(own))));
        }
        if let Some(change) = self.graph.change(node) {
            let message = Msg::new("flame-change")
                .with("before", Quantity::ratio(change.before))
                .with("now", Quantity::ratio(change.now));
            numbers.push(texts.text(&message));
        }
        [clean(name).into_owned(), clean(&place.join(" · ")).into_owned(), numbers.join(" · ")].join("\n")
    }

    /// A weight with its unit.
    fn weight(&self, weight: u64) -> String {
        let event = self.graph.event.name.as_str();
        let counts_samples = event == SAMPLES || self.graph.total() == self.graph.samples;
        match self.graph.event.unit {
            WeightUnit::Nanoseconds => self.texts.quantity(Quantity::new(weight as f64 / 1e9, Unit::Seconds)),
            WeightUnit::Count if counts_samples => self.texts.text(&Msg::new("flame-samples").with("count", weight)),
            WeightUnit::Count => {
                let number = grouped(weight as f64, 0);
                self.texts.text(&Msg::new("flame-weight").with("number", number).with("event", event))
            }
        }
    }

    /// What is not in the picture.
    pub(super) fn notes(&self) -> Vec<String> {
        let (graph, texts) = (self.graph, self.texts);
        let mut notes = Vec::new();
        if self.layout.narrow > 0 {
            let message = Msg::new("flame-narrow")
                .with("count", self.layout.narrow)
                .with("width", format!("{}", self.options.min_width));
            notes.push(texts.text(&message));
        }
        if self.layout.deep > 0 {
            let message = Msg::new("flame-deep").with("count", self.layout.deep).with("levels", u64::from(LEVELS));
            notes.push(texts.text(&message));
        }
        if graph.scale.is_some() && graph.vanished() > 0.0 {
            let share = Quantity::ratio(graph.vanished());
            notes.push(texts.text(&Msg::new("flame-vanished").with("share", share)));
        }
        notes
    }
}
