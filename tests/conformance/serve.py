"""What only a served student answers itself: models, errors, limits. Usage: serve.py BASE_URL MODEL"""

import sys

import openai

base_url, model = sys.argv[1:3]
messages = [{"role": "user", "content": "hello there, good morning"}]
client = openai.OpenAI(base_url=base_url, api_key="sk-test", max_retries=0)


def refused(kind, call):
    try:
        call()
    except kind as error:
        assert error.body and set(error.body) == {"message", "type", "param", "code"}, error.body
        return error.body
    raise AssertionError(f"{kind.__name__} was expected")


assert model in [entry.id for entry in client.models.list()]
assert client.models.retrieve(model).object == "model"
several = client.chat.completions.create(model=model, messages=messages, n=3)
assert [choice.index for choice in several.choices] == [0, 1, 2]

unknown = refused(openai.NotFoundError, lambda: client.models.retrieve("nope"))
assert unknown["code"] == "model_not_found", unknown
refused(openai.NotFoundError, lambda: client.chat.completions.create(model="nope", messages=messages))
bad = refused(openai.BadRequestError, lambda: client.chat.completions.create(model=model, messages=[]))
assert bad["param"] == "messages", bad
hot = refused(openai.BadRequestError, lambda: client.chat.completions.create(model=model, messages=messages, temperature=3))
assert hot["param"] == "temperature", hot
refused(openai.PermissionDeniedError, lambda: client.models.delete(model))
print("all checks passed")
