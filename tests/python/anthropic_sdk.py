"""Uses Anthropic's official SDK against a gateway before the mock provider, as its documentation shows.

The SDK reads ANTHROPIC_BASE_URL and ANTHROPIC_AUTH_TOKEN. Whatever is not as expected ends it with a traceback.
"""

import anthropic

PING = [{"role": "user", "content": "ping"}]
CLOCK = {
    "name": "clock",
    "description": "Tells the time.",
    "input_schema": {"type": "object", "properties": {"zone": {"type": "string"}}},
}

client = anthropic.Anthropic()

answer = client.messages.create(model="plain", max_tokens=64, messages=PING)
assert answer.content[0].text.startswith("pong"), answer
assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0, answer

with client.messages.stream(model="claude-mock-events-20", max_tokens=64, messages=PING) as stream:
    text = "".join(stream.text_stream)
    final = stream.get_final_message()
assert text == "pong " * 20, text
assert final.stop_reason == "end_turn" and final.usage.output_tokens > 0, final

for streamed in (False, True):
    call = {"model": "claude-mock-tool", "max_tokens": 64, "messages": PING, "tools": [CLOCK]}
    if streamed:
        with client.messages.stream(**call) as stream:
            answer = stream.get_final_message()
    else:
        answer = client.messages.create(**call)
    assert answer.stop_reason == "tool_use" and answer.content[-1].type == "tool_use", answer
    result = {"type": "tool_result", "tool_use_id": answer.content[-1].id, "content": "12:00"}
    turns = [*PING, {"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
    assert client.messages.create(model="plain", max_tokens=64, messages=turns).content[0].text.startswith("pong")

assert client.messages.count_tokens(model="plain", messages=PING).input_tokens > 0
assert "plain" in [model.id for model in client.models.list()]

try:
    client.messages.create(model="unheard-of", max_tokens=1, messages=PING)
    raise SystemExit("a model that is not configured was served")
except anthropic.NotFoundError as error:
    assert "unheard-of" in error.message, error

try:
    anthropic.Anthropic(auth_token="not-a-token").messages.create(model="plain", max_tokens=1, messages=PING)
    raise SystemExit("a token that is none was taken")
except anthropic.AuthenticationError:
    pass
