"""The official asynchronous client, many calls at once over one connection. Usage: asynchronous.py BASE_URL PROTOCOL

PROTOCOL is `h1` or `h2`. The cloud behind the gateway answers `echo TEXT`.
"""

import asyncio
import sys

import openai

base_url, protocol = sys.argv[1:3]
speaks = {"http1": False, "http2": True} if protocol == "h2" else {}
receipts = []


async def note(response):
    assert response.http_version == ("HTTP/2" if protocol == "h2" else "HTTP/1.1"), response.http_version
    (receipt,) = response.headers.get_list("x-kolm-receipt")
    receipts.append(receipt.split('id="')[1].split('"')[0])


http = openai.DefaultAsyncHttpxClient(event_hooks={"response": [note]}, **speaks)
client = openai.AsyncOpenAI(base_url=base_url, api_key="sk-test", max_retries=0, http_client=http)


def asked(n):
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"question {n}"}]}


async def whole(n):
    answer = await client.chat.completions.create(**asked(n))
    assert answer.choices[0].message.content == f"echo question {n}", answer


async def streamed(n):
    text = ""
    stream = await client.chat.completions.create(stream=True, **asked(n))
    async for chunk in stream:
        text += chunk.choices[0].delta.content or "" if chunk.choices else ""
    assert text == f"echo question {n}", text


async def assembled(n):
    async with client.chat.completions.stream(**asked(n)) as stream:
        answer = await stream.get_final_completion()
    assert answer.choices[0].message.content == f"echo question {n}", answer


async def given_up(n):
    """A caller that leaves in the middle is nobody else's loss."""
    stream = await client.chat.completions.create(stream=True, **asked(n))
    async for _ in stream:
        break
    await stream.close()


async def main():
    calls = [kind(n) for n in range(10) for kind in (whole, streamed, assembled, given_up)]
    await asyncio.gather(*calls)
    assert len(receipts) == len(set(receipts)) == len(calls), receipts
    await whole(99)
    await client.close()


asyncio.run(main())
print("all checks passed")
