//! Messages become sentences: the language tables, and how numbers are written for people.

mod josa;
mod locales;
mod quantity;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use perfuse_analyze::{Arg, Msg, Quantity};

pub use josa::josa;
pub use quantity::{grouped, quantity};

/// A language of the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Lang {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::En, Self::Ko];

    /// The code of ISO 639-1, also the value of `--lang` and of HTML's `lang`.
    pub fn id(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// The language of a locale name such as `ko`, `ko_KR.UTF-8` or `en_US`; `None` for `C`, `POSIX` and languages
    /// without a table.
    pub fn from_locale(locale: &str) -> Option<Self> {
        let language = locale.split(['_', '-', '.', '@']).next()?.to_ascii_lowercase();
        Self::ALL.into_iter().find(|lang| lang.id() == language)
    }

    /// The next one, for a key that goes round.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::En => Self::Ko,
            Self::Ko => Self::En,
        }
    }
}

/// The tables of one language, parsed.
type Bundle = FluentBundle<FluentResource>;

/// The texts of one language. Cheap to make and to clone: all share the tables, which are parsed once (2 MiB and 20 ms a
/// language).
#[derive(Clone)]
pub struct Texts {
    lang: Lang,
    bundle: Arc<Bundle>,
}

impl Texts {
    /// Loads the tables of a language. They are part of the program; what is wrong in them is found by a test and
    /// left out here.
    pub fn new(lang: Lang) -> Self {
        static TABLES: [OnceLock<Arc<Bundle>>; Lang::ALL.len()] = [const { OnceLock::new() }; Lang::ALL.len()];
        let bundle = TABLES[lang as usize].get_or_init(|| {
            let (bundle, problems) = load(lang, locales::files(lang));
            debug_assert!(problems.is_empty(), "{problems:#?}");
            Arc::new(bundle)
        });
        Self { lang, bundle: Arc::clone(bundle) }
    }

    /// Only what every part shares: golden files stay the same when rules get new names.
    #[cfg(test)]
    pub(crate) fn core(lang: Lang) -> Self {
        let files: Vec<_> =
            locales::files(lang).iter().filter(|(name, _)| ["core", "sixty"].contains(name)).copied().collect();
        Self { lang, bundle: Arc::new(load(lang, &files).0) }
    }

    /// The language.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// Whether there is such a message.
    pub fn has(&self, id: &str) -> bool {
        self.bundle.get_message(id).is_some_and(|message| message.value().is_some())
    }

    /// A message in words. An id that no table has is a bug; it stands in the text between angle marks, so that
    /// the rest of the report is still of use.
    pub fn text(&self, message: &Msg) -> String {
        let found = self.try_text(message);
        debug_assert!(found.is_some(), "no message `{}` in {}", message.id, self.lang.id());
        found.unwrap_or_else(|| format!("⟨{}⟩", message.id))
    }

    /// A message without arguments in words; see [`Texts::text`].
    pub fn word(&self, id: &str) -> String {
        self.text(&Msg::new(id))
    }

    /// A message in words, if there is one with its id.
    pub fn try_text(&self, message: &Msg) -> Option<String> {
        let pattern = self.bundle.get_message(&message.id)?.value()?;
        let mut args = FluentArgs::with_capacity(message.args.len());
        for (name, arg) in &message.args {
            args.set(*name, self.value(arg));
        }
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(&args), &mut errors);
        debug_assert!(errors.is_empty(), "message `{}` in {}: {errors:?}", message.id, self.lang.id());
        Some(text.into_owned())
    }

    /// A number for people, with its unit.
    pub fn quantity(&self, value: Quantity) -> String {
        quantity(value, self.lang)
    }

    fn value(&self, arg: &Arg) -> FluentValue<'static> {
        match arg {
            Arg::Text(text) => FluentValue::from(text.clone()),
            Arg::Quantity(value) => FluentValue::from(self.quantity(*value)),
            Arg::Count(count) => FluentValue::from(*count),
            Arg::Msg(message) => FluentValue::from(self.text(message)),
        }
    }
}

/// The bundle of a language, and what is wrong with its tables.
fn load(lang: Lang, files: &[(&str, &str)]) -> (Bundle, Vec<String>) {
    let id = match lang {
        Lang::En => unic_langid::LanguageIdentifier::from_bytes(b"en"),
        Lang::Ko => unic_langid::LanguageIdentifier::from_bytes(b"ko"),
    };
    let mut bundle = FluentBundle::new_concurrent(vec![id.unwrap_or_default()]);
    let mut problems = Vec::new();
    // The marks that isolate text directions would come out as noise on a terminal.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(|value, _| match value {
        FluentValue::Number(number) => Some(grouped(number.value, 0)),
        _ => None,
    }));
    problems.extend(add_functions(&mut bundle));
    for (file, source) in files {
        let resource = FluentResource::try_new((*source).to_owned()).unwrap_or_else(|(resource, errors)| {
            problems.extend(errors.iter().map(|error| format!("{}/{file}.ftl: {error}", lang.id())));
            resource
        });
        if let Err(errors) = bundle.add_resource(resource) {
            problems.extend(errors.iter().map(|error| format!("{}/{file}.ftl: {error}", lang.id())));
        }
    }
    (bundle, problems)
}

/// The functions that the tables may call.
fn add_functions(bundle: &mut Bundle) -> Vec<String> {
    let josa_of = bundle.add_function("JOSA", |positional, _| match positional {
        [value, FluentValue::String(pair)] => {
            plain(value).map_or(FluentValue::Error, |text| FluentValue::from(josa(&text, pair)))
        }
        _ => FluentValue::Error,
    });
    // A detail in brackets with a blank before it, nothing for an empty one.
    let paren = bundle.add_function("PAREN", |positional, _| match positional.first().and_then(plain) {
        Some(text) if text.trim().is_empty() => FluentValue::from(""),
        Some(text) => FluentValue::from(format!(" ({text})")),
        None => FluentValue::Error,
    });
    [josa_of, paren].into_iter().filter_map(Result::err).map(|error| format!("{error:?}")).collect()
}

fn plain(value: &FluentValue<'_>) -> Option<String> {
    match value {
        FluentValue::String(text) => Some(text.to_string()),
        FluentValue::Number(number) => Some(grouped(number.value, 0)),
        _ => None,
    }
}
