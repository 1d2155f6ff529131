use std::collections::BTreeMap;

use perfuse_analyze::flame::Options;
use perfuse_analyze::folded;
use perfuse_analyze::profile::{Profile, WeightUnit};

use super::*;
use crate::golden;
use crate::i18n::Lang;

fn profile(text: &str) -> Profile {
    folded::parse(text.as_bytes(), "samples", WeightUnit::Count).unwrap()
}

fn picture(text: &str, options: &FlameOptions, lang: Lang) -> String {
    let graph = FlameGraph::build(&profile(text), 0, Options::default());
    render(&graph, options, &Texts::new(lang))
}

const STACKS: &str = "app;main;work;hash 30\napp;main;work;copy_[i] 5\napp;main;read;read_[k];vfs_read_[k] 20\n\
    node;main;loop_[j] 25\nnode;[libc.so.6] 20\n";

#[test]
fn the_pictures() {
    for lang in Lang::ALL {
        golden::check(&format!("flame-{}.svg", lang.id()), &picture(STACKS, &FlameOptions::default(), lang));
    }
}

/// The first text that stands between `before` and `after` behind each occurrence of `before`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
}

#[test]
fn every_bar_has_its_place_text_and_details() {
    let svg = picture(STACKS, &FlameOptions::default(), Lang::En);
    let bar = svg.lines().find(|line| line.contains(">hash<")).unwrap();
    assert!(bar.contains("x=\"25%\" width=\"30%\""), "{bar}");
    let titles = between(&svg, "<g><title>", "</title>");
    assert!(titles.contains(&"hash\n\n30 samples · 30%"), "{titles:?}");
    assert!(titles.contains(&"vfs_read\nkernel\n20 samples · 20%"), "{titles:?}");
    assert!(titles.contains(&"copy\ninlined\n5 samples · 5%"), "{titles:?}");
    assert!(svg.contains(">100 samples</text>"), "the subtitle");
    for word in ["program", "kernel", "just-in-time compiled", "unknown function", "inlined"] {
        assert!(svg.contains(&format!("y=\"70\">{word}<")), "{word}");
    }
}

#[test]
fn the_root_is_below_and_in_an_icicle_on_top() {
    let rows = |icicle| {
        let svg = picture(STACKS, &FlameOptions { icicle, ..FlameOptions::default() }, Lang::En);
        between(&svg, "translate(0,", ")").iter().map(|y| y.parse::<u32>().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(rows(false), [85, 68, 51, 34, 17, 0]);
    assert_eq!(rows(true), [0, 17, 34, 51, 68, 85]);
}

#[test]
fn the_words_are_those_of_the_language() {
    let svg = picture(STACKS, &FlameOptions::default(), Lang::Ko);
    for word in ["플레임 그래프", "확대 해제", "샘플 100개", "data-matched=\"일치\"", "lang=\"ko\"", ">전체<"]
    {
        assert!(svg.contains(word), "{word}");
    }
}

#[test]
fn hostile_names_stay_text() {
    let names = "a<script>alert(1)</script>&\"']]>;\u{1b}[31m\u{202e}x\u{ffff};Vec<T>::push 9\n";
    let svg = picture(names, &FlameOptions { title: Some("<b>&".to_owned()), ..FlameOptions::default() }, Lang::En);
    assert_eq!(svg.matches("<script").count(), 1);
    assert!(svg.contains("a&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;']]&gt;"), "{svg}");
    assert!(svg.contains("Vec&lt;T&gt;::push") && svg.contains(">&lt;b&gt;&amp;<"));
    for forbidden in ["\u{1b}", "\u{202e}", "\u{ffff}", "onload", "http://www.w3.org/1999/xlink"] {
        assert!(!svg.contains(forbidden), "{forbidden:?}");
    }
    // Nothing is fetched from anywhere: the only addresses are names of namespaces.
    let addresses: Vec<_> =
        between(&svg, "http", "'").into_iter().filter(|rest| !rest.contains("www.w3.org")).collect();
    assert!(addresses.is_empty(), "{addresses:?}");
    let font = FlameOptions { font: "x;}</style><script>\"".to_owned(), ..FlameOptions::default() };
    assert_eq!(picture(names, &font, Lang::En).matches("<script").count(), 1);
}

#[test]
fn texts_fit_into_their_bars() {
    let long = "a_function_with_a_name_that_is_longer_than_its_bar_is_wide";
    let svg = picture(&format!("x;{long} 5\nx;other 95\n"), &FlameOptions::default(), Lang::En);
    let texts = between(&svg, "y=\"12\">", "<");
    assert!(texts.contains(&"a_funct…") || texts.contains(&"a_func…"), "{texts:?}");
    assert!(svg.contains(&format!("<title>{long}\n")));
}

#[test]
fn a_difference_tells_before_and_now() {
    let (before, after) =
        (profile("app;main;work 60\napp;main;old 20\n"), profile("app;main;work 30\napp;main;new 10\n"));
    let graph = FlameGraph::compare(&after, 0, (&before, 0), Options::default(), true);
    let options = FlameOptions { scheme: Scheme::Difference, normalized: true, ..FlameOptions::default() };
    let svg = render(&graph, &options, &Texts::new(Lang::En));
    assert!(svg.contains("new\n\n10 samples · 25% · before 0%, now 25%"));
    assert!(svg.contains("25% of the time before is in functions that do not occur any more"));
    let fill = |name: &str| {
        let bar = svg.lines().skip_while(|line| !line.contains(&format!("<title>{name}"))).nth(2).unwrap();
        between(bar, "fill=\"", "\"")[0].to_owned()
    };
    assert_eq!(fill("work"), fill("main"));
    assert_ne!(fill("new"), fill("work"));
}

/// A hundred thousand frames: what is too narrow is left out and counted, and the file stays small.
#[test]
fn many_frames_make_no_large_file() {
    let mut state = 1_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut lines = BTreeMap::new();
    for _ in 0..14_000 {
        let depth = 4 + random(20);
        let frames: Vec<String> = (0..depth).map(|level| format!("module::function_{}", random(2 + level))).collect();
        *lines.entry(frames.join(";")).or_insert(0_u64) += 1 + random(9);
    }
    let text = lines.iter().map(|(stack, weight)| format!("{stack} {weight}")).collect::<Vec<_>>().join("\n");
    let graph = FlameGraph::build(&profile(&text), 0, Options::default());
    assert!(graph.nodes.len() > 100_000, "{}", graph.nodes.len());
    let svg = render(&graph, &FlameOptions::default(), &Texts::new(Lang::En));
    let drawn = svg.matches("<rect").count();
    assert!(svg.len() < 5_000_000, "{} bytes for {drawn} bars", svg.len());
    let told = between(&svg, "id=\"foot\" x=\"10\" y=\"", "<")[0].split('>').nth(1).unwrap().to_owned();
    let left_out: usize = told.split(' ').next().unwrap().replace(',', "").parse().unwrap();
    // One square in the legend is no bar.
    assert_eq!(left_out + drawn - 1, graph.nodes.len(), "{told}");
}

#[test]
fn nothing_at_all_is_a_picture_too() {
    let svg = picture("", &FlameOptions::default(), Lang::En);
    assert!(svg.contains("no samples") && svg.contains("width=\"100%\""), "{svg}");
}
