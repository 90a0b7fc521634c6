#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks a ledger by docs/audit.md alone, with nobody's code of likeness: Python's sqlite3 and hashlib, and Ed25519 of the
package `cryptography` where it is installed. Prints what it found; exit 1 at the first thing that is wrong.

    audit_verify.py LEDGER [EXPORT.jsonl]
"""
import hashlib
import json
import sqlite3
import sys


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def check_row(sequence, body, digest, personal, before):
    """personal: {name: (salt, value)}"""
    fields = json.loads(body)
    assert sha256(body) == digest, f"row {sequence}: hash"
    assert fields["sequence"] == sequence, f"row {sequence}: sequence"
    assert fields["previous"] == before, f"row {sequence}: previous"
    assert body == json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False), f"row {sequence}: form"
    for name, (salt, value) in personal.items():
        assert sha256(salt + value) == fields["personal"][name], f"row {sequence}: {name}"


def check_head(sequence, digest, public, signature):
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return "signature not checked: no package cryptography"
    text = f"likeness audit head 1\n{sequence}\n{digest}\n"
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), text.encode())
    return "signed"


db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
rows, before = 0, "0" * 64
for sequence, body, digest in db.execute("SELECT sequence, body, hash FROM entry ORDER BY sequence"):
    kept = db.execute("SELECT name, salt, value FROM personal WHERE sequence = ?", (sequence,))
    rows += 1
    assert sequence == rows, f"row {rows}: missing"
    check_row(sequence, body, digest, {name: (salt, value) for name, salt, value in kept}, before)
    before = digest
sequence, digest, public, signature = db.execute("SELECT sequence, hash, public, signature FROM head").fetchone()
assert (sequence, digest) == (rows, before), "head"
print(f"{rows} rows, {check_head(sequence, digest, public, signature)}")

if len(sys.argv) > 2:
    before = "0" * 64
    for number, line in enumerate(open(sys.argv[2]), 1):
        row = json.loads(line)
        check_row(number, row["body"], row["hash"], {n: (p["salt"], p["value"]) for n, p in row["personal"].items()}, before)
        before = row["hash"]
    assert before == digest, "export"
    print("the export is the same chain")
