#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How the WebUI reads prompts, for tests/stages/test_text_prompt.c: schedules, emphasis, chunks.

    prompt.py           writes tests/golden/prompt.json (needs lark and transformers; text.py and tools/parity/run take `chunks`)

Nothing of the WebUI runs here: the grammar is the one that it publishes, read by lark's Earley parser as there, and the rest is
written after its description. PUBLISHED are the examples of its own documentation, with the answers given there.
"""
import functools
import json
import random
import re

from transformers import CLIPTokenizer

import checkpoint

OUT = checkpoint.ROOT / "tests/golden/prompt.json"
ROOM, COMMA_TOKENS = 75, 20

GRAMMAR = r"""
!start: (prompt | /[][():]/+)*
prompt: (emphasized | scheduled | alternate | plain | WHITESPACE)*
!emphasized: "(" prompt ")" | "(" prompt ":" prompt ")" | "[" prompt "]"
scheduled: "[" [prompt ":"] prompt ":" [WHITESPACE] NUMBER [WHITESPACE] "]"
alternate: "[" prompt ("|" [prompt])+ "]"
WHITESPACE: /\s+/
plain: /([^\\\[\]():|]|\\.)+/
%import common.SIGNED_NUMBER -> NUMBER
"""


@functools.cache
def parser():
    import lark
    return lark.Lark(GRAMMAR)


def last_step_before(number, steps, before):
    """A number with a point is a fraction of the steps (in a second pass: of its own, from 1 on), another one a step."""
    when = (float(number) - (1 if before else 0)) * steps if "." in number else float(number) - before
    return min(steps, int(when))


def text_at(tree, step, steps, before):
    if not hasattr(tree, "data"):
        return str(tree or "")
    inner = lambda child: text_at(child, step, steps, before)
    if tree.data == "scheduled":
        first, second, _, number, _ = tree.children
        return inner(first if step <= last_step_before(number, steps, before) else second)
    if tree.data == "alternate":
        return inner(tree.children[(step - 1) % len(tree.children)])
    return "".join(inner(child) for child in tree.children)


def schedule(prompt, steps, before=0):
    """[[last step, text], ...]"""
    try:
        tree = parser().parse(prompt)
    except Exception as error:
        if type(error).__module__ != "lark.exceptions":
            raise
        return [[steps, prompt]]
    ends = {steps}
    for node in tree.iter_subtrees():
        if node.data == "scheduled":
            ends.add(last_step_before(node.children[3], steps, before))
        if node.data == "alternate":
            ends.update(range(1, steps + 1))
    return [[end, text_at(tree, end, steps, before)] for end in sorted(ends) if end >= 1]


def emphasis(text):
    """[[text, weight], ...]; [None, 1] is BREAK."""
    pieces, round_open, square_open = [], [], []

    def multiply(start, factor):
        for piece in pieces[start:]:
            piece[1] *= factor

    sign = re.compile(r"\\[()\[\]\\]|\\|\(|\[|:\s*(?P<weight>[+-]?[.\d]+)\s*\)|\)|\]|[^\\()\[\]:]+|:", re.A)
    for found in sign.finditer(text):
        part, weight = found.group(0), found.group("weight")
        if part.startswith("\\"):
            pieces.append([part[1:], 1.0])
        elif part == "(":
            round_open.append(len(pieces))
        elif part == "[":
            square_open.append(len(pieces))
        elif weight is not None and round_open:
            multiply(round_open.pop(), float(weight))
        elif part == ")" and round_open:
            multiply(round_open.pop(), 1.1)
        elif part == "]" and square_open:
            multiply(square_open.pop(), 1 / 1.1)
        else:
            for i, run in enumerate(re.split(r"\bBREAK\b", part)):
                pieces += [[None, 1.0]] * (i > 0) + [[run, 1.0]]
    for start in round_open:
        multiply(start, 1.1)
    for start in square_open:
        multiply(start, 1 / 1.1)
    merged = []
    for piece in pieces or [["", 1.0]]:
        if merged and None not in (piece[0], merged[-1][0]) and piece[1] == merged[-1][1]:
            merged[-1][0] += piece[0]
        else:
            merged.append(list(piece))
    return [[piece, 1.0 if piece is None else weight] for piece, weight in merged]


def chunks(text, tokenizer):
    """[[[token, weight], ...], ...]: at most 75 each; start, end and padding are not in it."""
    comma = tokenizer(",", add_special_tokens=False).input_ids[0]
    out, chunk, last_comma = [], [], None
    for piece, weight in emphasis(text):
        if piece is None:
            out.append(chunk)
            chunk, last_comma = [], None
            continue
        for token in tokenizer(piece, add_special_tokens=False).input_ids:
            moved = []
            if token != comma and len(chunk) == ROOM and last_comma is not None and ROOM - last_comma <= COMMA_TOKENS:
                moved, chunk = chunk[last_comma + 1:], chunk[:last_comma + 1]
                out.append(chunk)
                chunk, last_comma = moved, None
            elif len(chunk) == ROOM:
                out.append(chunk)
                chunk, last_comma = [], None
            if token == comma:
                last_comma = len(chunk)
            chunk.append([token, weight])
    if chunk or not out:
        out.append(chunk)
    return out


PUBLISHED = [  # prompt, steps, steps of a first pass, texts
    ("test", 10, 0, [[10, "test"]]),
    ("a [b:3]", 10, 0, [[3, "a "], [10, "a b"]]),
    ("a [b: 3]", 10, 0, [[3, "a "], [10, "a b"]]),
    ("a [[[b]]:2]", 10, 0, [[2, "a "], [10, "a [[b]]"]]),
    ("[(a:2):3]", 10, 0, [[3, ""], [10, "(a:2)"]]),
    ("a [b : c : 1] d", 10, 0, [[1, "a b  d"], [10, "a  c  d"]]),
    ("a[b:[c:d:2]:1]e", 10, 0, [[1, "abe"], [2, "ace"], [10, "ade"]]),
    ("a [unbalanced", 10, 0, [[10, "a [unbalanced"]]),
    ("a [b:.5] c", 10, 0, [[5, "a  c"], [10, "a b c"]]),
    ("((a][:b:c [d:3]", 10, 0, [[3, "((a][:b:c "], [10, "((a][:b:c d"]]),
    ("[a|(b:1.1)]", 10, 0, [[i, "a" if i % 2 else "(b:1.1)"] for i in range(1, 11)]),
    ("[fe|]male", 10, 0, [[i, "female" if i % 2 else "male"] for i in range(1, 11)]),
    ("[fe|||]male", 10, 0, [[i, "female" if i % 4 == 1 else "male"] for i in range(1, 11)]),
    ("a [b:.5] c", 10, 10, [[10, "a b c"]]),
    ("a [b:1.5] c", 10, 10, [[5, "a  c"], [10, "a b c"]]),
]
PUBLISHED_EMPHASIS = [
    ("normal text", [["normal text", 1.0]]),
    ("an (important) word", [["an ", 1.0], ["important", 1.1], [" word", 1.0]]),
    ("(unbalanced", [["unbalanced", 1.1]]),
    (r"\(literal\]", [["(literal]", 1.0]]),
    ("(unnecessary)(parens)", [["unnecessaryparens", 1.1]]),
    ("a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
     [["a ", 1.0], ["house", 1.5730000000000004], [" ", 1.1], ["on", 1.0], [" a ", 1.1], ["hill", 0.55], [", sun, ", 1.1],
      ["sky", 1.4641000000000006], [".", 1.1]]),
]
SCHEDULES = [
    ("a [b:c:0.25] d [e::12] [:f:16]", 20, 0), ("[a:b:0]", 20, 0), ("[a:b:1.0]", 20, 0), ("[a:b:-3]", 20, 0), ("[a:b:+3]", 20, 0),
    ("[a:b:1e1]", 20, 0), ("[a:b:0.29]", 100, 0), ("[a: b :\t7 ]", 20, 0), ("[3:5]", 20, 0), ("[a:3:5]", 20, 0), ("[::5]", 20, 0),
    ("[[a|b]:c:4]", 8, 0), ("[a:[b|c]:4] (d [e:f:2]:1.3)", 8, 0), ("[[a:b:2]|[c:d:3]|e]", 8, 0), ("[|]", 4, 0), ("a|b [c:3]", 8, 0),
    ("(a|b) [c:3]", 8, 0), ("[a:b] [c:3]", 8, 0), ("[a [b:c] d:3] [e:2]", 8, 0), ("a\\", 8, 0), (r"\[a:b:3\] [c\:d:3]", 8, 0),
    (r"[a\|b|c\]]", 4, 0), ("[a:b:5", 8, 0), ("a:b:5]", 8, 0), ("[[a:b:5] c", 8, 0), ("", 8, 0), ("[]", 8, 0), ("()", 8, 0), ("[a:12] b", 20, 10),
    ("[a:b:1000000000000000000000]", 8, 0), ("[a:b:5.]", 8, 0), ("[a:b:0.5 c]", 8, 0), ("ein [Mädchen:花:3]", 8, 0),
]
EMPHASIS = ["(a:1.3)", "(a: -1.5 )b", "(a:+.5)", "[a]", "[[a]]", "((a))", "([a])", "(a]", "[a)", "a)b]c", "a:1.3)b", "a: b", "(a", "[(a:2) b", "a\\b",
            "a\\", r"\\(a\)", "(a BREAK b:1.2) c", "BREAK", "a BREAK  BREAK b", "BREAKa BREAK_ xBREAK", "(((a:1.2) b:1.3) c:0.7) d", "", "()", "(:1.2)",
            "(a:b:1.2)", "a (b:1.1) (c:1.1)d"]
WORDS = "a young woman with red hair, round glasses, smiling in a garden, soft light, detailed face, "
CHUNKS = ["", "a (red:1.3) hat", "word " * 75, "word " * 76, "word " * 160, WORDS * 5, "a " * 70 + ", " + "b " * 30, "a " * 54 + ", " + "b " * 30,
          "a " * 55 + ", " + "b " * 30, "a " * 75 + ", b", "a, " * 60, "a BREAK b", "BREAK a", "a BREAK", "a BREAK BREAK b", "(" + WORDS * 3 + ":1.2) [tail]",
          "word " * 75 + "BREAK b", "ﬁne “quotes”, ÉTÉ…"]


def random_schedules(count=400):
    """Short strings of the grammar's signs. Left out is a schedule before two signs that fit nowhere, "[a:b:2])(": grammar and text both
    fit there, and lark happens to choose text, likeness the schedule."""
    rng, rows = random.Random(6), []
    signs = ["a", "b", " ", "[", "]", "(", ")", ":", "|", ":3]", ":0.5]", "[a|b]", "[a:b:2]", "(a:1.2)", "[c]", "\\[", "x"]
    while len(rows) < count:
        text = "".join(rng.choice(signs) for _ in range(rng.randint(2, 12)))
        if not re.search(r":[\d.]+\][][():]{2}", text):
            rows.append((text, 6, 0))
    return rows


def main():
    tokenizer = CLIPTokenizer.from_pretrained(str(checkpoint.SHARED / "data/tokenizer/sd15"))
    for prompt, steps, before, texts in PUBLISHED:
        assert schedule(prompt, steps, before) == texts, prompt
    for text, pieces in PUBLISHED_EMPHASIS:
        assert emphasis(text) == pieces, text
    cases = [row[:3] for row in PUBLISHED] + SCHEDULES + random_schedules()
    golden = {
        "schedules": [[*row, schedule(*row)] for row in cases],
        "emphasis": [[text, emphasis(text)] for text in [row[0] for row in PUBLISHED_EMPHASIS] + EMPHASIS],
        "chunks": [[text, chunks(text, tokenizer)] for text in CHUNKS],
    }
    with open(OUT, "w") as file:
        file.write("{\n" + ",\n".join(f'"{key}": [\n' + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]"
                                        for key, rows in golden.items()) + "\n}\n")


if __name__ == "__main__":
    main()
