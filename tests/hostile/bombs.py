"""Small files that ask for much: each with the bytes of content that it declares and may have."""
import gzip
import json
import struct

from binary import boxed, parted, varint

MIB = 1 << 20


def seconds(data):
    """What reading may take: a second for each MiB, and what starting takes for less."""
    return max(1.0, len(data) / MIB)


def filled(before, piece, after, size=MIB):
    return before + piece * ((size - len(before) - len(after)) // len(piece)) + after


def zeros(size, before=b""):
    """A gzip file of so many zeros, made without having them."""
    packer = gzip.zlib.compressobj(9, gzip.zlib.DEFLATED, 31)
    out = packer.compress(before)
    for _ in range(size // MIB):
        out += packer.compress(bytes(MIB))
    return out + packer.flush()


def of_gzip():
    return {"ratio": (zeros(256 * MIB), 0)}


def of_idx():
    def head(*sizes):
        return struct.pack(">HBB", 0, 8, len(sizes)) + struct.pack(f">{len(sizes)}I", *sizes)

    return {"ratio": (zeros(64 * MIB, head(64 << 10, 32, 32)), 0),
            "allowed": (zeros(16 * MIB, head(16 << 10, 32, 32)), 16 * MIB),
            "claims": (head(1 << 22, 32, 32) + bytes(MIB), 0)}


def of_csv():
    return {"short lines": (filled(b"", b"1,1\n", b""), MIB), "one line": (filled(b"1", b",1", b"\n"), MIB),
            "empty lines": (filled(b"", b"\n", b""), MIB), "quotes": (filled(b"", b'"', b""), MIB),
            "spaces": (filled(b"", b" ", b""), MIB), "one number": (filled(b"1,", b"1", b"\n"), MIB),
            "ratio": (gzip.compress(b"1,1\n" * (1 << 24), 9), 0)}


def of_npy():
    def array(text, data):
        return b"\x93NUMPY\x02\x00" + struct.pack("<I", 65536) + text.ljust(65536) + data

    return {"keys": (array(b"'descr':" * 8192, bytes(MIB)), MIB),
            "digits": (array(b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"1" * 65000, bytes(MIB)), MIB)}


def of_safetensors():
    nodes = [{"op": "input", "name": "i", "width": MIB}]
    for i in range(500):
        nodes.append({"op": "linear", "name": f"l{i}", "input": nodes[-1]["name"], "width": MIB})
    many = {f"{i:x}": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]} for i in range(MIB // 50)}
    header = 8 * MIB - 16
    return {"lists": (boxed(filled(b'{"a":[', b"[],", b"0]}")), MIB),
            "objects": (boxed(filled(b'{"a":[', b"{},", b"0]}")), MIB),
            "numbers": (boxed(filled(b'{"a":[', b"1,", b"0]}")), MIB),
            "depth": (boxed(filled(b'{"a":', b"[", b"")), MIB), "tensors": (boxed(many), MIB),
            "metadata": (boxed({"__metadata__": {f"{i:x}": "" for i in range(MIB // 12)}}), MIB),
            "largest header": (boxed(filled(b'{"a":[', b"{},", b"0]}", header)), 8 * MIB),
            "spec": (boxed({"__metadata__": {"lop.network": json.dumps({"nodes": nodes})}}), 0)}


def of_results():
    head = b'{"schema":"lop.result/1",'
    return {"no results": (filled(b"", b"x\n", b""), MIB),
            "small results": (filled(b"", b'{"schema": "lop.result/1"}\n', b""), MIB),
            "empty lines": (filled(b"", b"\n", b""), MIB), "objects": (filled(b'{"a":[', b"{},", b"0]}\n"), MIB),
            "more objects": (filled(b'{"a":[', b"{},", b"0]}\n", 8 * MIB), 8 * MIB),
            "recipe": (filled(head + b'"recipe":{"a":[', b"{},", b"0]}}\n"), MIB),
            "epochs": (filled(head + b'"epochs":[', b'{"epoch":1},', b'{"epoch":1}]}\n'), MIB),
            "depth": (filled(head + b'"x":', b"[", b"\n"), MIB)}


def of_recipe():
    nines = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9))
    made = {"aliases": nines.encode(), "unknown aliases": b"data: a\nlayers: &a [1, 1]\nseeds: *a\n"}
    for name, (before, piece, after) in {
            "lists": (b"", b"[", b""), "mappings": (b"", b"{", b""), "lists in a list": (b"layers: ", b"[", b""),
            "dashes": (b"", b"- ", b""), "stages": (b"stages:\n", b"- {}\n", b""), "layers": (b"layers: [", b"1,", b"1]"),
            "comment": (b"", b"#", b""), "key": (b"", b"k", b""), "text": (b'data: "', b"x", b'"'),
            "block": (b"data: |\n", b" x\n", b""), "questions": (b"", b"? ", b""), "colons": (b"", b":", b""),
            "tags": (b"", b"!", b""), "empty lines": (b"", b"\n", b""), "tabs": (b"", b"\t", b""),
            "nodes": (b"network:\n", b"- {op: input, name: x, width: 4}\n", b""),
            "anchors": (b"layers: [", b"&a 1,", b"1]"), "documents": (b"", b"---\n", b""),
            "percents": (b"", b"%", b""), "unknown keys": (b"{", b"k: 1,", b"k: 1}")}.items():
        made[name] = filled(before, piece, after)
    made["stages, as many as may be"] = b"stages:\n" + b"- {}\n" * 4096
    made["steps"] = b"".join(b" " * i + b"a:\n" for i in range(1400))
    return {name: (data, len(data)) for name, data in made.items()}


def of_lop():
    def net(inputs, outputs, left, size, kind=0, block=0):
        more = b"\xff" if kind == 3 else b""
        graph = varint(2) + varint(0) + varint(inputs) + varint(1) + varint(0) + varint(outputs)
        return parted([(b"G", graph + varint(kind << 5) + bytes([block]) + varint(left) + more), (b"W", bytes(size))])

    made = {}
    for kind, name in enumerate(("float32", "float16", "int8", "shared")):
        made[f"wide {name}"] = (net(MIB, MIB, 4 << 20, 64, kind), 64 * MIB)
        made[f"dense {name}"] = (net(4096, 2048, 8 << 20, 64, kind, 5), 64 * MIB)
        made[f"too large {name}"] = (net(MIB, MIB, 1 << 30, 1000, kind), 0)
    return made


def of_plan():
    candidates = b" dense-rows-f32-scalar 1 1\n"
    start = b"HEADER\nmeasured no\nclass 1 1\n"
    return {"candidates": (filled(start + b"dense-rows-f32-scalar 1 1\n", candidates, b"SUM\n"), MIB),
            "sums": (filled(b"", b"\nsum ", b""), MIB), "one line": (filled(start, b"k", b"\nSUM\n"), MIB),
            "spaces": (filled(start + b"dense-rows-f32-scalar 1 1\n", b" \n", b"SUM\n"), MIB)}


MAKERS = {"gzip": of_gzip, "idx": of_idx, "csv": of_csv, "npy": of_npy, "safetensors": of_safetensors,
          "results": of_results, "recipe": of_recipe, "lop": of_lop, "plan": of_plan,
          "checkpoint": of_safetensors}


def make(reader):
    """Bytes and declared bytes by name."""
    return {name.replace(" ", "-").replace(",", ""): row for name, row in MAKERS[reader]().items()}
