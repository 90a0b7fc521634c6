# SPDX-License-Identifier: Apache-2.0
"""What the tools of bench/ share: how likeness is started out of a build folder, and what a figure has to be printed with."""
import os
import pathlib
import platform
import subprocess

root = pathlib.Path(__file__).resolve().parent.parent
PEERS = ("torch", "diffusers", "openvino", "stable-diffusion-cpp-python", "onnxruntime", "opencv-python-headless")


def environment(build, state):
    """Of a likeness that is not installed; state: a folder for what it would keep in the user's."""
    return dict(os.environ, LIKENESS_ORT_DIR=f"{build}/deps/onnxruntime/lib", LIKENESS_STATE=str(state), LIKENESS_MODELS=str(root / "starter/pack"),
                LIKENESS_RULES=str(root / "src/stages/judge/policy.rules"), LIKENESS_MERGES=f"{build}/deps/clip/bpe_simple_vocab_16e6.txt.gz")


def versions(python):
    """"PACKAGE VERSION" of the peers that this Python has."""
    code = f"import importlib.metadata as m\nfor p in {PEERS!r}:\n try: print(p, m.version(p))\n except Exception: pass"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.split("\n")[:-1]


def processor(threads):
    names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {threads} threads"


def revision():
    """Of likeness: the commit, with a + where files were changed since."""
    said = subprocess.run(["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=8"], capture_output=True, text=True)
    return said.stdout.strip() or "unknown"
