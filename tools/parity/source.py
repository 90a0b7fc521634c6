# SPDX-License-Identifier: Apache-2.0
"""Which source a page's numbers hold for."""
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def source():
    """Of likeness: its tree's short hash, with + where it is not committed."""
    git = lambda *words: subprocess.check_output(["git", "-C", ROOT, *words], text=True).strip()
    return git("rev-parse", "--short", "HEAD:src") + ("+" if git("status", "--porcelain", "--", "src") else "")
