//! Names for providers: one for each place and key.

use super::deployment::Deployment;
use super::endpoint::{Base, Endpoint, Key, Kind};

/// Longest name of a provider.
const LONGEST: usize = 32;

/// Providers that take their key from the variable that everybody knows, if it is for their official place.
const STANDARD: [(Kind, &str); 2] = [(Kind::Anthropic, "ANTHROPIC_API_KEY"), (Kind::Openai, "OPENAI_API_KEY")];

/// Says whether a provider's name is one of those that take their key from the variable that everybody knows.
pub(super) fn is_standard(name: &str) -> bool {
    STANDARD.iter().any(|(kind, _)| kind.name() == name)
}

/// Names every endpoint that a model uses, in the order in which they come up.
pub(super) fn name(models: &[Deployment]) -> Vec<(String, Endpoint)> {
    let mut named: Vec<(String, Endpoint)> = Vec::new();
    for endpoint in models.iter().map(|model| &model.endpoint) {
        if named.iter().any(|(_, other)| other == endpoint) {
            continue;
        }
        let is_standard = |(kind, variable): &(Kind, &str)| {
            *kind == endpoint.kind
                && endpoint.base == Base::Official
                && endpoint.key == Key::Variable((*variable).to_owned())
        };
        let name = match STANDARD.iter().find(|standard| is_standard(standard)) {
            Some((kind, _)) => kind.name().to_owned(),
            None => free(&base_name(endpoint), &named),
        };
        named.push((name, endpoint.clone()));
    }
    named
}

/// Returns what a provider would be called if it were the only one.
fn base_name(endpoint: &Endpoint) -> String {
    let text = match &endpoint.base {
        Base::Official => endpoint.kind.name(),
        Base::Url(url) => url.host_str().unwrap_or_default(),
        Base::Variable(name) => name.trim_end_matches("_API_BASE").trim_end_matches("_BASE_URL"),
    };
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut name = words.collect::<Vec<_>>().join("_").to_ascii_lowercase();
    // Room for the number that makes a name the only one of its kind.
    name.truncate(LONGEST - 4);
    let name = name.trim_end_matches('_');
    if name.is_empty() { endpoint.kind.name().to_owned() } else { name.to_owned() }
}

/// Returns a name that no other provider has. The kinds' own names stay with their official places and keys, for which
/// they take the variables that everybody knows.
fn free(name: &str, named: &[(String, Endpoint)]) -> String {
    let is_taken = |candidate: &str| is_standard(candidate) || named.iter().any(|(other, _)| other == candidate);
    let numbered = (2..).map(|number: u32| format!("{name}_{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|candidate| !is_taken(candidate)).unwrap_or_default()
}
