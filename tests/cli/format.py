"""docs/format.md is enough to read a packed file: a reader made from it finds what lop finds."""
import json
import sys
from pathlib import Path

import tool

PACK = Path(__file__).resolve().parent.parent / "pack"
sys.path.insert(0, str(PACK))
import format as document  # noqa: E402  (tests/pack/format.py)


class Format(tool.LopTest):
    def compare(self, packed):
        self.lop("unpack", packed, "-o", "plain.safetensors", "-f")
        found = dict(tool.tensors(self.here / "plain.safetensors"))
        for layer in document.read(Path(self.here / packed).read_bytes()):
            weights = [0.0] * (layer.outputs * layer.inputs)
            for r, row in enumerate(layer.rows):
                for i, weight in row:
                    weights[r * layer.inputs + i] = weight
            self.assertEqual(tuple(weights), found.pop(f"{layer.name}.weight"), packed)
            if layer.bias:
                self.assertEqual(tuple(layer.bias), found.pop(f"{layer.name}.bias"), packed)
        self.assertEqual(found, {})

    def test_golden_files(self):
        files = sorted((PACK / "golden").glob("*.lop"))
        self.assertGreaterEqual(len(files), 7)
        for path in files:
            self.compare(str(path))

    def test_trained_networks(self):
        self.train("net.safetensors", "--bias")
        for method, share in (("weight", "85"), ("unit", "50")):
            self.lop("prune", "net.safetensors", "-m", method, "-k", share, "-o", "p.safetensors",
                     "-f")
            for words in (["float32"], ["float16"], ["int8"], ["shared", "--entries", "9"],
                          ["shared", "--entries", "200"]):
                self.lop("pack", "p.safetensors", "-o", "p.lop", "-f", "--values", *words)
                self.compare("p.lop")

    def test_every_change_is_found(self):
        content = (PACK / "golden" / "v1-tiny.lop").read_bytes()
        for at in range(len(content)):
            for changed in (content[:at], content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]):
                with self.assertRaises((document.Bad, IndexError)):
                    document.read(changed)


if __name__ == "__main__":
    tool.main()
