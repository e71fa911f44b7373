"""Uses OpenAI's official SDK against a gateway before the mock provider, as its documentation shows.

The SDK reads OPENAI_BASE_URL and OPENAI_API_KEY. Whatever is not as expected ends it with a traceback.
"""

import openai

PING = [{"role": "user", "content": "ping"}]
CLOCK = {"name": "clock", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}}

client = openai.OpenAI()

answer = client.chat.completions.create(model="plain-gpt", messages=PING)
assert answer.choices[0].message.content.startswith("pong"), answer
assert answer.usage.prompt_tokens > 0 and answer.usage.completion_tokens > 0, answer

for asks in (False, True):
    options = {"stream_options": {"include_usage": True}} if asks else {}
    chunks = list(client.chat.completions.create(model="gpt-mock-events-20", messages=PING, stream=True, **options))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "pong " * 20, text
    # Who did not ask for usage gets no chunk without choices.
    assert any(not chunk.choices for chunk in chunks) == asks, chunks[-1]

tools = [{"type": "function", "function": CLOCK}]
answer = client.chat.completions.create(model="gpt-mock-tool", messages=PING, tools=tools)
call = answer.choices[0].message.tool_calls[0]
assert answer.choices[0].finish_reason == "tool_calls" and call.function.name, answer
turns = [*PING, answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "12:00"}]
assert client.chat.completions.create(model="plain-gpt", messages=turns, tools=tools).choices[0].message.content

answer = client.responses.create(model="plain-gpt", input="ping")
assert answer.output_text.startswith("pong") and answer.usage.input_tokens > 0, answer
again = client.responses.create(model="plain-gpt", input="ping", previous_response_id=answer.id)
assert again.output_text.startswith("pong"), again
with client.responses.stream(model="gpt-mock-events-20", input="ping") as stream:
    text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
assert text == "pong " * 20, text

try:
    client.responses.create(model="plain-gpt", input="ping", previous_response_id="resp_of_somebody_else")
    raise SystemExit("somebody else's answer was continued")
except openai.NotFoundError as error:
    assert "resp_of_somebody_else" in error.message, error

assert len(client.embeddings.create(model="plain-gpt", input="ping").data[0].embedding) > 0
assert "plain-gpt" in [model.id for model in client.models.list()]

try:
    openai.OpenAI(api_key="not-a-token").chat.completions.create(model="plain-gpt", messages=PING)
    raise SystemExit("a token that is none was taken")
except openai.AuthenticationError as error:
    assert error.code == "invalid_api_key", error
