"""Starts TensorZero's own gateway in this process, as its Python client does, and says where it listens."""

import signal
import sys

from openai import OpenAI
from tensorzero import patch_openai_client

client = patch_openai_client(OpenAI(api_key="none"), config_file=sys.argv[1], clickhouse_url=None, async_setup=False)
print(client.base_url, flush=True)
signal.sigwait([signal.SIGTERM, signal.SIGINT])
