//! The grammar of filters and of the paths of patches (RFC 7644 §3.4.2.2, figure 1; §3.5.2, figure 7).

use serde_json::Value;

use super::super::path::{AttributePath, is_path_byte};
use super::{Comparison, Filter, Node};

/// How deep parentheses, negations and value filters may lie in each other. People write two.
const MAX_DEPTH: usize = 8;

/// Why a filter cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Malformed(pub(in super::super) &'static str);

/// Reads a text from its start, and forgets what it has read.
pub(in super::super) struct Parser<'a> {
    rest: &'a str,
    depth: usize,
    /// Whether it is between the brackets of a value filter.
    within: bool,
}

impl<'a> Parser<'a> {
    pub(in super::super) const fn new(text: &'a str) -> Self {
        Self { rest: text, depth: 0, within: false }
    }

    /// Reads a filter, to the end.
    pub(super) fn filter(mut self) -> Result<Node, Malformed> {
        let node = self.any()?;
        self.end()?;
        Ok(node)
    }

    /// Reads the path of a patch, to the end: an attribute, and a filter of its values.
    pub(in super::super) fn path(mut self) -> Result<(AttributePath, Option<Filter>), Malformed> {
        let mut path = self.attribute()?;
        let mut filter = None;
        if self.rest.starts_with('[') {
            if path.sub.is_some() {
                return Err(Malformed("an attribute within another has no values of its own"));
            }
            filter = Some(Filter(self.value_filter()?));
            path.sub = self.sub_attribute()?;
        }
        self.end()?;
        Ok((path, filter))
    }

    fn any(&mut self) -> Result<Node, Malformed> {
        let mut nodes = vec![self.all()?];
        while self.keyword("or") {
            nodes.push(self.all()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Any(nodes) })
    }

    fn all(&mut self) -> Result<Node, Malformed> {
        let mut nodes = vec![self.term()?];
        while self.keyword("and") {
            nodes.push(self.term()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
    }

    fn term(&mut self) -> Result<Node, Malformed> {
        self.skip_spaces();
        if self.rest.starts_with('(') {
            return self.enclosed('(', ')');
        }
        let word = self.word();
        if word.eq_ignore_ascii_case("not") && self.rest.trim_start().starts_with('(') {
            self.skip_spaces();
            return Ok(Node::Not(Box::new(self.enclosed('(', ')')?)));
        }
        let path = AttributePath::parse(word).ok_or(Malformed("an attribute's name is expected"))?;
        if !self.rest.starts_with('[') {
            return self.comparison(path);
        }
        if path.sub.is_some() {
            return Err(Malformed("an attribute within another has no values of its own"));
        }
        let inner = self.value_filter()?;
        // What some directories send, although the grammar has it for patches only: emails[type eq "work"].value eq "…".
        let inner = match self.sub_attribute()? {
            None => inner,
            Some(sub) => {
                let sub = AttributePath::parse(&sub).ok_or(Malformed("an attribute's name is expected"))?;
                Node::All(vec![inner, self.comparison(sub)?])
            }
        };
        Ok(Node::Within(path, Box::new(inner)))
    }

    fn value_filter(&mut self) -> Result<Node, Malformed> {
        if self.within {
            return Err(Malformed("value filters cannot be within each other"));
        }
        self.within = true;
        let node = self.enclosed('[', ']');
        self.within = false;
        node
    }

    fn enclosed(&mut self, open: char, close: char) -> Result<Node, Malformed> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Malformed("it is too deep"));
        }
        self.rest = self.rest.strip_prefix(open).ok_or(Malformed("an opening bracket is expected"))?;
        let node = self.any()?;
        self.skip_spaces();
        self.rest = self.rest.strip_prefix(close).ok_or(Malformed("a closing bracket is expected"))?;
        self.depth -= 1;
        Ok(node)
    }

    fn comparison(&mut self, path: AttributePath) -> Result<Node, Malformed> {
        self.skip_spaces();
        let operator = self.word().to_ascii_lowercase();
        if operator == "pr" {
            return Ok(Node::Present(path));
        }
        let comparison = Comparison::of(&operator).ok_or(Malformed("an operator is expected"))?;
        if !self.rest.starts_with(' ') {
            return Err(Malformed("a space is expected after an operator"));
        }
        self.skip_spaces();
        let value = self.value()?;
        if comparison.takes(&value) {
            Ok(Node::Compare(path, comparison, value))
        } else {
            Err(Malformed("an operator does not go with its value"))
        }
    }

    fn value(&mut self) -> Result<Value, Malformed> {
        let end = match self.rest.strip_prefix('"') {
            Some(inside) => 1 + closing_quote(inside).ok_or(Malformed("a closing quote is expected"))? + 1,
            None => self.rest.find([' ', '(', ')', '[', ']']).unwrap_or(self.rest.len()),
        };
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let value = serde_json::from_str(text).map_err(|_| Malformed("a value is expected"))?;
        match value {
            Value::Array(_) | Value::Object(_) => Err(Malformed("a value is expected")),
            simple => Ok(simple),
        }
    }

    fn attribute(&mut self) -> Result<AttributePath, Malformed> {
        AttributePath::parse(self.word()).ok_or(Malformed("an attribute's name is expected"))
    }

    /// Reads what follows a value filter, if something does.
    fn sub_attribute(&mut self) -> Result<Option<String>, Malformed> {
        let Some(rest) = self.rest.strip_prefix('.') else { return Ok(None) };
        self.rest = rest;
        let path = self.attribute()?;
        match path.of_user() {
            Some((name, None)) => Ok(Some(name.to_owned())),
            _ => Err(Malformed("the name of an attribute within another is expected")),
        }
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let start = self.rest;
        self.skip_spaces();
        let found = self.word().eq_ignore_ascii_case(keyword);
        if !found {
            self.rest = start;
        }
        found
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.bytes().position(|byte| !is_path_byte(byte)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    fn end(&mut self) -> Result<(), Malformed> {
        self.skip_spaces();
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed("something follows that does not belong there")) }
    }
}

impl Comparison {
    fn of(operator: &str) -> Option<Self> {
        match operator {
            "eq" => Some(Self::Equal),
            "ne" => Some(Self::NotEqual),
            "co" => Some(Self::Contains),
            "sw" => Some(Self::StartsWith),
            "ew" => Some(Self::EndsWith),
            "gt" => Some(Self::Greater),
            "ge" => Some(Self::GreaterOrEqual),
            "lt" => Some(Self::Less),
            "le" => Some(Self::LessOrEqual),
            _ => None,
        }
    }

    /// Says whether values of that type can be compared so: only texts have parts, truths have no order.
    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Equal | Self::NotEqual => true,
            Self::Contains | Self::StartsWith | Self::EndsWith => value.is_string(),
            Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual => {
                value.is_string() || value.is_number()
            }
        }
    }
}

/// Returns where the quote is that ends a JSON text.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}
