//! What a page is written in, and for whom: its reader's language, theme and role.

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

use super::words::{Language, Words};
use crate::http::front::session::Me;
use crate::identity::Role;
use crate::session::Cookies;

/// The cookie by which a browser remembers the language that its reader chose. Pages set it themselves.
const LANGUAGE_COOKIE: &str = "llm_gateway_language";

/// The same for the theme.
const THEME_COOKIE: &str = "llm_gateway_theme";

/// Dark on light, or light on dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Theme {
    /// As the reader's system has it.
    System,
    Light,
    Dark,
}

/// What every page needs to know.
#[derive(Debug, Clone)]
pub(in crate::http::front) struct View {
    language: Language,
    theme: Theme,
    /// Who is looking, where the page is for somebody.
    viewer: Option<Me>,
}

impl View {
    /// Reads what the browser asks for: what its reader chose, else what it prefers.
    pub(in crate::http::front) fn of(headers: &HeaderMap) -> Self {
        let cookies = Cookies::of(headers);
        let chosen = cookies.value(LANGUAGE_COOKIE).and_then(Language::tagged);
        let preferred = || headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).map(preferred);
        let theme = match cookies.value(THEME_COOKIE) {
            Some("light") => Theme::Light,
            Some("dark") => Theme::Dark,
            _ => Theme::System,
        };
        Self { language: chosen.or_else(preferred).unwrap_or_default(), theme, viewer: None }
    }

    pub(super) fn seen_by(self, viewer: Me) -> Self {
        Self { viewer: Some(viewer), ..self }
    }

    /// Returns what a text is in the reader's language.
    pub(super) fn t(&self, key: &'static str) -> &'static str {
        self.text(key).unwrap_or(key)
    }

    /// Returns the same for a key that may have no text.
    pub(super) fn text(&self, key: &str) -> Option<&'static str> {
        Words::of(self.language).text(key)
    }

    pub(super) fn language(&self) -> &'static str {
        self.language.tag()
    }

    pub(super) fn is_language(&self, tag: &str) -> bool {
        self.language.tag() == tag
    }

    pub(super) fn theme(&self) -> &'static str {
        match self.theme {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub(super) fn is_theme(&self, name: &str) -> bool {
        self.theme() == name
    }

    pub(super) fn email(&self) -> &str {
        self.viewer.as_ref().map_or("", |me| me.user.email.as_str())
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.viewer.as_ref()?.user.name.as_deref()
    }

    /// Returns the viewer's role as the API names it.
    pub(super) fn role(&self) -> &'static str {
        match self.highest_role() {
            Role::User => "user",
            Role::Admin => "admin",
            Role::SuperAdmin => "super_admin",
        }
    }

    pub(super) fn role_name(&self) -> &'static str {
        self.t(match self.highest_role() {
            Role::User => "role.user",
            Role::Admin => "role.admin",
            Role::SuperAdmin => "role.super_admin",
        })
    }

    pub(super) fn is_admin(&self) -> bool {
        self.highest_role() >= Role::Admin
    }

    pub(super) fn is_super_admin(&self) -> bool {
        self.highest_role() >= Role::SuperAdmin
    }

    fn highest_role(&self) -> Role {
        self.viewer.as_ref().map_or(Role::User, Me::role)
    }
}

/// Returns which of our languages a browser prefers (RFC 9110 §12.5.4).
fn preferred(accepted: &str) -> Language {
    let ranges = accepted.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let language = Language::tagged(parts.next()?)?;
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
        (weight > 0).then_some((weight, language))
    });
    // Of those it likes as much, the first.
    let best = ranges.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map_or_else(Language::default, |(_, language)| language)
}

/// Reads a weight: at most one, with three decimals at most.
fn thousandths(weight: &str) -> u16 {
    match weight.split_once('.') {
        Some(("0", decimals)) => format!("{decimals:0<3}").parse().unwrap_or(0),
        _ => u16::from(weight.starts_with('1')) * 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(headers: &[(&'static str, &str)]) -> View {
        let pairs = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        View::of(&pairs.collect())
    }

    #[test]
    fn takes_the_language_that_the_browser_prefers() {
        for (accepted, expected) in [
            ("ja", "ja"),
            ("ja-JP,en;q=0.9", "ja"),
            ("en-GB, en;q=0.9, ja;q=0.8", "en"),
            ("en;q=0.2,ja;q=0.75", "ja"),
            ("JA", "ja"),
            ("en;q=0,ja;q=0.001", "ja"),
            ("de, fr;q=0.5", "en"),
            ("jam", "en"),
            ("*", "en"),
            ("ja;q=0", "en"),
            ("ja;q=x", "en"),
            ("", "en"),
        ] {
            assert_eq!(view(&[("accept-language", accepted)]).language(), expected, "{accepted}");
        }
        assert_eq!(view(&[]).language(), "en");
    }

    #[test]
    fn takes_what_the_reader_chose_before_what_the_browser_prefers() {
        let chosen = view(&[("accept-language", "en"), ("cookie", "llm_gateway_language=ja; llm_gateway_theme=dark")]);
        assert_eq!((chosen.language(), chosen.theme()), ("ja", "dark"));
        let strange =
            view(&[("accept-language", "ja"), ("cookie", "llm_gateway_language=\"><script>; llm_gateway_theme=x")]);
        assert_eq!((strange.language(), strange.theme()), ("ja", "system"));
    }
}
