"""Chat completions with the official client: plain, streamed, raw, asynchronous. Usage: client.py BASE_URL MODEL"""

import asyncio
import sys

import openai

base_url, model = sys.argv[1:3]
messages = [{"role": "user", "content": "hello there, good morning"}]
client = openai.OpenAI(base_url=base_url, api_key="sk-test", max_retries=0)

plain = client.chat.completions.create(model=model, messages=messages)
assert plain.object == "chat.completion", plain
assert plain.choices[0].finish_reason == "stop"
text = plain.choices[0].message.content
assert text == "greeting", text
assert plain.usage.total_tokens == plain.usage.prompt_tokens + plain.usage.completion_tokens

pieces, finish, usage = [], None, None
with client.chat.completions.create(
    model=model, messages=messages, stream=True, stream_options={"include_usage": True}
) as stream:
    for chunk in stream:
        assert chunk.object == "chat.completion.chunk"
        if chunk.usage:
            usage = chunk.usage
        for choice in chunk.choices:
            pieces.append(choice.delta.content or "")
            finish = choice.finish_reason or finish
assert "".join(pieces) == text, pieces
assert finish == "stop", finish
assert usage is not None, "include_usage gives a usage chunk"

with client.chat.completions.stream(model=model, messages=messages) as stream:
    final = stream.get_final_completion()
assert final.choices[0].message.content == text

raw = client.chat.completions.with_raw_response.create(model=model, messages=messages)
receipts = raw.headers.get_list("x-kolm-receipt")
assert len(receipts) == 1 and receipts[0].startswith("kr1; id="), receipts
assert raw.parse().choices[0].message.content == text


async def concurrently():
    async with openai.AsyncOpenAI(base_url=base_url, api_key="sk-test", max_retries=0) as many:
        calls = [many.chat.completions.create(model=model, messages=messages) for _ in range(20)]
        return await asyncio.gather(*calls)


assert all(reply.choices[0].message.content == text for reply in asyncio.run(concurrently()))
print("all checks passed")
