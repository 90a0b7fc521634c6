#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What C2PA manifests say, read by the Python package c2pa-python 0.38.1 (contentauth).

    python tools/golden/manifests.py SHARED_DATA/watermark/c2pa_*.jpg > tests/golden/c2pa.tsv
    python tools/golden/manifests.py --trust ROOT.pem FILE…

One line a file, separated by tabs: name, state, manifests, generator, title, issuer, signer, time, 1 if the bytes were changed, source types,
codes (both separated by commas); "-" is nothing.
"""
import json
import pathlib
import sys

from c2pa import C2paError, Context, Reader, Settings


def row(path, context):
    try:
        with Reader(str(path), context=context) as reader:
            report = json.loads(reader.json())
    except C2paError.ManifestNotFound:
        return [path.name, "none", "0"] + ["-"] * 5 + ["0", "-", "-"]
    manifest = report["manifests"][report["active_manifest"]]
    info = manifest.get("claim_generator_info")
    generator = f"{info[0]['name']} {info[0]['version']}" if info else manifest["claim_generator"]
    signature = manifest["signature_info"]
    codes = [status["code"] for status in report.get("validation_status", [])]
    actions = [action for a in manifest["assertions"] if a["label"].startswith("c2pa.actions") for action in a["data"]["actions"]]
    sources = dict.fromkeys(a["digitalSourceType"] for a in actions if "digitalSourceType" in a)
    changed = any(code.endswith("Hash.mismatch") for code in codes)
    return [path.name, report["validation_state"].lower(), str(len(report["manifests"])), generator, manifest.get("title", "-"),
            signature["issuer"], signature["common_name"], signature.get("time", "-"), str(int(changed)), ",".join(sources) or "-",
            ",".join(codes) or "-"]


words = sys.argv[1:]
settings = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
if words[:1] == ["--trust"]:
    settings["trust"] = {"trust_anchors": pathlib.Path(words[1]).read_text()}
    words = words[2:]
print("# made by tools/golden/manifests.py: name, state, manifests, generator, title, issuer, signer, time, changed, sources, codes")
for word in words:
    print("\t".join(row(pathlib.Path(word), Context(Settings.from_dict(settings)))))
