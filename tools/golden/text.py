#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What transformers' CLIPTextModel gives on the tiny checkpoint, for tests/stages/test_text_encoder.c and test_text_inversion.c.

    text.py             writes tests/golden/text.safetensors: one tensor [77·chunks,32] f32 for each row of CASES

As diffusers' StableDiffusionPipeline.encode_prompt: no attention mask, clip_skip k takes hidden_states[-(k + 1)] through the final norm.
Chunks and emphasis as the WebUI (prompt.py): a chunk's states times its weights, then times what restores their mean.
"""
import torch
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

import checkpoint
import prompt as webui

PROMPT = "a young woman with red hair and round glasses, smiling"
LISTED = "red hair, round glasses, soft light, " * 12
CASES = {  # name: prompt, clip_skip, dtype of the weights, activation
    "empty": ("", 0, "f32", "quick_gelu"),
    "plain": (PROMPT, 0, "f32", "quick_gelu"),
    "skip1": (PROMPT, 1, "f32", "quick_gelu"),
    "skip2": (PROMPT, 2, "f32", "quick_gelu"),
    "gelu": (PROMPT, 0, "f32", "gelu"),
    "f16": (PROMPT, 0, "f16", "quick_gelu"),
    "bf16": (PROMPT, 0, "bf16", "quick_gelu"),
    "long": ("lighthouse " * 100, 0, "f32", "quick_gelu"),
    "listed": (LISTED, 0, "f32", "quick_gelu"),
    "break skip1": (f"{PROMPT} BREAK (at night:1.2)", 1, "f32", "quick_gelu"),
    "emphasis": (f"a ((young) woman:1.4) with [red hair], {PROMPT}", 0, "f32", "quick_gelu"),
    "negative weight": ("a woman (with a hat:-0.5)", 0, "f32", "quick_gelu"),
}
TOY = [("a photo of ", 1.0), (None, 1.2), (", smiling", 1.0)]  # "a photo of (toy:1.2), smiling"


def encode(model, chunks, skip):
    """chunks: lists of (token, weight) → states [77·chunks, width]"""
    norm = getattr(model, "text_model", model).final_layer_norm
    out = []
    for chunk in chunks:
        fill = 75 - len(chunk)
        ids = torch.tensor([[49406] + [token for token, _ in chunk] + [49407] * (fill + 1)])
        weights = torch.tensor([1.0] + [weight for _, weight in chunk] + [1.0] * (fill + 1))
        with torch.no_grad():
            states = norm(model(ids, output_hidden_states=True).hidden_states[-(skip + 1)])[0]
        weighted = states * weights[:, None]
        before, after, size = states.double().mean(), weighted.double().mean(), weighted.double().abs().mean()
        if (weights != 1).any() and min(abs(before), abs(after)) >= 1e-6 * size:  # else it is rounding: there is no mean to restore
            weighted = weighted * (before / after).float()
        out.append(weighted)
    return torch.cat(out).contiguous()


def inversion(filled, tokenizer):
    """Three vectors in the place of a word: rows 49408 … of an enlarged table, as diffusers' load_textual_inversion puts them."""
    model = CLIPTextModel(CLIPTextConfig(**checkpoint.TEXT)).eval()
    model.load_state_dict(filled.state_dict())
    model.resize_token_embeddings(49411, mean_resizing=False)
    model.get_input_embeddings().weight.data[49408:] = torch.from_numpy(checkpoint.values("golden.inversion", (3, 32)))
    chunk = []
    for text, weight in TOY:
        ids = tokenizer(text, add_special_tokens=False).input_ids if text else [49408, 49409, 49410]
        chunk += [(token, weight) for token in ids]
    return encode(model, [chunk], 0)


def main():
    torch.set_num_threads(1)
    tokenizer = CLIPTokenizer.from_pretrained(str(checkpoint.SHARED / "data/tokenizer/sd15"))
    filled = {dtype: checkpoint.models(dtype)[0] for dtype in ("f32", "f16", "bf16")}
    out = {"inversion": inversion(filled["f32"], tokenizer)}
    for name, (text, skip, dtype, activation) in CASES.items():
        model = CLIPTextModel(CLIPTextConfig(**checkpoint.TEXT | {"hidden_act": activation})).eval()
        model.load_state_dict(filled[dtype].state_dict())
        out[name] = encode(model, webui.chunks(text, tokenizer), skip)
        if len(out[name]) == 77 and text in ("", PROMPT):
            ids = tokenizer(text, padding="max_length", truncation=True, max_length=77, return_tensors="pt").input_ids
            with torch.no_grad():
                last = model(ids).last_hidden_state[0]
            assert skip or torch.equal(out[name], last), name
        ratio = out[name].mean() / out[name].abs().mean()
        print(f"{name}: {len(out[name])} states, mean {ratio:.3f} of their size")
    save_file(out, checkpoint.ROOT / "tests/golden/text.safetensors")


if __name__ == "__main__":
    main()
