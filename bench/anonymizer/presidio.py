"""Spans of Presidio's analyzer, for the side-by-side of the anonymizer's bench.

One JSON string a line comes in, one list of [start, end, type] a line goes out, at last {"seconds": s}. Without a
downloaded language model: spaCy's blank English pipeline stands in, so names and places are only what patterns find.
"""

import json
import sys
import tempfile
import time

import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider


def engine():
    folder = tempfile.mkdtemp()
    spacy.blank("en").to_disk(folder)
    models = [{"lang_code": "en", "model_name": folder}]
    provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models})
    return AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])


def main():
    analyzer = engine()
    texts = [json.loads(line) for line in sys.stdin]
    started = time.process_time()
    found = [analyzer.analyze(text=text, language="en") for text in texts]
    seconds = time.process_time() - started
    for results in found:
        print(json.dumps([[r.start, r.end, r.entity_type] for r in results]))
    print(json.dumps({"seconds": seconds}))


main()
