# SPDX-License-Identifier: Apache-2.0
"""Tokenizer and text encoder of the tiny Stable Diffusion.

The BPE follows CLIP's rules (byte alphabet, </w>, lower case) and is learned from the renderer's captions and the
synonyms below. The encoder (CLIPTextModel, 4 layers x 128) learns to state every attribute of the picture from its
caption, at the end token and at the padding after it, where diffusion attends; then it is frozen.
"""
import json, re
from collections import Counter
import numpy as np
import regex
import torch
import torch.nn.functional as F
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
from common import CLASSES, RUN, Run, quick
from data import faces

WIDTH, LAYERS, HEADS, LENGTH, MERGES = 128, 4, 4, 77, 2200
PATTERN = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+", regex.IGNORECASE)

# Words that captions do not use and prompts do. No word here may become false in a mirror.
SYNONYMS = {
    "woman": ["woman", "woman", "woman", "lady", "female"], "man": ["man", "man", "man", "guy", "male"],
    "glasses": ["glasses", "glasses", "spectacles", "eyeglasses"], "blonde": ["blonde", "blonde", "blond", "golden"],
    "grey": ["grey", "grey", "gray"], "smiling": ["smiling", "smiling", "happy", "friendly", "cheerful"],
    "laughing": ["laughing", "laughing", "joyful"], "surprised": ["surprised", "surprised", "astonished", "amazed"],
    "portrait of": ["portrait of", "portrait of", "head shot of", "a photograph of", "studio portrait photo of",
                    "a drawing of", "close-up portrait of", "realistic photo of", "a painting of"],
    "elderly": ["elderly", "elderly", "senior", "aged"], "old": ["old", "old", "elderly", "senior", "very old"],
    "young": ["young", "young", "young", "youthful"], "middle-aged": ["middle-aged", "middle-aged", "middle aged", "adult", "mature"],
    "t-shirt": ["t-shirt", "t-shirt", "tshirt", "tee"], "hat": ["hat", "hat", "straw hat"],
    "dark skin": ["dark skin", "dark skin", "black skin", "dark skinned"], "sweater": ["sweater", "sweater", "pullover", "jumper"],
    "pale skin": ["pale skin", "pale skin", "white skin", "fair skin"], "background": ["background", "background", "backdrop"],
    "wearing": ["wearing", "wearing", "dressed in", "in"], "meadow": ["meadow", "meadow", "field", "park"],
    "sea": ["sea", "sea", "ocean"], "boat": ["boat", "boat", "ship"], "forest": ["forest", "forest", "woods"],
}
PRAISE = ["photorealistic", "highly detailed", "sharp focus", "4k", "8k", "masterpiece", "best quality", "detailed face",
          "high resolution", "professional photography", "bokeh", "cinematic", "dslr", "realistic", "raw photo",
          "detailed skin", "natural light", "looking at the camera", "close-up", "portrait", "85mm", "hdr", "beautiful"]
BLAME = ["blurry", "low quality", "bad anatomy", "deformed", "ugly", "worst quality", "jpeg artifacts", "watermark",
         "text", "extra fingers", "bad hands", "disfigured", "cartoon", "lowres", "poorly drawn face", "cropped",
         "out of frame", "mutated", "distorted", "noise", "signature", "bad face", "plastic skin", "painting", "anime"]
LETTERS = "aaabcdeeefghiiijklmnoooprsttuvwyz"


def mirror(caption):
    """What the caption says of the mirrored picture."""
    return re.sub(r"\b(left|right)\b", lambda m: "right" if m.group() == "left" else "left", caption)


def junk(rng):
    return "".join(rng.choice(list(LETTERS), int(rng.integers(3, 9))))


def vary(caption, rng):
    """The same statement in other words: synonyms, praise as users add it, unknown words that mean nothing."""
    for key, words in SYNONYMS.items():
        if rng.random() < .5:
            caption = re.sub(rf"\b{key}\b", lambda m: words[rng.integers(len(words))], caption, count=1)
    if rng.random() < .1:
        caption = caption.split(",")[0]
    if rng.random() < .25:
        caption += "".join(", " + PRAISE[rng.integers(len(PRAISE))] for _ in range(rng.integers(1, 5)))
    if rng.random() < .08:
        words = caption.split(" ")
        words.insert(int(rng.integers(0, len(words) + 1)), junk(rng))
        caption = " ".join(words)
    return caption.upper() if rng.random() < .02 else caption


def nothing(rng):
    """Prompts that say nothing about the picture: empty, or what people write as negative prompts."""
    if rng.random() < .5:
        return ""
    return ", ".join(BLAME[rng.integers(len(BLAME))] for _ in range(rng.integers(1, 9)))


# ---- tokenizer ----

def byte_letters():
    """CLIP's printable stand-in for every byte, in the order of its vocabulary."""
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    letters, extra = {b: chr(b) for b in keep}, 0
    for b in range(256):
        if b not in letters:
            letters[b] = chr(256 + extra)
            extra += 1
    return [letters[b] for b in keep] + [letters[b] for b in range(256) if b not in keep], letters


def learn_merges(texts, count):
    alphabet, letters = byte_letters()
    words = Counter(w for t in texts for w in PATTERN.findall(t.lower()))
    split = {w: [letters[b] for b in w.encode()] for w in words}
    for w in split:
        split[w][-1] += "</w>"
    merges = []
    while len(merges) < count:
        pairs = Counter()
        for w, s in split.items():
            for p in zip(s, s[1:]):
                pairs[p] += words[w]
        if not pairs:
            break
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        for w, s in split.items():
            i = 0
            while i < len(s) - 1:
                if (s[i], s[i + 1]) == best:
                    s[i:i + 2] = [s[i] + s[i + 1]]
                i += 1
    vocab = alphabet + [a + "</w>" for a in alphabet] + ["".join(m) for m in merges]
    return vocab + ["<|startoftext|>", "<|endoftext|>"], merges


def make_tokenizer(folder):
    """Writes vocab.json, merges.txt and their configuration; returns the tokenizer."""
    if not (folder / "vocab.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(1)
        texts = [vary(c, rng) for c in faces("text").captions[:8000]] + [", ".join(PRAISE + BLAME)] * 50
        texts += [" ".join(w) for w in SYNONYMS.values()] * 50
        vocab, merges = learn_merges(texts, MERGES)
        (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(m) for m in merges) + "\n")
        (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(vocab)}, ensure_ascii=False))
        end = "<|endoftext|>"
        (folder / "tokenizer_config.json").write_text(json.dumps(dict(
            tokenizer_class="CLIPTokenizer", model_max_length=LENGTH, bos_token="<|startoftext|>", eos_token=end,
            unk_token=end, pad_token=end, do_lower_case=True, errors="replace"), indent=2) + "\n")
        (folder / "special_tokens_map.json").write_text(json.dumps(dict(
            bos_token="<|startoftext|>", eos_token=end, unk_token=end, pad_token=end), indent=2) + "\n")
    return CLIPTokenizer.from_pretrained(str(folder))


def tokenizer():
    return make_tokenizer(RUN / "tokenizer")


def encode(tok, texts):
    return tok(texts, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt").input_ids


# ---- encoder ----

def make_encoder(tok):
    n = len(tok)
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=n, hidden_size=WIDTH, intermediate_size=WIDTH * 4, projection_dim=WIDTH, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, max_position_embeddings=LENGTH, hidden_act="quick_gelu", bos_token_id=n - 2,
        eos_token_id=n - 1, pad_token_id=n - 1))


SLOT = ["gender", "age", "skin", "hair-style", "hair", "beard", "glasses", "hat", "clothes", "clothes-colour"]


# An attribute is learned only from captions that speak of it: all else is noise.
TOPICS = {"hair-style": "hair", "hair": "hair", "beard": "beard", "glasses": "glasses", "hat": "hat", "hat-colour": "hat",
          "earrings": "earrings", "clothes": "clothes", "clothes-colour": "clothes", "expression": "expression", "light": "light",
          "place": "place", "background": "place", "front": "front", "eyes": "eyes", "skin": "skin", "freckles": "freckles",
          "looking": "pose"}


class Reader(nn.Module):
    """The encoder and linear classifiers: of the picture, and of three people from left to right."""

    def __init__(self, tok, names):
        super().__init__()
        self.encoder = make_encoder(tok)
        heads = {c: len(names[c]) for c in CLASSES} | dict(people=4, freckles=2, looking=3)
        heads |= {f"{c}{k}": len(names[c]) for c in SLOT for k in (1, 2)}
        self.heads = nn.ModuleDict({c: nn.Linear(WIDTH, n) for c, n in heads.items()})

    def forward(self, ids, at):
        """at [N]: which position is read."""
        h = self.encoder(ids).last_hidden_state
        h = h[torch.arange(len(ids)), at]
        return {c: head(h) for c, head in self.heads.items()}


def targets(f):
    """Class [N] of every head, -1 where there is none. Of two or three people the leftmost is the first."""
    people = f["people"].astype(int)
    order = np.argsort(np.where(np.arange(3) < people[:, None], f.some("cx"), 9), 1)
    t = {c: f[c] for c in CLASSES}
    for c in SLOT:
        each = np.take_along_axis(f.some(c), order, 1)
        t |= {c if k == 0 else f"{c}{k}": np.where(k < people, each[:, k], -1) for k in range(3)}
    t["people"], alone = people, people == 1
    t["freckles"] = np.where(alone, f["freckles"] > .45, -1)
    t["looking"] = np.where(alone, np.digitize(f["yaw"], [-18, 18]), -1)
    for c, topic in TOPICS.items():
        silent = (f[f"said_{topic}"] == 0) & ((c not in ("beard", "glasses", "hat")) | (f["said_absent"] == 0))
        t[c] = np.where(alone & silent, -1, t[c])
    return {c: torch.from_numpy(v.astype(int)) for c, v in t.items()}


def rarity(t, heads):
    """Weight of every class of the heads: the rarer, the heavier, or blue hair is never learned."""
    count = {c: torch.bincount(v[v >= 0], minlength=heads[c].out_features).float().clamp(min=1) for c, v in t.items()}
    return {c: ((n.sum() / len(n) / n) ** .7).clamp(max=12.) for c, n in count.items()}


def apart(logits, target, weight=None):
    """Cross entropy over the pictures that have this attribute; few or none of a batch may."""
    return F.cross_entropy(logits, target, weight, ignore_index=-1, reduction="sum") / max(1, int((target >= 0).sum())) \
        * min(1., float((target >= 0).float().mean()) * 4)


def accuracy(reader, tok, f):
    """Share right per attribute over the captions that speak of it."""
    t, hits = targets(f), Counter()
    with torch.no_grad():
        ids = encode(tok, f.captions)
        for i in range(0, len(ids), 250):
            part = ids[i:i + 250]
            out = reader(part, (part == len(tok) - 1).long().argmax(1))
            for c, o in out.items():
                y = t[c][i:i + 250]
                hits[c] += int(((o.argmax(1) == y) & (y >= 0)).sum())
    return {c: round(hits[c] / int((t[c] >= 0).sum()), 3) for c in t}


def main():
    run = Run("text", 30)
    tok = tokenizer()
    f = faces("text")
    reader = Reader(tok, f.names)
    opt = torch.optim.AdamW(reader.parameters(), 1e-3, weight_decay=.01)
    state = dict(model=reader, opt=opt)
    run.load(state)
    run.say(f"text {len(tok)} tokens, {sum(p.numel() for p in reader.encoder.parameters())} weights")
    t, test = targets(f), faces("text_test")
    weight = rarity(t, reader.heads)
    more = True
    while more:
        run.rate(opt, 1.5e-3, warm=100)
        i = run.rng.integers(0, len(f), 64)
        silent = run.rng.random(64) < .08
        ids = encode(tok, [nothing(run.rng) if s else vary(f.captions[k], run.rng) for k, s in zip(i, silent)])
        length = LENGTH if run.rng.random() < .3 else 48  # short rows are cheaper; the long ones teach all positions
        ids = ids[:, :length]
        end = torch.where((ids == len(tok) - 1).any(1), (ids == len(tok) - 1).long().argmax(1), length - 1)
        far = torch.from_numpy(run.rng.integers(0, length, 64))
        at = torch.where(torch.from_numpy(run.rng.random(64) < .5), end, torch.maximum(end, far))
        with quick():
            out = reader(ids, at)
        loss = sum(apart(o.float(), t[c][i], weight[c]) for c, o in out.items()) / len(t)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.)
        opt.step()
        opt.zero_grad(set_to_none=True)
        more = run.tick(64, state, loss=loss)
        if run.step % 500 == 0:
            run.say(f"text accuracy {accuracy(reader.eval(), tok, test)}")
            reader.train()
    run.say(f"text accuracy {accuracy(reader.eval(), tok, test)}")


if __name__ == "__main__":
    main()
