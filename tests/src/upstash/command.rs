use serde_json::value::RawValue;
use url::form_urlencoded;

/// Commands that concern the connection, or answer more than once. Redis would take them, Upstash does not.
const UNAVAILABLE: [&str; 18] = [
    "AUTH",
    "CLIENT",
    "DISCARD",
    "EXEC",
    "HELLO",
    "MONITOR",
    "MULTI",
    "PSUBSCRIBE",
    "PSYNC",
    "PUNSUBSCRIBE",
    "QUIT",
    "RESET",
    "SELECT",
    "SSUBSCRIBE",
    "SUBSCRIBE",
    "SYNC",
    "UNWATCH",
    "WATCH",
];

/// A command's name and its arguments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Command(pub(crate) Vec<Vec<u8>>);

/// Why a request holds no command.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Malformed {
    #[error("ERR failed to parse command")]
    Command,
    #[error("ERR failed to parse pipeline request")]
    Pipeline,
    #[error("ERR empty command")]
    EmptyCommand,
    #[error("ERR empty pipeline request")]
    EmptyPipeline,
}

impl Command {
    /// Reads a command as a JSON array.
    ///
    /// # Errors
    ///
    /// - [`Malformed`] if it is none, has nothing in it, or has something that is neither text, number nor boolean.
    pub(super) fn from_json(body: &[u8]) -> Result<Self, Malformed> {
        let arguments: Vec<&RawValue> = serde_json::from_slice(body).map_err(|_| Malformed::Command)?;
        Self::from_arguments(&arguments)
    }

    /// Reads the commands of a pipeline or a transaction.
    ///
    /// # Errors
    ///
    /// - [`Malformed`] if one of them is no command, or there is none.
    pub(super) fn list_from_json(body: &[u8]) -> Result<Vec<Self>, Malformed> {
        let commands: Vec<Vec<&RawValue>> = serde_json::from_slice(body).map_err(|_| Malformed::Pipeline)?;
        if commands.is_empty() {
            return Err(Malformed::EmptyPipeline);
        }
        commands.iter().map(|arguments| Self::from_arguments(arguments)).collect()
    }

    /// Reads a command from `/SET/key?EX=100` and the body, which is the last argument before those of the query.
    ///
    /// # Errors
    ///
    /// - [`Malformed::EmptyCommand`] if the path has no name.
    pub(super) fn from_path(path: &str, query: Option<&str>, body: &[u8]) -> Result<Self, Malformed> {
        let mut arguments: Vec<_> = path.trim_start_matches('/').split('/').map(percent_decoded).collect();
        if arguments.first().is_none_or(Vec::is_empty) {
            return Err(Malformed::EmptyCommand);
        }
        if !body.is_empty() {
            arguments.push(body.to_vec());
        }
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            arguments.push(name.into_owned().into_bytes());
            if !value.is_empty() {
                arguments.push(value.into_owned().into_bytes());
            }
        }
        Ok(Self(arguments))
    }

    /// Returns why Upstash would not take this command from anybody, if it would not.
    pub(super) fn refusal(&self) -> Option<String> {
        let name = String::from_utf8_lossy(&self.0[0]).to_ascii_uppercase();
        UNAVAILABLE
            .contains(&name.as_str())
            .then(|| format!("ERR Command \"{name}\" is not allowed in REST or it has a special context path"))
    }

    fn from_arguments(arguments: &[&RawValue]) -> Result<Self, Malformed> {
        if arguments.is_empty() {
            return Err(Malformed::EmptyCommand);
        }
        arguments.iter().map(|argument| bytes(argument)).collect::<Option<_>>().map(Self).ok_or(Malformed::Command)
    }
}

/// Returns a text's bytes; a number or a boolean is taken as it was written.
fn bytes(argument: &RawValue) -> Option<Vec<u8>> {
    let written = argument.get();
    match written.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(written).ok().map(String::into_bytes),
        b'{' | b'[' | b'n' => None,
        _ => Some(written.as_bytes().to_vec()),
    }
}

/// Decodes a part of a path (RFC 3986 §2.1). A percent sign that starts no byte stands for itself.
fn percent_decoded(part: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let byte = after.get(..2).filter(|_| first == b'%').and_then(|digits| {
            let digits = str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
            u8::from_str_radix(digits, 16).ok()
        });
        decoded.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command<const N: usize>(arguments: [&str; N]) -> Command {
        Command(arguments.map(|argument| argument.as_bytes().to_vec()).into())
    }

    #[test]
    fn takes_numbers_and_booleans_as_they_are_written() {
        let body = br#" ["SET", "a\u0000\n", 9007199254740993 , -1.50, 1e+21, true] "#;
        let expected = command(["SET", "a\0\n", "9007199254740993", "-1.50", "1e+21", "true"]);
        assert_eq!(Command::from_json(body), Ok(expected));
    }

    #[test]
    fn refuses_what_is_no_command() {
        for body in ["", "{}", "\"GET\"", "[\"GET\"", "[null]", "[\"SET\", {}]", "[[\"GET\"]]", r#"["\ud800"]"#] {
            assert_eq!(Command::from_json(body.as_bytes()), Err(Malformed::Command), "{body}");
        }
        assert_eq!(Command::from_json(b"[]"), Err(Malformed::EmptyCommand));
        assert_eq!(Command::list_from_json(b"[]"), Err(Malformed::EmptyPipeline));
        assert_eq!(Command::list_from_json(b"[[\"GET\"], []]"), Err(Malformed::EmptyCommand));
        assert_eq!(Command::list_from_json(b"[\"GET\"]"), Err(Malformed::Pipeline));
    }

    #[test]
    fn reads_a_command_from_a_path() {
        let read = Command::from_path("/set/a%2Fb+%+1%c3%a4/", Some("EX=100&NX"), b"v");
        assert_eq!(read, Ok(command(["set", "a/b+%+1ä", "", "v", "EX", "100", "NX"])));
        assert_eq!(Command::from_path("/", None, b"v"), Err(Malformed::EmptyCommand));
    }

    #[test]
    fn knows_what_is_not_available_however_it_is_written() {
        assert_eq!(command(["Hello", "3"]).refusal().unwrap().split_once(" is ").unwrap().0, "ERR Command \"HELLO\"");
        assert_eq!(command(["GET", "HELLO"]).refusal(), None);
    }
}
