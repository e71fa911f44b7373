//! OpenAI's embeddings: <https://platform.openai.com/docs/api-reference/embeddings>.

use super::INPUT_TOKENS;
use super::asked::Asked;
use super::behaviour::Behaviour;
use super::reply::quote;
use super::usage::member;

/// Returns an embedding for each input.
pub(super) fn whole(asked: &Asked, behaviour: &Behaviour) -> String {
    let one = |index: usize| format!(r#"{{"object":"embedding","index":{index},"embedding":[0.25,-0.5,0.125]}}"#);
    let all: Vec<_> = (0..asked.choices).map(one).collect();
    let natural = format!(r#"{{"prompt_tokens":{INPUT_TOKENS},"total_tokens":{INPUT_TOKENS}}}"#);
    let usage = member(behaviour.usage.last(&natural));
    let model = quote(&asked.model);
    format!(r#"{{"object":"list","data":[{}],"model":{model}{usage}}}"#, all.join(","))
}
