"""Writes a tiny llama with random weights and a byte-level vocabulary: an engine's answers need no sense, only form.

usage: python tiny_gguf.py OUT.gguf SEED
"""
import sys

import gguf
import numpy as np

VOCAB = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
EMBD, HEADS, FEED, LAYERS, CONTEXT = 64, 4, 128, 2, 2048


def main(path: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    out = gguf.GGUFWriter(path, "llama")
    out.add_name(f"kolm-tiny-{seed}")
    out.add_context_length(CONTEXT)
    out.add_embedding_length(EMBD)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(FEED)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_rope_dimension_count(EMBD // HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_vocab_size(len(VOCAB))
    out.add_file_type(gguf.LlamaFileType.ALL_F32)
    out.add_tokenizer_model("llama")
    out.add_token_list(VOCAB)
    out.add_token_scores([0.0] * len(VOCAB))
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    out.add_token_types(kinds + [gguf.TokenType.BYTE] * 256)
    out.add_unk_token_id(0)
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)

    def tensor(name: str, *shape: int) -> None:
        out.add_tensor(name, random.standard_normal(shape, dtype=np.float32) * 0.2)

    def ones(name: str) -> None:
        out.add_tensor(name, np.ones(EMBD, dtype=np.float32))

    tensor("token_embd.weight", len(VOCAB), EMBD)
    for layer in range(LAYERS):
        ones(f"blk.{layer}.attn_norm.weight")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensor(f"blk.{layer}.{part}.weight", EMBD, EMBD)
        ones(f"blk.{layer}.ffn_norm.weight")
        tensor(f"blk.{layer}.ffn_gate.weight", FEED, EMBD)
        tensor(f"blk.{layer}.ffn_up.weight", FEED, EMBD)
        tensor(f"blk.{layer}.ffn_down.weight", EMBD, FEED)
    ones("output_norm.weight")
    tensor("output.weight", len(VOCAB), EMBD)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
