//! What the pages say, in each language. The files are `core/ui/words/*.json`: texts of the documents under `page`, those of the
//! modules under `script`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A language that the pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Language {
    #[default]
    English,
    Japanese,
}

impl Language {
    /// Reads a language tag (RFC 5646): its first part counts.
    pub(super) fn tagged(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next()?;
        [Self::English, Self::Japanese].into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }
}

/// All texts in one language.
pub(super) struct Words {
    page: BTreeMap<String, String>,
    /// The module that exports what the scripts say.
    module: String,
}

#[derive(Deserialize)]
struct File<'a> {
    page: BTreeMap<String, String>,
    #[serde(borrow)]
    script: &'a RawValue,
}

static ENGLISH: LazyLock<Words> = LazyLock::new(|| Words::read(super::ui!("words/en.json")));
static JAPANESE: LazyLock<Words> = LazyLock::new(|| Words::read(super::ui!("words/ja.json")));

impl Words {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Japanese => &JAPANESE,
        }
    }

    fn read(file: &str) -> Self {
        let file: File<'_> = serde_json::from_str(file).expect("tests read each file");
        Self { page: file.page, module: format!("export default {};\n", file.script) }
    }

    /// Returns a text of the documents.
    pub(super) fn text(&'static self, key: &str) -> Option<&'static str> {
        self.page.get(key).map(String::as_str)
    }

    pub(super) fn module(&'static self) -> &'static str {
        &self.module
    }
}
