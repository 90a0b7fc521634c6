#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small files of torch.save for tests/data/test_tensor_pickle.c, written to tests/golden/pickle/ (needs torch).

Element i of the k-th tensor is i/4 + k. The evil ones do nothing here: they are written, never loaded.
"""
import pickle
import struct
import zipfile
from collections import OrderedDict

import torch

import checkpoint

OUT = checkpoint.ROOT / "tests/golden/pickle"


def tensor(k, *shape, dtype=torch.float32):
    n = torch.Size(shape).numel()
    return (torch.arange(n) / 4 + k).to(dtype).reshape(shape)


class Evil:
    def __reduce__(self):
        import os
        return os.system, ("touch /tmp/likeness-was-here",)


def whole_in_64_bits(path, out):
    """The zip file with every size, offset and count in the 64-bit fields, as those of files over 4 GB are. All members are stored."""
    with zipfile.ZipFile(path) as z:
        members = [(info, z.read(info)) for info in z.infolist()]
    body, directory = b"", b""
    for info, data in members:
        name, at = info.filename.encode(), len(body)
        sizes = struct.pack("<QQ", len(data), len(data))
        body += struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 45, 0, 0, 0, 33, info.CRC, 2**32 - 1, 2**32 - 1, len(name), 20)
        body += name + struct.pack("<HH", 1, 16) + sizes + data
        directory += struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 45, 45, 0, 0, 0, 33, info.CRC, 2**32 - 1, 2**32 - 1, len(name), 28, 0, 0, 0, 0, 2**32 - 1)
        directory += name + struct.pack("<HH", 1, 24) + sizes + struct.pack("<Q", at)
    end = len(body) + len(directory)
    n = len(members)
    directory += struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, n, n, end - len(body), len(body))
    directory += struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    directory += struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 2**16 - 1, 2**16 - 1, 2**32 - 1, 2**32 - 1, 0)
    out.write_bytes(body + directory)
    assert torch.load(out)["state_dict"].keys() == torch.load(path)["state_dict"].keys()


def main():
    OUT.mkdir(exist_ok=True)
    base = tensor(3, 8)
    state = OrderedDict([("zero.weight", tensor(0, 2, 3)), ("one", tensor(1, 4, dtype=torch.float16)),
                         ("two", tensor(2, 2, 2, dtype=torch.bfloat16)), ("three", base), ("tail", base[4:]),
                         ("parameter", torch.nn.Parameter(tensor(4, 3))), ("empty", torch.zeros(0, 5)), ("scalar", tensor(5))])
    trainer = {"epoch": 3, "global_step": 2**40, "lr": 1e-4, "state_dict": state, "callbacks": {}, "hyper": None, "done": True}
    torch.save(trainer, OUT / "zip.pt")
    whole_in_64_bits(OUT / "zip.pt", OUT / "zip64.pt")
    torch.save(trainer, OUT / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(trainer, OUT / "protocol4.pt", pickle_protocol=4)
    torch.save([tensor(0, 2), {"x": tensor(1, 2)}], OUT / "list.pt")
    torch.save({"a": tensor(0, 4).to(torch.float8_e4m3fn), "b": tensor(1, 4).to(torch.float8_e5m2)}, OUT / "fp8.pt")
    torch.save({"a": tensor(0, 4), "b": tensor(1, 4, dtype=torch.int8)}, OUT / "int8.pt")
    torch.save({"a": tensor(0, 4), "b": tensor(1, 4, dtype=torch.int16)}, OUT / "int16.pt", _use_new_zipfile_serialization=False)
    torch.save({"state_dict": {"a": tensor(0, 4)}, "moments": tensor(1, 4, dtype=torch.int16), "rest": tensor(3, 4)}, OUT / "apart.pt",
               _use_new_zipfile_serialization=False)
    torch.save({"a": torch.quantize_per_tensor(tensor(0, 4), .1, 0, torch.qint8)}, OUT / "quantised.pt")
    torch.save({"turned": tensor(0, 2, 3).t()}, OUT / "turned.pt")
    torch.save({"a": tensor(0, 2), "b": Evil()}, OUT / "evil_zip.pt")
    (OUT / "evil_plain.ckpt").write_bytes(pickle.dumps({"a": Evil()}, protocol=2))
    (OUT / "evil_text.ckpt").write_bytes(pickle.dumps({"a": Evil()}, protocol=0))
    (OUT / "evil_stack.ckpt").write_bytes(pickle.dumps({"a": Evil()}, protocol=4))
    with zipfile.ZipFile(OUT / "packed.pt", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("archive/data.pkl", pickle.dumps({"a": 1}, protocol=2) * 40)
    print(sum(path.stat().st_size for path in OUT.iterdir()), "bytes")


if __name__ == "__main__":
    main()
