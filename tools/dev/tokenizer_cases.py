#!/usr/bin/env python3
"""Writes test/data/tokenizer/variants.jsonl: what the tokenizers library gives for variants of scribe-6m's tokenizer.

Needs the module tokenizers (0.23.3 wrote the file). A line has `variant`, `patch` (merged into tokenizer.json), and
`cases` of [text, ids] or [text, ids, decoded, decoded without special tokens], or `decode` of [ids, decoded].
"""
import json
import pathlib
import random

from tokenizers import Tokenizer

DATA = pathlib.Path(__file__).resolve().parents[2] / "test" / "data"
BASE = json.loads((DATA / "scribe-6m" / "tokenizer.json").read_text())

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
GPT2_TIKTOKEN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CL100K = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

ATOMS = [
    "'s", "'S", "'ll", "'LL", "'Re", "'vE", "'m", "'\u017f", "'d", "''", "'t", " ", "  ", "   ", "\n", "\r\n", "\n\n",
    " \n", "\t", "\u00a0", "\u3000", "\u2028", "\u0085", "a", "b", "the", " the", "The best", "the best", "é",
    "e\u0301", "Ω", "日本", "日本語", "한국", "1", "12", "123", "1234", "12345", "½", "²", "Ⅷ", "٣٤", "!", "!!",
    " ...", "--", "_", "<|a|>", "<|a|>b", "<|a|", "<mask>", "<mask>x", "<cls>", "<|endoftext|>", "    ", "Ġé\u0301",
    "end\n", "end", "\U0001f642", "\u200d", "\ufeff", "\0", "x", "i", "\u01c5", "\U00031350", "\U0002ebf0", "ing ",
    "(", "=\n", "]\r\n\n ",
]
TEXTS = [
    " I'll WE'VE don'T 1234567 x\n\n\n  y\r\n z", "a    <mask>   b <cls>  \n c", "<|a|>bb<|a|>  <mask>x  ",
    "the best end\n\n  of", "  \n  \n  ",
]


def byte_level(use_regex):
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": use_regex}


def digits(individual):
    return {"type": "Digits", "individual_digits": individual}


def split(regex, removed=False):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Removed" if removed else "Isolated",
            "invert": removed}


def stages(*list_of_stages):
    return {"pre_tokenizer": {"type": "Sequence", "pretokenizers": list(list_of_stages)}}


def token(id_, content, special=True, **flags):
    return {"id": id_, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": special, **flags}


def added_tokens():
    return BASE["added_tokens"] + [
        token(4096, "<|a|>"), token(4097, "<|a|>b", False), token(4098, "<mask>", lstrip=True),
        token(4099, "<cls>", rstrip=True, lstrip=True), token(4100, "    ", False, normalized=True),
        token(4101, "the best", False, normalized=True), token(4102, "<mask>x", False, normalized=True),
        token(4103, "日本", False), token(4104, "Ġé\u0301", False), token(4105, "end\n", False, normalized=True)]


VARIANTS = [
    ("gpt2-split", stages(split(GPT2), byte_level(False))),
    ("gpt2-tiktoken", stages(split(GPT2_TIKTOKEN, removed=True), byte_level(False))),
    ("llama3", {**stages(split(LLAMA3), byte_level(False)), "model": {"ignore_merges": True}}),
    ("cl100k", stages(split(CL100K, removed=True), byte_level(False))),
    ("qwen2", stages(split(QWEN2), byte_level(False))),
    ("digits", stages(digits(True), byte_level(True))),
    ("digit-runs", stages(digits(False), split(LLAMA3), byte_level(False))),
    ("no-pattern", {"pre_tokenizer": byte_level(False)}),
    ("added", {"added_tokens": added_tokens()}),
]


def load(patch):
    document = json.loads(json.dumps(BASE))
    for key, value in patch.items():
        document[key] = {**document[key], **value} if key == "model" else value
    return Tokenizer.from_str(json.dumps(document))


def case(tokenizer, text, with_decoded):
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    decoded = [tokenizer.decode(ids, skip_special_tokens=skip) for skip in (False, True)]
    return [text, ids] + (decoded if with_decoded else [])


def main():
    chance = random.Random(7)
    texts = ["".join(chance.choice(ATOMS) for _ in range(chance.randint(1, 9))) for _ in range(160)] + TEXTS
    lines = []
    for name, patch in VARIANTS:
        tokenizer = load(patch)
        lines.append({"variant": name, "patch": patch,
                      "cases": [case(tokenizer, text, name == "added") for text in texts]})
    tokenizer, decode = load({}), []
    for _ in range(150):
        ids = [chance.choice([chance.randrange(1, 257), chance.randrange(129, 257), chance.randrange(4096), 227, 129,
                              241, 160]) for _ in range(chance.randint(1, 8))]
        decode.append([ids, tokenizer.decode(ids, skip_special_tokens=False)])
    lines.append({"variant": "decode", "patch": {}, "decode": decode})
    with open(DATA / "tokenizer" / "variants.jsonl", "w", encoding="utf-8") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)


if __name__ == "__main__":
    main()
