use serde_json::Value;

use super::Received;
use super::behaviour::Tool;

/// Whose API it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    Anthropic,
    OpenAi,
}

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Endpoint {
    Messages,
    CountTokens,
    Chat,
    Responses,
    Embeddings,
    Models,
}

impl Endpoint {
    pub(super) fn of(request: &Received) -> Option<Self> {
        match (request.method.as_str(), request.path()) {
            ("POST", "/v1/messages") => Some(Self::Messages),
            ("POST", "/v1/messages/count_tokens") => Some(Self::CountTokens),
            ("POST", "/v1/chat/completions") => Some(Self::Chat),
            ("POST", "/v1/responses") => Some(Self::Responses),
            ("POST", "/v1/embeddings") => Some(Self::Embeddings),
            ("GET", "/v1/models") => Some(Self::Models),
            _ => None,
        }
    }
}

impl Api {
    /// Tells whose API a request speaks. Both have `/v1/models`.
    pub(super) fn of(request: &Received) -> Self {
        let anthropic = match request.path() {
            path if path.starts_with("/v1/messages") => true,
            "/v1/chat/completions" | "/v1/responses" | "/v1/embeddings" => false,
            _ => request.header("anthropic-version").is_some() || request.header("x-api-key").is_some(),
        };
        if anthropic { Self::Anthropic } else { Self::OpenAi }
    }
}

/// What is read of a request's body.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) endpoint: Endpoint,
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    /// How many choices (of OpenAI's `n`), or embeddings, are asked for.
    pub(super) choices: usize,
    /// The tool that the request asks to be used.
    pub(super) tool: Option<Tool>,
}

impl Asked {
    /// Reads a body; says what is wrong with it if it is none.
    pub(super) fn read(endpoint: Endpoint, body: &[u8]) -> Result<Self, &'static str> {
        if endpoint == Endpoint::Models {
            let model = String::new();
            return Ok(Self { endpoint, model, stream: false, include_usage: false, choices: 1, tool: None });
        }
        let body: Value = serde_json::from_slice(body).map_err(|_| "the request body is not valid JSON")?;
        let model = body["model"].as_str().ok_or("model: field required")?.to_owned();
        let choices = match endpoint {
            Endpoint::Embeddings => inputs(&body["input"]),
            _ => body["n"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(1),
        };
        Ok(Self {
            endpoint,
            stream: body["stream"] == true,
            include_usage: body["stream_options"]["include_usage"] == true,
            choices,
            tool: tool(&model, &body),
            model,
        })
    }
}

fn inputs(input: &Value) -> usize {
    // A list of numbers is one text, in tokens.
    input.as_array().filter(|list| list.iter().all(|one| !one.is_number())).map_or(1, Vec::len)
}

/// Returns the tool to be used: the first one for the model `mock-tool`, or the one that the last message names as
/// `tool:NAME {…}`. None if the last message is a tool's result, so that an agent comes to an end.
fn tool(model: &str, body: &Value) -> Option<Tool> {
    let tools = body["tools"].as_array()?;
    let name = |tool: &Value| tool["name"].as_str().or(tool["function"]["name"].as_str()).map(str::to_owned);
    let mut names = tools.iter().filter_map(name);
    let said = last(body)?;
    if model.split('-').any(|word| word == "tool") {
        return Some(Tool { name: names.next()?, input: "{}".to_owned() });
    }
    let (_, rest) = said.split_once("tool:")?;
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '-');
    let (wanted, rest) = rest.split_at(end.unwrap_or(rest.len()));
    let input = serde_json::Deserializer::from_str(rest).into_iter::<Value>().next().and_then(Result::ok);
    let input = input.filter(Value::is_object).map_or_else(|| "{}".to_owned(), |input| input.to_string());
    names.find(|name| name == wanted).map(|name| Tool { name, input })
}

/// Returns the text of the last message, if a person said it.
fn last(body: &Value) -> Option<String> {
    let messages = if body["messages"].is_array() { &body["messages"] } else { &body["input"] };
    let Some(messages) = messages.as_array() else { return messages.as_str().map(str::to_owned) };
    let message = messages.last()?;
    if message["role"] != "user" {
        return None;
    }
    let Some(blocks) = message["content"].as_array() else { return message["content"].as_str().map(str::to_owned) };
    if blocks.iter().any(|block| block["type"] == "tool_result") {
        return None;
    }
    let texts: Vec<&str> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
    Some(texts.join("\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(last: &Value) -> Option<Tool> {
        let body = json!({"model": "m", "tools": [{"name": "Read"}, {"name": "Bash"}], "messages": [last]});
        Asked::read(Endpoint::Messages, body.to_string().as_bytes()).unwrap().tool
    }

    #[test]
    fn uses_the_tool_that_a_person_names() {
        let text = "please tool:Bash {\"command\": \"ls\"} and say so";
        let tool = asked(&json!({"role": "user", "content": [{"type": "text", "text": text}]})).unwrap();
        assert_eq!((tool.name.as_str(), tool.input.as_str()), ("Bash", r#"{"command":"ls"}"#));
    }

    #[test]
    fn uses_no_tool_on_the_result_of_one() {
        let result = json!({"type": "tool_result", "content": "tool:Bash"});
        assert_eq!(asked(&json!({"role": "user", "content": [result]})), None);
        assert_eq!(asked(&json!({"role": "user", "content": "tool:Write"})), None);
    }
}
