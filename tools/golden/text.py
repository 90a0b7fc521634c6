#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What transformers' CLIPTextModel gives on the tiny checkpoint, for tests/stages/test_text_encoder.c.

    text.py             writes tests/golden/text.safetensors: one tensor [77,32] f32 for each row of CASES

As diffusers' StableDiffusionPipeline.encode_prompt: no attention mask, clip_skip k takes hidden_states[-(k + 1)] through the final norm.
"""
import torch
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

import checkpoint

PROMPT = "a young woman with red hair and round glasses, smiling"
CASES = {  # name: prompt, clip_skip, dtype of the weights, activation
    "empty": ("", 0, "f32", "quick_gelu"),
    "plain": (PROMPT, 0, "f32", "quick_gelu"),
    "skip1": (PROMPT, 1, "f32", "quick_gelu"),
    "skip2": (PROMPT, 2, "f32", "quick_gelu"),
    "gelu": (PROMPT, 0, "f32", "gelu"),
    "f16": (PROMPT, 0, "f16", "quick_gelu"),
    "bf16": (PROMPT, 0, "bf16", "quick_gelu"),
    "long": ("lighthouse " * 100, 0, "f32", "quick_gelu"),
}


def main():
    torch.set_num_threads(1)
    tokenizer = CLIPTokenizer.from_pretrained(str(checkpoint.SHARED / "data/tokenizer/sd15"))
    filled = {dtype: checkpoint.models(dtype)[0] for dtype in ("f32", "f16", "bf16")}
    out = {}
    for name, (prompt, skip, dtype, activation) in CASES.items():
        model = CLIPTextModel(CLIPTextConfig(**checkpoint.TEXT | {"hidden_act": activation})).eval()
        model.load_state_dict(filled[dtype].state_dict())
        ids = tokenizer(prompt, padding="max_length", truncation=True, max_length=77, return_tensors="pt").input_ids
        with torch.no_grad():
            states = model(ids, output_hidden_states=True)
            norm = getattr(model, "text_model", model).final_layer_norm
            out[name] = norm(states.hidden_states[-(skip + 1)])[0].contiguous()
        if skip == 0:
            assert torch.allclose(out[name], states.last_hidden_state[0], atol=1e-6)
    save_file(out, checkpoint.ROOT / "tests/golden/text.safetensors")


if __name__ == "__main__":
    main()
