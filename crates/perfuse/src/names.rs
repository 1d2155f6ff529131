//! Which language to speak, known before the command line is parsed: its help is in it.

use std::ffi::OsString;

use perfuse_render::Lang;

/// `--lang` wins, then the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set and not empty; English otherwise.
pub(crate) fn language(arguments: &[OsString], environment: impl Fn(&str) -> Option<String>) -> Lang {
    let mut rest = arguments.iter().skip(1).filter_map(|argument| argument.to_str());
    while let Some(argument) = rest.next() {
        let value = match argument.strip_prefix("--lang") {
            Some("") => rest.next(),
            Some(value) => value.strip_prefix('='),
            None if argument == "--" => break,
            None => continue,
        };
        if let Some(lang) = value.and_then(Lang::from_locale) {
            return lang;
        }
    }
    let locale =
        ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| environment(name).filter(|v| !v.is_empty()));
    locale.and_then(|locale| Lang::from_locale(&locale)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_wins_over_the_environment() {
        let line = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let korean = |name: &str| (name == "LANG").then(|| "ko_KR.UTF-8".to_owned());
        assert_eq!(language(&line(&["perfuse", "use"]), korean), Lang::Ko);
        assert_eq!(language(&line(&["perfuse", "use", "--lang", "en"]), korean), Lang::En);
        assert_eq!(language(&line(&["perfuse", "--lang=en", "use"]), korean), Lang::En);
        assert_eq!(language(&line(&["perfuse"]), |_| None), Lang::En);
        let both = |name: &str| Some(if name == "LC_ALL" { "C" } else { "ko_KR" }.to_owned());
        assert_eq!(language(&line(&["perfuse"]), both), Lang::En);
    }
}
