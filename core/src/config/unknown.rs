//! Errors of the configuration's types, in words for operators: no value is repeated, and the nearest known key is named.

/// How unlike a known key an unknown one may be to be taken for a slip (Jaro-Winkler, 1 is equality).
const LIKENESS: f64 = 0.75;

/// Puts a message of the types into words for operators. What it does not recognise stays as it is.
pub(super) fn explain(message: &str) -> String {
    let message = message.trim_end();
    if let Some((key, known)) = unknown(message, "unknown field ") {
        let nearest = nearest(key, &known).map(|name| format!("; did you mean {name:?}?")).unwrap_or_default();
        return format!("unknown key {key:?}{nearest} (known are: {})", known.join(", "));
    }
    if let Some((_, known)) = unknown(message, "unknown variant ") {
        return format!("must be one of: {}", known.join(", "));
    }
    match message.rsplit_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid type: ") || found.starts_with("invalid value: ") => {
            format!("must be {expected}")
        }
        _ => message.to_owned(),
    }
}

/// Splits such as "unknown field `x`, expected one of `a`, `b`" into what was found and what is known.
fn unknown<'a>(message: &'a str, beginning: &str) -> Option<(&'a str, Vec<&'a str>)> {
    let mut names = message.strip_prefix(beginning)?.split('`').skip(1).step_by(2);
    Some((names.next()?, names.collect()))
}

fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let likeness = |name: &&str| strsim::jaro_winkler(key, name);
    let nearest = known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&nearest) >= LIKENESS).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_nearest_known_key() {
        let told = explain("unknown field `listen_on`, expected one of `listen`, `public_url`");
        assert_eq!(told, "unknown key \"listen_on\"; did you mean \"listen\"? (known are: listen, public_url)");
        let told = explain("unknown field `zzz`, expected `listen` or `public_url`");
        assert_eq!(told, "unknown key \"zzz\" (known are: listen, public_url)");
    }

    #[test]
    fn repeats_no_value() {
        assert_eq!(explain("unknown variant `hunter2`, expected `echo` or `openai`"), "must be one of: echo, openai");
        assert_eq!(explain("invalid type: string \"hunter2, expected\", expected u32"), "must be u32");
        assert_eq!(explain("a duration is written such as \"30s\""), "a duration is written such as \"30s\"");
    }
}
