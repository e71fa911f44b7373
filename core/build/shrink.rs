//! Texts as they are compiled in: without what only their readers need. What a text does stays the same, line by line, so
//! nothing here knows the languages' grammar. A text in which a line's beginning may stand for itself is left as it is.

/// Returns a module of JavaScript, or a style sheet, without indentation, empty lines, and comments that have lines of their own.
pub(crate) fn script(text: &str) -> String {
    if text.lines().any(is_continued) { text.to_owned() } else { lines_of_code(text, Some("//")) }
}

/// Returns the same of a style sheet.
pub(crate) fn style(text: &str) -> String {
    if text.lines().any(is_continued) { text.to_owned() } else { lines_of_code(text, None) }
}

/// Returns a script of Lua without indentation, empty lines and comments.
pub(crate) fn lua(text: &str) -> String {
    // A long bracket is a text, or a comment, of several lines.
    if text.lines().any(is_continued) || text.contains("[[") || text.contains("[=") {
        return text.to_owned();
    }
    joined(text.lines().map(|line| code_of_lua(line).trim()))
}

/// Returns JSON without what stands between its texts for show.
pub(crate) fn json(text: &str) -> String {
    let (mut is_text, mut is_escaped) = (false, false);
    let kept = text.chars().filter(|character| {
        let is_kept = is_text || !character.is_ascii_whitespace();
        if *character == '"' && !is_escaped {
            is_text = !is_text;
        }
        is_escaped = is_text && *character == '\\' && !is_escaped;
        is_kept
    });
    kept.collect()
}

/// Says whether a line goes on in the next one: after a backslash, or in a template literal.
fn is_continued(line: &str) -> bool {
    let is_comment = ["//", "/*", "*", "--"].iter().any(|start| line.trim_start().starts_with(start));
    line.ends_with('\\') || (!is_comment && line.matches('`').count() % 2 == 1)
}

fn lines_of_code(text: &str, comment: Option<&str>) -> String {
    let mut is_comment = false;
    joined(text.lines().map(|line| {
        let mut line = line.trim();
        is_comment |= line.starts_with("/*");
        if is_comment {
            let Some((_, rest)) = line.split_once("*/") else { return "" };
            is_comment = false;
            line = rest.trim_start();
        }
        if comment.is_some_and(|start| line.starts_with(start)) { "" } else { line }
    }))
}

/// Returns a line of Lua up to its comment.
fn code_of_lua(line: &str) -> &str {
    let (mut quote, mut is_escaped) = (None, false);
    for (at, byte) in line.bytes().enumerate() {
        match quote {
            _ if is_escaped => is_escaped = false,
            Some(_) if byte == b'\\' => is_escaped = true,
            Some(open) if byte == open => quote = None,
            None if byte == b'"' || byte == b'\'' => quote = Some(byte),
            None if line.as_bytes()[at..].starts_with(b"--") => return &line[..at],
            _ => {}
        }
    }
    line
}

fn joined<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.filter(|line| !line.is_empty()).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_the_code_of_a_module() {
        let text = "// What it is.\n\n/**\n * Does `this`.\n */\nexport function f() {\n  // Why.\n  return a / b; // c\n}\n/** One. */\n";
        assert_eq!(script(text), "export function f() {\nreturn a / b; // c\n}\n");
        assert_eq!(script("  /* a\n  b */ c();\n"), "c();\n");
    }

    #[test]
    fn leaves_the_rules_of_a_style_sheet() {
        let text = "/* The look. */\n:root {\n  --a: url(//b); /* c */\n\n  /* d\n     e */\n}\n";
        assert_eq!(style(text), ":root {\n--a: url(//b); /* c */\n}\n");
    }

    #[test]
    fn keeps_text_of_several_lines() {
        for text in
            ["f(`a\n  b`);\n", "f(`${`a`}\n  `);\n", "f('a\\\n  b');\n", "  // Of `this` a comment may tell\n  g(`\n"]
        {
            assert_eq!(script(text), text);
        }
        assert_eq!(script("  f(`${g(`a`)}`);\n  // An odd `\n"), "f(`${g(`a`)}`);\n");
    }

    #[test]
    fn leaves_the_code_of_a_script_of_lua() {
        assert_eq!(lua("-- What\nlocal a = 1 -- why\n\n  return a--b\n"), "local a = 1\nreturn a\n");
        let texts = "return '--', \"--'\", '\\'--', a[b[1]] - -1\n";
        assert_eq!(lua(texts), texts);
        let long = "  --[[ a\n  b ]]\n";
        assert_eq!(lua(long), long);
    }

    #[test]
    fn leaves_the_values_of_json() {
        let text = "{\n  \"a b\": \" \\\" \\\\\",\n  \"c\": [1, \"  \"]\n}\n";
        assert_eq!(json(text), "{\"a b\":\" \\\" \\\\\",\"c\":[1,\"  \"]}");
    }
}
