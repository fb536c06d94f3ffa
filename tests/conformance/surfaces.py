"""What the official client assembles is what is stored, surface by surface. Usage: surfaces.py BASE_URL ADMIN_URL [h2]

The cloud behind the gateway answers from a script: the calls below stand in its order.
"""

import base64
import io
import json
import struct
import sys
import time
import urllib.error
import urllib.request

import openai

base_url, admin_url, *protocol = sys.argv[1:]
speaks = {"http1": False, "http2": True} if protocol == ["h2"] else {}
receipts = []


def note(response):
    assert response.http_version == ("HTTP/2" if speaks else "HTTP/1.1"), response.http_version
    receipts.append(response.headers["x-kolm-receipt"].split('id="')[1].split('"')[0])


http = openai.DefaultHttpxClient(event_hooks={"response": [note]}, **speaks)
client = openai.OpenAI(base_url=base_url, api_key="sk-test", max_retries=0, http_client=http)
admin = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def stored():
    """The row of the latest call: it and its reply."""
    for _ in range(1200):
        try:
            with admin.open(f"{admin_url}/api/v1/pairs/{receipts[-1]}") as found:
                row = json.load(found)
                return row, json.loads(row["response"] or "null")
        except urllib.error.HTTPError as missing:
            assert missing.code == 404, missing
        time.sleep(0.05)
    raise AssertionError(f"still no row of {receipts[-1]}")


def same(ours, theirs, path="reply"):
    """Everything that the client knows is stored; what is stored beside it may be more."""
    if isinstance(theirs, dict):
        for key, value in theirs.items():
            # Log-probabilities repeat the reply and are never stored; `parsed` is the client's own.
            if key in ("logprobs", "parsed", "parsed_arguments") or value is None:
                continue
            # The client keeps the index of a call's pieces; a body has none.
            if key == "index" and "tool_calls" in path:
                continue
            # A stream opens with `content: ""`; the body of the same answer has `null` where it lies elsewhere.
            if key == "content" and value == "" and ours[key] is None:
                continue
            assert isinstance(ours, dict) and key in ours, f"{path}.{key} is not stored: {ours}"
            same(ours[key], value, f"{path}.{key}")
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), path
        for i, (one, other) in enumerate(zip(ours, theirs)):
            same(one, other, f"{path}[{i}]")
    else:
        assert ours == theirs, f"{path}: stored {ours!r}, the client has {theirs!r}"


def check(assembled, surface, finish, tokens, reason=""):
    row, reply = stored()
    same(reply, assembled.model_dump(by_alias=True))
    got = (row["surface"], row["finish_reason"], row["tokens_in"], row["tokens_out"], row["tokens_cached"])
    assert got == (surface, finish, *tokens), got
    assert (row["reason"], row["eligible"]) == (reason, not reason), row
    assert row["outcome"] == "complete" and row["status"] == 200, row
    assert len(row["template_hash"]) == 16, row
    return row, reply


hi = [{"role": "user", "content": "hi"}]
weather = [{"type": "function", "function": {"name": "weather", "strict": True, "parameters": {"type": "object"}}}]


def chat(**more):
    with client.chat.completions.stream(model="gpt-4o-mini", messages=hi, **more) as stream:
        return stream.get_final_completion()


# Chat: plain with usage and log-probabilities, three choices, two calls, a refusal.
check(chat(stream_options={"include_usage": True}, logprobs=True), "chat", "stop", (9, 2, 4))
check(chat(n=3, stream_options={"include_usage": True}), "chat", "stop", (9, 6, -1))
check(chat(tools=weather), "chat", "tool_calls", (-1, -1, -1))
check(chat(), "chat", "stop", (-1, -1, -1), "refusal")

# Responses: whole, streamed, cut short, failed, leaning on state.
check(client.responses.create(model="gpt-4o-mini", input="hi"), "responses", "stop", (9, 2, 4))
with client.responses.stream(model="gpt-4o-mini", input="hi", instructions="Be brief.") as stream:
    final = stream.get_final_response()
row, _ = check(final, "responses", "stop", (9, 2, 4))
assert row["text"] == "hi" and row["answer"] == "Hello there", row
with client.responses.stream(model="gpt-4o-mini", input="hi") as stream:
    events = [event for event in stream]
row, reply = stored()
same(reply, events[-1].response.model_dump())
assert (row["finish_reason"], row["reason"]) == ("length", "finish"), row
for _ in client.responses.create(model="gpt-4o-mini", input="hi", stream=True):
    pass
row, reply = stored()
assert (row["error_class"], row["reason"]) == ("server_error", "incomplete"), row
assert "Jane" not in row["response"], "the words of an error are not stored"
check(
    client.responses.create(model="gpt-4o-mini", input="hi", previous_response_id="resp_0"),
    "responses", "stop", (9, 2, 4), "context",
)

# Legacy completions: whole, and streamed with two choices and two prompts.
check(
    client.completions.create(model="gpt-3.5-turbo-instruct", prompt="hi"),
    "completions", "length", (2, 3, -1), "surface",
)
texts, reasons, usage = {}, {}, None
for chunk in client.completions.create(
    model="gpt-3.5-turbo-instruct", prompt=["a", "b"], stream=True, logprobs=1, echo=True, suffix="!",
    stream_options={"include_usage": True},
):
    usage = chunk.usage or usage
    for choice in chunk.choices:
        texts[choice.index] = texts.get(choice.index, "") + choice.text
        reasons[choice.index] = choice.finish_reason or reasons.get(choice.index)
row, reply = stored()
assert {c["index"]: c["text"] for c in reply["choices"]} == texts, reply
assert {c["index"]: c["finish_reason"] for c in reply["choices"]} == reasons, reply
assert reply["usage"] == usage.model_dump(exclude_none=True) and reply["object"] == "text_completion"
assert (row["surface"], row["reason"], row["text"]) == ("completions", "surface", "a\nb"), row

# Embeddings: floats, base64 (which the client asks for by itself), and one of a text that holds an identifier.
floats = client.embeddings.create(model="text-embedding-3-small", input="a text", encoding_format="float")
row, reply = check(floats, "embeddings", "", (3, -1, -1))
assert row["cost_usd_micros"] == 1, row
packed = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
row, reply = stored()
for one, other in zip(reply["data"], packed.data):
    plain = base64.b64decode(one["embedding"])
    assert list(struct.unpack(f"<{len(plain) // 4}f", plain)) == list(other.embedding), "the vectors differ"
assert row["eligible"], row
client.embeddings.create(model="text-embedding-3-small", input="write to jane.canary@corp-mail.com")
row, reply = stored()
assert (row["reason"], reply["data"][0]["embedding"]) == ("vector", None), row
assert "canary" not in row["request"], row

# Transcriptions: every form of the reply, and the stream.
def transcribe(**more):
    sound = ("Jane Canary.mp3", io.BytesIO(b"\x00sound\r\n" * 40_000), "audio/mpeg")
    return client.audio.transcriptions.create(model="whisper-1", file=sound, **more)


row, _ = check(
    transcribe(prompt="Kolm", language="en", include=["logprobs"]), "transcriptions", "", (14, 5, -1), "modality"
)
record = json.loads(row["request"])
assert record["prompt"] == "Kolm" and record["include"] == ["logprobs"] and record["language"] == "en", record
assert record["file"] == "kolm-redacted:file;bytes=320000", record
assert "Jane" not in row["request"] and row["requested_model"] == "whisper-1", row
verbose = transcribe(response_format="verbose_json", timestamp_granularities=["word", "segment"])
row, reply = stored()
assert reply["text"] == verbose.text and reply["segments"][0]["text"] == verbose.segments[0].text, reply
assert reply["segments"][0]["tokens"] is None, "token ids repeat the text"
assert transcribe(response_format="text") == "Hello there.\n"
assert stored()[1] == {"text": "Hello there.\n"}
assert transcribe(response_format="srt").startswith("1\n")
assert stored()[1]["segments"] == [{"start": "00:00:00,000", "end": "00:00:01,500", "text": "Hello there."}]
assert transcribe(response_format="vtt").startswith("WEBVTT")
assert stored()[1]["text"] == "Hello there."
last = [event for event in transcribe(stream=True)][-1]
row, reply = stored()
assert last.type == "transcript.text.done" and reply["text"] == last.text, reply
assert (row["tokens_in"], row["tokens_out"], row["reason"]) == (14, 5, "modality"), row
sound = ("Jane Canary.mp3", io.BytesIO(b"sound"), "audio/mpeg")
check(client.audio.translations.create(model="whisper-1", file=sound), "translations", "", (-1, -1, -1), "modality")

# Moderations.
row, _ = check(
    client.moderations.create(model="omni-moderation-latest", input=["fine", "words"]),
    "moderations", "", (-1, -1, -1), "surface",
)
assert row["text"] == "fine\nwords", row

# Errors are their class.
try:
    client.chat.completions.create(model="gpt-4o-mini", messages=hi)
    raise AssertionError("a 429 was expected")
except openai.RateLimitError:
    row, reply = stored()
assert row["error_class"] == "requests/rate_limit_exceeded" and "Jane" not in row["response"], row
assert (row["status"], row["reason"]) == (429, "status"), row
print("all checks passed")
