#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What transformers' CLIPTokenizer gives, for tests/stages/test_text_tokenizer.c.

    tokenizer.py        writes tests/golden/tokenizer_prompts.txt: "# FILE", then for each of its lines the crc32 of the ids (i32, little-endian)
                        and tests/golden/tokenizer_cases.json: [{"text": …, "ids": […]}, …], Unicode and other odd cases

Reads the prompts and the vocabulary of shared/data (LIKENESS_SHARED, default ../shared). Ids are without start and end.
"""
import json, os, random, zlib
from pathlib import Path

import numpy as np
from transformers import CLIPTokenizer

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("LIKENESS_SHARED", ROOT.parent / "shared"))
PROMPTS = ("PartiPrompts.tsv", "drawbench.txt", "t2icompbench_color_val.txt")

CASES = ["", " ", "\n\t", "a", "Hello  World", " lead and trail ", "it's I'LL we've can't 'S 'x' ''s", "123 4.5 1st", "½ ² Ⅷ ① ٣ ९",
         "Straße ẞ ßẞ", "İstanbul ISTANBUL ı", "ΣΑΣ ς σ Σ", "été e\u0301te\u0301", "ﬁ ﬀ ǅ ǆ", "naïve façade Ångström Å", "日本語 中文 漢字",
         "カタカナ ひらがな", "한글 \u1112\u1161\u11ab", "Привет, мир", "अक्षर हिन्दी", "مرحبا العالم", "שלום", "ไทย", "👩‍🔬 👍🏽 🇩🇪 🎨", "x\u00a0y\u3000z\u2009w\u2028v",
         "x\u0085y\u001cz\u200bw\ufeffv", "\u0301a", "a\u0323\u0307", "\u1e9b\u0323", "\U0001d400\U0001d7d8", "\U00020000", "“quotes” ‘single’ – — …", "a,b;c:d!e?f",
         "(red:1.3) [blue] {x|y} <lora:name:0.8>", "a_b-c/d\\e|f", "http://example.com/a?b=c&d=e", "$100 50% #tag @name a+b=c ~ ^ `",
         "<|startoftext|>", "<|endoftext|>", "a<|endoftext|>b<|startoftext|>c", "!<|startoftext|>!", "<|STARTOFTEXT|>", "<|EndOfText|>!!", "!<|EndOfText|>",
         "<|startoftext", "<|endoftext|", "e<|endoftext|>\u0301", ">\u0338", "\ufffd", "\U0010ffff", "\ue000", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "aaaaaaaaaaaaa",
         "antidisestablishmentarianism", "supercalifragilisticexpialidocious", "lighthouse " * 90]
POOL = ("aAbBzZsStT' '' 019½²٣éÉe\u0301ñßẞİıςΣσ中文字日本語ハングル한글अक्षرعربي\u05d0🎨👩\u200d🔬\u00a0\u3000\u2009\n\t!?.,;:()[]{}<|>_-—…“”‘’\u200b\ufeff\x85\x1c\x1fﬁﬀ①Ⅷ")


def main():
    tokenizer = CLIPTokenizer.from_pretrained(str(SHARED / "data/tokenizer/sd15"))
    encode = lambda texts: [ids[1:-1] for ids in tokenizer(texts)["input_ids"]]
    lines = []
    for name in PROMPTS:
        texts = (SHARED / "data/prompts" / name).read_bytes().decode().removesuffix("\n").split("\n")
        lines.append("# " + name)
        lines += [f"{zlib.crc32(np.array(ids, '<i4').tobytes()):08x}" for ids in encode(texts)]
    (ROOT / "tests/golden/tokenizer_prompts.txt").write_text("\n".join(lines) + "\n")
    chance = random.Random(1)
    texts = CASES + ["".join(chance.choice(POOL) for _ in range(chance.randint(5, 40))) for _ in range(100)]
    cases = [json.dumps({"text": text, "ids": ids}, separators=(",", ":")) for text, ids in zip(texts, encode(texts))]
    (ROOT / "tests/golden/tokenizer_cases.json").write_text("[\n" + ",\n".join(cases) + "\n]\n")


if __name__ == "__main__":
    main()
