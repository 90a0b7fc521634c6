#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/bench-page: figures become a table and plots between the markers, and nothing else of the page changes."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

root = pathlib.Path(__file__).resolve().parent.parent.parent
BEGIN, END = "<!-- tools/bench-page writes what follows -->", "<!-- tools/bench-page wrote what stands above -->"
SVG = "{http://www.w3.org/2000/svg}"


def report(work, engines, size="512x512"):
    return {"work": work, "size": size, "steps": 20, "runs": 3, "processor": "A Processor, 2 threads", "load": [0.1, 0.4], "revision": "1234abcd",
            "versions": ["torch 9.9"], "engines": engines}


OURS = {"seconds": 2.0, "processor": 4.0, "ratio": 0.25, "ratio_processor": 0.5}
TORCH = {"seconds": 8.0, "processor": 8.0}


class Page(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.scratch.name)
        self.page = self.folder / "page.md"
        self.page.write_text(f"# Title\n\nbefore\n\n{BEGIN}\nold figures\n{END}\n\nbehind\n")

    def tearDown(self):
        self.scratch.cleanup()

    def write(self, name, value):
        (self.folder / name).write_text(value if isinstance(value, str) else json.dumps(value))
        return str(self.folder / name)

    def run_page(self, *files):
        return subprocess.run([sys.executable, root / "tools/bench-page", *files, "--page", self.page, "--pictures", self.folder], capture_output=True,
                              text=True)

    def test_replaces_what_stands_between_the_markers_and_nothing_else(self):
        file = self.write("unet.json", report("unet", {"auto": OURS, "torch": TORCH}))
        for _ in range(2):  # a second run leaves the same
            self.assertEqual(self.run_page(file).returncode, 0)
            text = self.page.read_text()
            self.assertTrue(text.startswith(f"# Title\n\nbefore\n\n{BEGIN}\n"))
            self.assertTrue(text.endswith(f"{END}\n\nbehind\n"))
            self.assertNotIn("old figures", text)
        self.assertIn("| UNet step, 512×512 | likeness | 2 s | torch | 8 s | **0.25** | 0.50 | 3 |", text)
        self.assertIn("On A Processor, 2 threads; load 0.1 to 0.4; likeness 1234abcd; torch 9.9.", text)

    def test_a_ratio_over_one_is_not_in_bold(self):
        slower = OURS | {"ratio": 1.5}
        self.run_page(self.write("swap.json", report("swap", {"likeness": slower, "insightface": TORCH})))
        self.assertIn("| 1.50 |", self.page.read_text())

    def test_bars_are_as_long_as_their_seconds_and_ours_are_coloured(self):
        self.run_page(self.write("unet.json", report("unet", {"auto": OURS, "torch": TORCH})))
        picture = xml.etree.ElementTree.parse(self.folder / "bench-unet-512x512.svg").getroot()
        bars = picture.findall(f"{SVG}rect")[1:]
        self.assertAlmostEqual(float(bars[0].get("width")) / float(bars[1].get("width")), 2 / 8, places=2)
        self.assertNotEqual(bars[0].get("fill"), bars[1].get("fill"))

    def test_reports_of_one_work_share_a_plot_that_names_each_engine_once(self):
        first = self.write("a.json", report("unet", {"auto": OURS, "torch": TORCH}))
        second = self.write("b.json", [report("unet", {"auto": OURS, "openvino": TORCH}), report("vae", {"auto": OURS, "torch": TORCH})])
        self.run_page(first, second)
        picture = (self.folder / "bench-unet-512x512.svg").read_text()
        self.assertEqual([picture.count(f">{name}<") for name in ("likeness", "torch", "OpenVINO, f32")], [1, 1, 1])
        self.assertIn("(" + self.folder.name + "/bench-vae-512x512.svg)", self.page.read_text())

    def test_names_are_escaped(self):
        self.run_page(self.write("unet.json", report("unet", {"auto": OURS, "<a & b>": TORCH})))
        xml.etree.ElementTree.parse(self.folder / "bench-unet-512x512.svg")

    def test_what_is_no_report_is_refused_in_one_line_and_the_page_stays(self):
        before = self.page.read_text()
        for value in ("no JSON", [1], {"work": "unet"}, report("unet", {})):
            said = self.run_page(self.write("bad.json", value))
            self.assertEqual((said.returncode, said.stderr.count("\n")), (2, 1))
            self.assertIn("bad.json", said.stderr)
        self.assertEqual(self.page.read_text(), before)

    def test_a_page_without_markers_is_refused_and_stays(self):
        self.page.write_text("no markers\n")
        said = self.run_page(self.write("unet.json", report("unet", {"auto": OURS, "torch": TORCH})))
        self.assertEqual((said.returncode, said.stderr.count("\n"), self.page.read_text()), (2, 1, "no markers\n"))
        self.assertFalse(list(self.folder.glob("*.svg")))


if __name__ == "__main__":
    unittest.main()
