"""Starts TensorZero's own gateway in this process, as its Python client does, and says where it listens."""

import os
import signal
import sys

from openai import OpenAI
from tensorzero import patch_openai_client

# The first line on stdout is the address; what the gateway itself prints goes to the log.
told = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
client = patch_openai_client(OpenAI(api_key="none"), config_file=sys.argv[1], clickhouse_url=None, async_setup=False)
print(client.base_url, file=told, flush=True)
signal.sigwait([signal.SIGTERM, signal.SIGINT])
