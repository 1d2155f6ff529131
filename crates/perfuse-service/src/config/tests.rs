//! Mistakes with their places, in both languages, and the commented example.

use std::collections::BTreeSet;
use std::io;

use perfuse_analyze::status::{Engine, Memory};
use perfuse_render::{Lang, Texts};

use super::keys::Section;
use super::*;

const EXAMPLE: &str = include_str!("../../../../docs/perfuse.example.toml");

fn outside() -> Outside<'static> {
    Outside {
        file: &|path| match path.to_str() {
            Some("/secret") => Ok("hunter2\n".to_owned()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        },
        variable: &|name| match name {
            "PERFUSE_SLACK" => Some("https://hooks.example/hunter2".to_owned()),
            _ => name.starts_with("PERFUSE_").then(|| "hunter2".to_owned()),
        },
    }
}

fn config(text: &str) -> Config {
    parse(text, &outside()).unwrap_or_else(|errors| panic!("{}", told(&errors)))
}

fn told(errors: &[ConfigError]) -> String {
    let texts = Texts::new(Lang::En);
    errors.iter().map(|error| error.render("p.toml", |message| texts.text(message)) + "\n").collect()
}

/// The mistakes of a text, in English.
fn mistakes(text: &str) -> String {
    told(&parse(text, &outside()).expect_err("a mistake"))
}

const CHECK: &str = "[[component]]\nname = \"web\"\n[[component.check]]\n";

#[test]
fn the_example_is_right_and_has_every_key() {
    let config = config(EXAMPLE);
    assert_eq!(config.components.len(), 3);
    assert!(Engine::new(config.plan(), Memory::default()).is_ok());
    let mut there: BTreeSet<&str> = BTreeSet::new();
    for line in EXAMPLE.lines().map(str::trim_start).filter(|line| !line.starts_with('#')) {
        let header = line.trim_matches(|character| "[] ".contains(character));
        there.extend(line.split(" = ").take(1));
        there.extend(header.split('.'));
    }
    let of_kinds =
        [keys::CHECKS, keys::COLLECTORS, keys::ALERTS, keys::EXPORTS].into_iter().flatten().map(|(_, section)| section);
    for section in keys::SECTIONS.iter().copied().chain(of_kinds) {
        for key in section.all() {
            // One of the three ways to give a secret is shown each time; the comment at the top names them.
            let base = key.strip_suffix("_file").or_else(|| key.strip_suffix("_env")).unwrap_or(key);
            let shown = [base.to_owned(), format!("{base}_file"), format!("{base}_env")];
            assert!(shown.iter().any(|key| there.contains(key.as_str())), "{key} of [{}]", section.name);
        }
    }
    let kinds =
        |table: &[(&str, Section)]| table.iter().map(|(kind, _)| format!("kind = \"{kind}\"")).collect::<Vec<_>>();
    for kind in [keys::CHECKS, keys::COLLECTORS, keys::ALERTS, keys::EXPORTS].into_iter().flat_map(kinds) {
        assert!(EXAMPLE.contains(&kind), "{kind}");
    }
}

#[test]
fn nothing_shows_a_secret() {
    let config = config(EXAMPLE);
    assert_eq!(config.password.as_ref().map(Secret::reveal), Some("hunter2"));
    assert!(!format!("{config:?}").contains("hunter2"));
    for text in [
        "[auth]\npassword = [\"hunter2\"]\n",
        "[auth]\npasword = \"hunter2\"\n",
        "[auth]\npassword = \"hunter2\n",
        "auth = { password = \"hunter2\", tokn = \"x\" }\n",
        "[[alert]]\nkind = \"slack\"\nurl = \"ftp://x/hunter2\"\n",
        "[[alert]]\nkind = \"webhook\"\nurl = \"http://x\"\nheaders = { a = 1, Authorization = \"hunter2\" }\n",
        "[[collector]]\nkind = \"postgresql\"\nurl = \"pg://u:hunter2@h\"\n",
    ] {
        let told = mistakes(text);
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_mistake_has_its_place_what_was_expected_and_the_nearest_name() {
    let told = mistakes(&format!("{CHECK}kind = \"http\"\nurl = \"https://x/\"\ntimeuot = \"3s\"\n"));
    assert_eq!(told.lines().next(), Some("p.toml:6:1: [check http] has no key `timeuot`; there is: timeout"));
    let told = mistakes(&format!("{CHECK}kind = \"http\"\nurl = \"https://x/\"\n  every = \"10 parsecs\"\n"));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines,
        [
            "p.toml:6:11: `every` has to be a time such as \"30s\", \"5m\" or \"1h30m\", at most a year",
            "  |",
            "6 |   every = \"10 parsecs\"",
            "  |           ^^^^^^^^^^^^",
        ]
    );
    assert!(
        mistakes(&format!("{CHECK}kind = \"htpt\"\n"))
            .starts_with("p.toml:4:8: `htpt` is no kind of [[check]]; there is: http")
    );
    assert!(mistakes(&format!("{CHECK}name = \"x\"\n")).starts_with("p.toml:3:1: every [[check]] needs `kind`"));
    assert!(mistakes(&format!("{CHECK}kind = \"tcp\"\n")).starts_with("p.toml:3:1: [check tcp] needs `address`"));
    assert!(mistakes("listen = \n").starts_with("p.toml:1:10: this is not TOML: "));
    assert!(mistakes("listen = \"0.0.0.0:80\"\n").contains("loopback"));
    assert!(mistakes("listen = \"0.0.0.0:80\"\n[auth]\n").contains("loopback"), "an empty table protects nothing");
    assert!(mistakes("time_offset = \"+25:00\"\n").contains("hours and minutes ahead"));
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = format!("lsten = 1\n{CHECK}kind = \"dns\"\nrecord = \"X\"\nserver = \"y\"\n");
    let errors = parse(&text, &outside()).unwrap_err();
    let lines: Vec<usize> = errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, [1, 4, 6, 7]);
    // Words of both languages are there for every one of them.
    for lang in [Lang::En, Lang::Ko] {
        let texts = Texts::new(lang);
        for error in &errors {
            assert!(!texts.text(&error.message).contains("config-"), "{error:?}");
        }
    }
}

#[test]
fn components_know_each_other() {
    let two = "[[component]]\nname = \"a\"\nneeds = [\"b\"]\n[[component]]\nname = \"b\"\nneeds = [\"NAME\"]\n";
    assert!(
        mistakes(&two.replace("NAME", "a"))
            .starts_with("p.toml:3:9: components need each other in a circle: a → b → a")
    );
    assert!(mistakes(&two.replace("NAME", "c")).starts_with("p.toml:6:9: `c` is no component; there is: "));
    assert!(
        mistakes("[[component]]\nname = \"a\"\n[[component]]\nname = \"a\"\n").starts_with("p.toml:4:8: the name `a`")
    );
    let text = "[[maintenance]]\ncomponents = [\"x\"]\nat = \"02:00\"\nfor = \"1h\"\n";
    assert!(mistakes(text).starts_with("p.toml:2:14: `x` is no component"));
}

#[test]
fn secrets_come_from_one_place() {
    assert_eq!(config("[auth]\npassword_file = \"/secret\"\n").password.unwrap().reveal(), "hunter2");
    assert!(
        mistakes("[auth]\npassword_file = \"/none\"\n")
            .starts_with("p.toml:2:17: the secret in /none could not be read")
    );
    assert!(mistakes("[auth]\npassword_env = \"NONE\"\n").contains("no variable NONE"));
    assert!(mistakes("[auth]\npassword = \"a\"\npassword_env = \"PERFUSE_X\"\n").contains("only one of"));
}

#[test]
fn those_who_are_told_and_those_who_get_series_have_names_of_their_own() {
    let slack = "[[alert]]\nkind = \"slack\"\nurl = \"http://x\"\n";
    assert!(mistakes(&slack.repeat(2)).starts_with("p.toml:4:1: the name `slack` is there twice"));
    let export = "[[export]]\nkind = \"otlp\"\nurl = \"http://x\"\n";
    assert!(mistakes(&export.repeat(2)).starts_with("p.toml:4:1: the name `otlp` is there twice"));
    assert!(mistakes(&format!("{export}every = \"500ms\"\n")).contains("whole seconds"));
    assert!(mistakes("[[export]]\nkind = \"remote-write\"\n").contains("needs `url`"));
    assert!(mistakes("[[export]]\nkind = \"remote\"\nurl = \"http://x\"\n").contains("remote-write"));
}

#[test]
fn templates_and_addresses_are_looked_at_before_they_are_needed() {
    let hook = "[[alert]]\nkind = \"webhook\"\nurl = \"http://x\"\n";
    assert!(mistakes(&format!("{hook}template = \"{{{{ componnt }}}}\"\n")).contains("component, title, state"));
    config(&format!("{hook}template = \"{{{{ component }}}}\"\n"));
    let mail = "[[alert]]\nkind = \"email\"\nserver = \"x:25\"\nfrom = \"a@b.c\"\nto = [\"d@e.f\", \"nobody\"]\n";
    assert!(mistakes(mail).starts_with("p.toml:5:6: `to` has to be an address such as"));
}

#[test]
fn urls_of_databases_say_what_they_want_of_tls() {
    use super::trust::{Encrypt, Verify};
    let of = |lines: &str| {
        let CheckKind::PostgreSql(sql) = &config(&format!("{CHECK}{lines}")).components[0].checks[0].kind else {
            panic!("{lines}")
        };
        (sql.server.url.clone(), sql.server.encrypt, sql.server.trust.verify)
    };
    let plain = "kind = \"postgresql\"\nurl = \"postgresql://u@h/d?connect_timeout=3&MODE\"\n";
    let url = "postgresql://u@h/d?connect_timeout=3".to_owned();
    for (mode, more, encrypt, verify) in [
        ("sslmode=disable", "", Encrypt::Never, Verify::Nothing),
        ("sslmode=require", "", Encrypt::Always, Verify::Nothing),
        ("sslmode=require", "ca_file = \"/ca.pem\"\n", Encrypt::Always, Verify::Issuer),
        ("sslmode=verify-ca", "", Encrypt::Always, Verify::Issuer),
        ("sslmode=verify-full", "", Encrypt::Always, Verify::All),
        ("ssl-mode=VERIFY_IDENTITY", "", Encrypt::Always, Verify::All),
    ] {
        let found = of(&(plain.replace("MODE", mode) + more));
        assert_eq!(found, (url.clone(), encrypt, verify), "{mode} {more}");
    }
    let none = plain.replace("&MODE", "");
    assert_eq!(of(&none), (url.clone(), Encrypt::IfOffered, Verify::Nothing));
    assert_eq!(of(&format!("{none}ca_file = \"/ca.pem\"\n")), (url.clone(), Encrypt::Always, Verify::All));
    assert_eq!(of(&format!("{none}insecure = true\n")), (url, Encrypt::Always, Verify::Nothing));
    let wrong = mistakes(&format!("{CHECK}{}", plain.replace("MODE", "sslmode=maybe").replace("u@h", "u:hunter2@h")));
    assert!(
        wrong.contains("disable, prefer, require, verify-ca, verify-full") && !wrong.contains("hunter2"),
        "{wrong}"
    );
    let both = plain.replace("MODE", "sslmode=verify-full") + "insecure = true\n";
    assert!(mistakes(&format!("{CHECK}{both}")).contains("left out"));
    let half = format!("{CHECK}kind = \"http\"\nurl = \"https://h/\"\ncert_file = \"/c.pem\"\n");
    assert!(mistakes(&half).contains("needs `key_file`"));
}

#[test]
fn a_cluster_has_encryption_and_a_user() {
    let of = |lines: &str| {
        let CheckKind::Kafka(kafka) =
            &config(&format!("{CHECK}kind = \"kafka\"\nbrokers = [\"b:9092\"]\n{lines}")).components[0].checks[0].kind
        else {
            panic!("{lines}")
        };
        (kafka.cluster.tls.is_some(), kafka.cluster.login.as_ref().map(|login| login.mechanism.name()))
    };
    assert_eq!(of(""), (false, None));
    assert_eq!(of("encryption = \"tls\"\n"), (true, None));
    assert_eq!(of("ca_file = \"/ca.pem\"\n"), (true, None));
    let user = "username = \"u\"\npassword_env = \"PERFUSE_X\"\n";
    assert_eq!(of(user), (false, Some("SCRAM-SHA-512")));
    assert_eq!(of(&format!("{user}mechanism = \"plain\"\n")), (false, Some("PLAIN")));
    let half = format!("{CHECK}kind = \"kafka\"\nbrokers = [\"b:9092\"]\nmechanism = \"plain\"\n");
    let told = mistakes(&half);
    assert!(told.contains("needs `username`") && told.contains("needs `password`"), "{told}");
}

#[test]
fn windows_are_those_of_the_place() {
    let text = "time_offset = \"+09:00\"\n[[maintenance]]\nstart = 2026-11-29T02:00:00\nfor = \"90m\"\n";
    let saturday_17_utc = 1_795_885_200_000;
    let when = &config(text).maintenance[0].when;
    assert_eq!(when.next(0), Some((saturday_17_utc, saturday_17_utc + 90 * 60_000)));
    let weekly = "time_offset = \"+09:00\"\n[[maintenance]]\ndays = [\"sun\"]\nat = \"02:00\"\nfor = \"90m\"\n";
    assert!(config(weekly).maintenance[0].when.holds(saturday_17_utc));
    assert!(mistakes(&text.replace("for = \"90m\"", "end = 2026-11-28")).contains("after `start`"));
}

#[test]
fn durations_add_up_and_have_bounds() {
    let seconds = |text| duration(text).map(|time| time.as_secs_f64());
    assert_eq!(seconds("1h 30m"), Some(5400.0));
    assert_eq!(seconds("250ms"), Some(0.25));
    for bad in ["", "5", "s", "-1s", "1.5s", "1y", "0s", "400d", "99999999999999999999s", "18446744073709551615d"] {
        assert_eq!(duration(bad), None, "{bad}");
    }
}
