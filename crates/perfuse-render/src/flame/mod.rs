//! A flame graph as one SVG that needs nothing else: bars with their details as tooltips, and a script of our own for
//! zoom, search and hover. Without a script it is still a whole picture.
//!
//! ```text
//!   <svg>                          words for the script as data attributes
//!     <text id="title"> ...        heading, legend
//!     <svg id="bars">              places in percent of its width, so that it can be stretched
//!       <g>                        one level: the root's first
//!         <g> title rect text      one bar; title has name, file and kind, weight
//!     <text id="details"> ...      what the pointer is on; what was left out
//! ```

mod color;
mod words;

use std::fmt::Write as _;

use perfuse_analyze::flame::{Bar, FlameGraph, Label, Layout, Limits};
use perfuse_analyze::profile::FrameKind;

use crate::i18n::Texts;
use crate::layout::{clean, fit};

pub use color::Scheme;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Height of a level in pixels; the bar itself is one less.
const LEVEL: u32 = 17;
/// Of letters: the text of a bar stands on this line.
const BASE: u32 = 12;
/// Pixels of a column of a monospaced font of 12 pixels: 0.6 em, as almost all of them have.
const COLUMN: f64 = 7.225;
/// Pixels left and right of the bars.
const MARGIN: u32 = 10;
/// Pixels for the heading.
const HEAD: u32 = 84;
/// Pixels for the two lines below.
const FOOT: u32 = 48;

/// How the picture is made.
#[derive(Debug, Clone, PartialEq)]
pub struct FlameOptions {
    /// Heading; without one, what the picture is.
    pub title: Option<String>,
    /// Pixels. `None` is 1200, and as wide as the window where a script can tell.
    pub width: Option<u32>,
    /// Bars that are narrower, in pixels, are left out.
    pub min_width: f64,
    /// Name of the font; it should be monospaced.
    pub font: String,
    /// What colours mean.
    pub scheme: Scheme,
    /// The root on top.
    pub icicle: bool,
    /// Whether shares were compared, for the subtitle of a difference.
    pub normalized: bool,
}

/// Width that pictures have unless told otherwise.
const WIDTH: u32 = 1200;

/// Levels that are drawn at most: a picture of 34,000 pixels.
const LEVELS: u32 = 2000;

impl Default for FlameOptions {
    fn default() -> Self {
        Self {
            title: None,
            width: None,
            min_width: 0.2,
            font: "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace".to_owned(),
            scheme: Scheme::default(),
            icicle: false,
            normalized: false,
        }
    }
}

/// The picture.
pub fn render(graph: &FlameGraph, options: &FlameOptions, texts: &Texts) -> String {
    let width = options.width.unwrap_or(WIDTH).max(200);
    let inner = width - 2 * MARGIN;
    let share = options.min_width.max(0.0) / f64::from(inner);
    let layout = graph.layout(Limits { share, levels: LEVELS });
    let picture = Picture { graph, options, texts, layout, width };
    picture.draw()
}

struct Picture<'a> {
    graph: &'a FlameGraph,
    options: &'a FlameOptions,
    texts: &'a Texts,
    layout: Layout,
    width: u32,
}

impl Picture<'_> {
    fn draw(&self) -> String {
        let mut out = String::new();
        let bars_height = self.layout.levels * LEVEL;
        let height = HEAD + bars_height + FOOT;
        self.head(&mut out, height);
        self.legend(&mut out);
        let inner = self.width - 2 * MARGIN;
        put(
            &mut out,
            format_args!(
                "<svg id=\"bars\" class=\"bars\" x=\"{MARGIN}\" y=\"{HEAD}\" width=\"{inner}\" height=\"{bars_height}\">\n"
            ),
        );
        for level in self.layout.bars.chunk_by(|a, b| a.level == b.level) {
            let Some(first) = level.first() else { continue };
            let row = if self.options.icicle { first.level } else { self.layout.levels - 1 - first.level };
            put(&mut out, format_args!("<g transform=\"translate(0,{})\">\n", row * LEVEL));
            for bar in level {
                self.bar(&mut out, *bar);
            }
            out.push_str("</g>\n");
        }
        out.push_str("</svg>\n");
        self.foot(&mut out, height);
        out
    }

    /// Root element, style, title and subtitle.
    fn head(&self, out: &mut String, height: u32) {
        let Self { texts, width, options, .. } = self;
        let word = |id: &str| escape(&texts.word(id));
        let title = escape(&self.title());
        let font = escape(&options.font).replace(['{', '}', ';', '&'], "");
        let fluid = if options.width.is_none() { " data-fluid=\"1\"" } else { "" };
        put(
            out,
            format_args!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" lang=\"{lang}\" data-width=\"{width}\"{fluid} data-column=\"{COLUMN}\" \
             data-base=\"{BASE}\" data-search=\"{search}\" data-hint=\"{hint}\" data-matched=\"{matched}\">\n\
             <title>{title}</title>\n<style>{style}</style>\n\
             <text id=\"title\" x=\"50%\" y=\"26\" text-anchor=\"middle\">{title}</text>\n\
             <text id=\"sub\" x=\"50%\" y=\"46\" text-anchor=\"middle\">{sub}</text>\n\
             <text id=\"reset\" x=\"100%\" dx=\"-10\" y=\"24\" text-anchor=\"end\" style=\"display:none\">{reset}</text>\n",
                lang = texts.lang().id(),
                search = word("flame-search"),
                hint = word("flame-search-hint"),
                matched = word("flame-matched"),
                style = STYLE.replace("FONT", &font),
                sub = escape(&self.subtitle()),
                reset = word("flame-reset"),
            ),
        );
    }

    /// The kinds that occur in the picture, or what red and blue are.
    fn legend(&self, out: &mut String) {
        let scheme = self.options.scheme;
        let mut keys: Vec<(String, String)> = Vec::new();
        match scheme {
            Scheme::Difference => {
                keys.push((color::change_sample(0.6), self.texts.word("flame-more")));
                keys.push((color::change_sample(-0.6), self.texts.word("flame-less")));
            }
            Scheme::Module => {}
            Scheme::OnCpu | Scheme::OffCpu => {
                let drawn = |wanted: &dyn Fn(&Label) -> bool| {
                    self.layout.bars.iter().any(|bar| self.graph.label(bar.node).is_some_and(wanted))
                };
                for (kind, word) in KINDS {
                    if drawn(&|label| label.kind == kind && !label.inlined) {
                        keys.push((color::sample(scheme, kind, false), self.texts.word(word)));
                    }
                }
                if drawn(&|label| label.inlined) {
                    let pale = color::sample(scheme, Some(FrameKind::User), true);
                    keys.push((pale, self.texts.word("flame-kind-inlined")));
                }
            }
        }
        let mut x = f64::from(MARGIN);
        for (colour, word) in keys {
            put(
                out,
                format_args!(
                    "<rect x=\"{x:.0}\" y=\"60\" width=\"11\" height=\"11\" fill=\"{colour}\"/>\
                 <text class=\"key\" x=\"{:.0}\" y=\"70\">{}</text>\n",
                    x + 16.0,
                    escape(&word),
                ),
            );
            x += 16.0 + (crate::layout::width(&word) as f64 + 2.0) * COLUMN;
        }
    }

    /// One bar.
    fn bar(&self, out: &mut String, bar: Bar) {
        let Some(node) = self.graph.nodes.get(bar.node as usize) else { return };
        let everything = (self.graph.total() as f64).max(1.0);
        let share = if bar.node == 0 { 1.0 } else { node.total as f64 / everything };
        let left = bar.start as f64 / everything;
        let label = self.graph.label(bar.node);
        let name = label.map_or_else(|| self.texts.word("flame-all"), |label| label.name.clone());
        let heat = self.graph.change(bar.node).map_or(0.0, |change| change.heat);
        let fill = match label {
            Some(label) => color::of(self.options.scheme, label, heat),
            None if self.options.scheme == Scheme::Difference => color::change_sample(0.0),
            None => color::ROOT.to_owned(),
        };
        let (x, w) = (percent(left), percent(share));
        put(
            out,
            format_args!(
                "<g><title>{}</title><rect x=\"{x}%\" width=\"{w}%\" height=\"{}\" fill=\"{fill}\"/>",
                escape(&self.details(&name, label, bar.node)),
                LEVEL - 1,
            ),
        );
        let room = share * f64::from(self.width - 2 * MARGIN) - 6.0;
        if room >= 3.0 * COLUMN {
            let text = fit(&clean(&name), columns(room));
            put(out, format_args!("<text x=\"{x}%\" dx=\"3\" y=\"{BASE}\">{}</text>", escape(&text)));
        }
        out.push_str("</g>\n");
    }

    /// The line for details, what was left out, and the script.
    fn foot(&self, out: &mut String, height: u32) {
        put(
            out,
            format_args!(
                "<text id=\"details\" x=\"{MARGIN}\" y=\"{}\"> </text>\n\
             <text id=\"matched\" x=\"100%\" dx=\"-10\" y=\"{}\" text-anchor=\"end\"> </text>\n\
             <text id=\"foot\" x=\"{MARGIN}\" y=\"{}\">{}</text>\n\
             <script><![CDATA[\n{SCRIPT}]]></script>\n</svg>\n",
                height - 30,
                height - 30,
                height - 10,
                escape(&self.notes().join(" · ")),
            ),
        );
    }
}

const USER: Option<FrameKind> = Some(FrameKind::User);

/// Kinds with the words for them, in the order of the legend.
const KINDS: [(Option<FrameKind>, &str); 5] = [
    (USER, "flame-kind-user"),
    (Some(FrameKind::Kernel), "flame-kind-kernel"),
    (Some(FrameKind::Jit), "flame-kind-jit"),
    (Some(FrameKind::Unknown), "flame-kind-unknown"),
    (None, "flame-kind-thread"),
];

/// Writing to a text cannot fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// A share in percent, exact enough to zoom into the narrowest bar.
fn percent(share: f64) -> String {
    let text = format!("{:.5}", share * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixels of a picture, not negative")]
fn columns(pixels: f64) -> usize {
    (pixels / COLUMN) as usize
}

/// A text for XML. Control characters are gone by then; what XML 1.0 has no place for becomes U+FFFD.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
