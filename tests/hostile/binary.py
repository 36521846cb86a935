"""Malformed IDX, gzip, NPY, safetensors, checkpoints and packed networks."""
import gzip as zipped
import json
import struct
import zlib

from made import Made, cuts, put

TEN = range(10)


def idx(_seeds):
    made = Made()

    def head(kind, *sizes, zeros=b"\0\0", value=8):
        return zeros + bytes([value, kind]) + struct.pack(f">{len(sizes)}I", *sizes)

    sound = head(3, 3, 2, 2) + bytes(12)
    made.each("empty and short", [b"", b"\0", b"\0\0", b"\0\0\x08"], "LOP_E_TRUNCATED", ("byte", 0))
    made.each("first byte", [put(sound, 0, i + 1) for i in TEN], "LOP_E_FORMAT", ("byte", 0))
    made.each("second byte", [put(sound, 1, 25 * i + 1) for i in TEN], "LOP_E_FORMAT", ("byte", 0))
    made.each("other programs' files", [b"\x89PNG\r\n\x1a\n", b"GIF89a", b"PK\3\4", b"%PDF-1.4", b"\x7fELF\2\1",
                                        b"\xff\xd8\xff\xe0", b"BM\0\0", b"1,2,3\n", b"{\"a\": 1}", b"MM\0*"],
              "LOP_E_FORMAT", ("byte", 0))
    made.each("type", [put(sound, 2, i) for i in (0, 1, 7, 9, 11, 12, 13, 14, 127, 255)], "LOP_E_FORMAT", ("byte", 2))
    made.each("dimensions", [put(sound, 3, i) for i in (0, 5, 6, 7, 8, 9, 16, 64, 128, 255)], "LOP_E_FORMAT", ("byte", 3))
    made.each("sizes cut off, 2", cuts(head(2, 1, 1), 4, 12, 8), "LOP_E_TRUNCATED", ("byte", 4))
    made.each("sizes cut off, 3", cuts(head(3, 1, 1, 1), 4, 16, 12), "LOP_E_TRUNCATED", ("byte", 4))
    made.each("sizes cut off, 4", cuts(head(4, 1, 1, 1, 1), 4, 20, 16), "LOP_E_TRUNCATED", ("byte", 4))
    made.each("no samples", [head(3, 0, i, i) for i in TEN], "LOP_E_FORMAT", ("byte", 4))
    made.each("no height", [head(3, i + 1, 0, i) for i in TEN], "LOP_E_FORMAT", ("byte", 8))
    made.each("no width", [head(3, i + 1, i + 1, 0) for i in TEN], "LOP_E_FORMAT", ("byte", 12))
    made.each("no channels", [head(4, i + 1, 2, 3, 0) for i in TEN], "LOP_E_FORMAT", ("byte", 16))
    made.each("too many samples", [head(3, (1 << 24) + (1 << i), 1, 1) for i in TEN], "LOP_E_LIMIT", ("byte", 4))
    made.each("too wide at once", [head(2, 1, (1 << 20) + (1 << i)) for i in TEN], "LOP_E_LIMIT", ("byte", 8))
    made.each("too wide together", [head(3, 1, 1025 + i, 1024) for i in TEN], "LOP_E_LIMIT", ("byte", 12))
    made.each("product beyond 64 bits", [head(4, 1 + i, 1 << 20, 0xffffffff - i, 0xffffffff) for i in TEN],
              "LOP_E_LIMIT", ("byte", 12))
    made.each("too large", [head(3, 1 << 24, 1024, 256 + i) for i in range(1, 11)], "LOP_E_LIMIT", ("byte", 4))
    made.each("values cut off", cuts(sound, 16, 28, 12), "LOP_E_TRUNCATED", ("byte", 16))
    made.each("values behind", [sound + bytes(i + 1) for i in TEN], "LOP_E_FORMAT", ("byte", 28))
    made.each("large claims", [head(3, 1 << (14 + i), 32, 32) + bytes(7) for i in range(8)], "LOP_E_TRUNCATED", ("byte", 16))
    labels = head(1, 3) + bytes(3)
    made.each("other labels than images", [head(1, i) + bytes(i) for i in (1, 2, 4, 5, 6, 7, 8, 9, 10)],
              "LOP_E_FORMAT", ("byte", 4))
    made.each("labels cut off", cuts(labels, 8, 11, 3), "LOP_E_TRUNCATED", ("byte", 8))
    made.each("no labels", [head(1, 0) + bytes(i) for i in TEN], "LOP_E_FORMAT", ("byte", 4))
    made.each("compressed claims", [zipped.compress(head(3, 1 << 14, 64, 16 + i) + bytes(i), mtime=0) for i in range(1, 11)],
              "LOP_E_LIMIT", ("byte", 16))
    return made


def gzip(_seeds):
    made = Made()
    text = bytes(b"0123456"[i * i % 7] for i in range(600))
    sound = zipped.compress(text, 9, mtime=0)
    size = len(sound)
    made.each("header cut off", cuts(sound, 2, 10, 8), "LOP_E_TRUNCATED", ("byte", None))
    made.each("data cut off", cuts(sound, 10, size - 8, 12), "LOP_E_TRUNCATED", ("byte", None))
    made.each("trailer cut off", cuts(sound, size - 8, size, 8), "LOP_E_TRUNCATED", ("byte", None))
    made.each("method", [put(sound, 2, i) for i in (0, 1, 2, 7, 9, 10, 15, 64, 128, 255)], "LOP_E_FORMAT", ("byte", None))
    made.each("reserved flags", [put(sound, 3, i) for i in (32, 64, 96, 128, 160, 192, 224, 225, 240, 255)],
              "LOP_E_FORMAT", ("byte", None))
    made.each("checksum", [put(sound, size - 8 + i % 4, sound[size - 8 + i % 4] ^ (1 << i % 8)) for i in range(12)],
              "LOP_E_FORMAT", ("byte", None))
    made.each("length", [put(sound, size - 4 + i % 4, sound[size - 4 + i % 4] ^ (1 << i % 8)) for i in range(12)],
              "LOP_E_FORMAT", ("byte", None))
    made.each("something behind", [sound + bytes([i + 1]) * (i + 1) for i in TEN], "LOP_E_FORMAT", ("byte", size))
    made.each("zeros behind", [sound + bytes(i + 1) for i in TEN], "LOP_E_FORMAT", ("byte", size))
    made.each("text behind", [sound + b"text" * (i + 1) for i in TEN], "LOP_E_FORMAT", ("byte", size))
    made.each("half a signature behind", [sound + b"\x1f"], "LOP_E_FORMAT", ("byte", size))
    made.each("second member cut off", [sound + cut for cut in cuts(sound, 2, size, 12)], "LOP_E_TRUNCATED", ("byte", None))
    made.each("second member's method", [sound + put(sound, 2, i) for i in range(0, 8)], "LOP_E_FORMAT", ("byte", None))
    made.each("third member's checksum", [sound * 2 + put(sound, size - 5, i) for i in range(10) if i != sound[-5]],
              "LOP_E_FORMAT", ("byte", None))
    head = sound[:10]
    made.each("block of type 3", [head + bytes([7 + 8 * i, i]) for i in TEN], "LOP_E_FORMAT", ("byte", None))
    made.each("stored length's complement", [head + bytes([1]) + struct.pack("<HH", 5, i) + bytes(5) for i in TEN],
              "LOP_E_FORMAT", ("byte", None))
    made.each("stored block cut off", [head + bytes([1]) + struct.pack("<HH", 9, 0xfff6) + bytes(i) for i in range(9)],
              "LOP_E_TRUNCATED", ("byte", None))
    made.each("tables of 286 codes and more", [head + bytes([0xf5 + 8 * (i % 2), 0xff, i, 0]) for i in TEN],
              "LOP_E_FORMAT", ("byte", None))
    back = [zlib.compressobj(9, zlib.DEFLATED, -15) for _ in TEN]
    made.each("distance before the start", [head + b"\x03" + bytes([2 + 4 * i % 64, 0x10 | i, 0x20, 0]) for i in TEN],
              "LOP_E_FORMAT", ("byte", None))
    made.each("no end of the block", [head + c.compress(text) + c.flush(zlib.Z_SYNC_FLUSH) + b"" for c in back],
              "LOP_E_TRUNCATED", ("byte", None))
    made.each("only a signature", [b"\x1f\x8b" + bytes([8]) * i for i in range(2)], "LOP_E_TRUNCATED", ("byte", None))
    made.each("name without end", [b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * i for i in TEN], "LOP_E_TRUNCATED", ("byte", None))
    made.each("comment without end", [b"\x1f\x8b\x08\x10" + bytes(6) + b"n" * i for i in TEN], "LOP_E_TRUNCATED", ("byte", None))
    made.each("extra field cut off", [b"\x1f\x8b\x08\x04" + bytes(6) + struct.pack("<H", 40) + bytes(i) for i in TEN],
              "LOP_E_TRUNCATED", ("byte", None))
    made.each("bombs", [zipped.compress(bytes((1 << 20) + (1 << i)), 9, mtime=0) for i in TEN], "LOP_E_LIMIT")
    return made


def npy(_seeds):
    made = Made()

    def array(text, data=b"", major=1, length=None):
        text = text if isinstance(text, bytes) else text.encode()
        size = len(text) if length is None else length
        return b"\x93NUMPY" + bytes([major, 0]) + struct.pack("<H" if major == 1 else "<I", size) + text + data

    def header(descr="'<f4'", order="False", shape="(2, 4)"):
        return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"

    body = bytes(32)
    sound = array(header(), body)
    start = len(sound) - 32
    at = ("byte", 6)
    made.each("version", [put(sound, 6, i) for i in (0, 4, 5, 9, 64, 128, 255)], "LOP_E_VERSION", at)
    made.each("length cut off", cuts(sound, 6, 10, 4), "LOP_E_TRUNCATED", ("byte", None))
    made.each("header cut off", cuts(sound, 10, start, 20), "LOP_E_TRUNCATED", ("byte", 10))
    made.each("header too long", [array(header(), body, 2, 65537 + i) for i in TEN], "LOP_E_LIMIT", at)
    made.each("claims of length", [array(header(), body, 2, 0xffffffff - i) for i in TEN], "LOP_E_LIMIT", at)
    made.each("types", [array(header(descr=f"'{i}'"), body) for i in (">f4", ">f8", "<f2", "<i4", "<u8", "|b1", "|O", "<c8",
                                                                     "<U4", "|S1", "", "<f44", "f4", "<f")], "LOP_E_FORMAT", at)
    made.each("records", [array(header(descr="[('a', '<f4')" + ", ('b', '<f4')" * i + "]"), body) for i in TEN],
              "LOP_E_FORMAT", at)
    made.each("no type", [array("{'fortran_order': False, 'shape': (2, 4), }" + " " * i, body) for i in TEN],
              "LOP_E_FORMAT", at)
    made.each("type without quotes", [array(header(descr="<f4" + " " * i), body) for i in TEN], "LOP_E_FORMAT", at)
    made.each("column order", [array(header(order=i), body) for i in ("True", "true", "1", "0", "None", "''", "", "false",
                                                                      "FALSE", "\"False\"")], "LOP_E_FORMAT", at)
    made.each("no order", [array("{'descr': '<f4', 'shape': (2, 4), }" + " " * i, body) for i in TEN], "LOP_E_FORMAT", at)
    made.each("no shape", [array("{'descr': '<f4', 'fortran_order': False, }" + " " * i, body) for i in TEN],
              "LOP_E_FORMAT", at)
    made.each("shapes that are none", [array(header(shape=i), body) for i in ("4", "()", "[2, 4]", "(2, 4", "(-2, 4)", "(2; 4)",
                                                                             "(2, x)", "(,)", "(a)", "( )", "('2', 4)")],
              "LOP_E_FORMAT", at)
    made.each("nine dimensions", [array(header(shape="(" + "1, " * (9 + i) + "4)"), body) for i in TEN], "LOP_E_FORMAT", at)
    made.each("numbers beyond any file", [array(header(shape=f"(1, {10 ** (10 + i)})"), body) for i in range(12)], "LOP_E_LIMIT")
    made.each("products beyond 64 bits", [array(header(shape=f"({i + 1}, 4294967296, 4294967296, 4294967296)"), body) for i in TEN],
              "LOP_E_LIMIT")
    made.each("other width", [array(header(shape=f"(2, {i})"), body) for i in (1, 2, 3, 5, 6, 7, 8, 100, 1000, 4294967296)],
              "LOP_E_SHAPE")
    made.each("no samples", [array(header(shape="(0, 4)") + " " * i) for i in TEN], "LOP_E_LIMIT")
    made.each("too many samples", [array(header(shape=f"({(1 << 24) + 1 + i}, 4)"), body) for i in TEN], "LOP_E_LIMIT")
    made.each("values cut off", [sound[:-i] for i in range(1, 21)], "LOP_E_TRUNCATED", ("byte", start))
    made.each("values behind", [sound + bytes(i + 1) for i in TEN], "LOP_E_TRUNCATED", ("byte", start))
    made.each("zero bytes in the header", [array(header().replace("'shape'", "\0shape'" + " " * i), body) for i in TEN],
              "LOP_E_FORMAT", at)
    return made


def boxed(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def unboxed(file):
    (size,) = struct.unpack("<Q", file[:8])
    return json.loads(file[8:8 + size]), file[8 + size:]


def tensor(begin, *shape, dtype="F32", size=4):
    count = 1
    for n in shape:
        count *= n
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, begin + count * size]}


def containers(made):
    """What is wrong with a safetensors file whatever is in it."""
    sound = boxed({"a.weight": tensor(0, 2, 2)}, bytes(16))
    made.each("length cut off", cuts(sound, 0, 8, 8), "LOP_E_TRUNCATED", ("byte", 0))
    made.each("header cut off", [sound[:size] for size in range(8, 28)], "LOP_E_TRUNCATED", ("byte", 8))
    made.each("length beyond the file", [boxed(b"{}", length=3 + i) for i in TEN], "LOP_E_TRUNCATED", ("byte", 8))
    made.each("length beyond any header", [boxed(b"{}", length=(8 << 20) + 1 << i) for i in range(20)], "LOP_E_LIMIT", ("byte", 0))
    made.each("no JSON", [boxed(i) for i in (b"", b" ", b"x", b"{", b"{]", b"{'a': 1}", b"{\"a\"}", b"{\"a\":}", b"{,}",
                                             b"{\"a\":1,}", b"nul", b"{} {}")], "LOP_E_FORMAT", ("byte", None))
    made.each("JSON that is no object", [boxed(b"[" + b"1," * i + b"1]") for i in TEN], "LOP_E_FORMAT", ("byte", 8))
    made.each("bytes that are no text", [boxed(b'{"' + bytes([i]) + b'":{}}') for i in range(0x80, 0x8a)],
              "LOP_E_FORMAT", ("byte", None))
    made.each("zero bytes", [boxed(b'{"a' + bytes(i + 1) + b'":{}}') for i in TEN], "LOP_E_FORMAT", ("byte", None))
    made.each("names twice", [boxed('{"a":{},"a":{}' + ' ' * i + '}') if 0 else boxed(b'{"a":{},"a":{}' + b" " * i + b"}")
                              for i in TEN], "LOP_E_FORMAT", ("byte", None))
    made.each("deep", [boxed(b'{"a":' + b"[" * (64 + i) + b"]" * (64 + i) + b"}") for i in TEN], "LOP_E_LIMIT", ("byte", 76))
    made.each("deep objects", [boxed(b'{"a":' * (65 + i) + b"1" + b"}" * (65 + i)) for i in TEN], "LOP_E_LIMIT", ("byte", 8 + 5 * 64))
    made.each("many values", [boxed(b'{"a":[' + b"{}," * ((1 << 18) + i) + b"0]}") for i in range(2)], "LOP_E_LIMIT", ("byte", 8))


def safetensors(_seeds):
    made = Made()
    containers(made)
    sound = {"a.weight": tensor(0, 2, 2)}

    def one(**change):
        return boxed({"a.weight": {**sound["a.weight"], **change}}, bytes(16))

    def without(key):
        return boxed({"a.weight": {k: v for k, v in sound["a.weight"].items() if k != key}}, bytes(16))

    made.each("a member is missing", [without(i) for i in ("dtype", "shape", "data_offsets")], "LOP_E_FORMAT")
    made.each("a member too many", [one(**{"x" * (i + 1): i}) for i in TEN], "LOP_E_FORMAT")
    made.each("entries that are none", [boxed({"a.weight": i}) for i in (1, "x", None, True, [], [1], {}, 1.5, "", {"a": 1})],
              "LOP_E_FORMAT")
    made.each("types", [one(dtype=i) for i in ("F31", "f32", "", "F8_E4M3", "C64", "X", 1, None, [], "F32 ")], "LOP_E_FORMAT")
    made.each("shapes", [one(shape=i) for i in (4, "4", None, {}, [2, "2"], [2.0, 2], [-2, -2], [1 << 40], [[2], 2], [1] * 9)],
              "LOP_E_FORMAT")
    made.each("products", [one(shape=[1 << 33] * (2 + i)) for i in range(6)], "LOP_E_FORMAT")
    made.each("offsets", [one(data_offsets=i) for i in (0, "0", None, [], [0], [0, 16, 16], [16, 0], [-1, 15], [0.0, 16], [0, "16"])],
              "LOP_E_FORMAT")
    made.each("shape and offsets disagree", [one(shape=[2, i]) for i in (0, 1, 3, 4, 5, 6, 7, 8, 9, 10)], "LOP_E_FORMAT")
    made.each("values cut off", [boxed(sound, bytes(i)) for i in range(16)], "LOP_E_TRUNCATED")
    size = len(boxed(sound))
    made.each("bytes behind", [boxed(sound, bytes(17 + i)) for i in TEN], "LOP_E_FORMAT", ("byte", size + 16))
    made.each("gaps", [boxed({"a.weight": tensor(i + 1, 2, 2)}, bytes(17 + i)) for i in TEN], "LOP_E_FORMAT", ("byte", None))
    made.each("overlaps", [boxed({"a.weight": tensor(0, 2, 2), "b.weight": tensor(i, 2, 2)}, bytes(16 + i)) for i in range(1, 16)],
              "LOP_E_FORMAT", ("byte", None))
    made.each("metadata", [boxed({"__metadata__": i, **sound}, bytes(16)) for i in (1, "x", None, [], [1], True, {"a": 1}, {"a": None},
                                                                                    {"a": {}}, {"a": []})], "LOP_E_FORMAT", ("byte", 8))
    made.each("specs", [boxed({"__metadata__": {"lop.network": i}, **sound}, bytes(16)) for i in
                        ("", "x", "{", "[]", "{}", '{"nodes":1}', '{"nodes":{}}', '{"nodes":[],"a":1}', '{"nodes":[1]}', '{"nodes":[{}]}')],
              "LOP_E_FORMAT")
    made.each("no weights", [boxed({"a" * (i + 1): tensor(0, 2)}, bytes(8)) for i in TEN], "LOP_E_FORMAT", ("byte", None))
    made.each("layers that do not chain", [boxed({"1.weight": tensor(0, 2, 3), "2.weight": tensor(24, 2, 4 + i)}, bytes(56 + 8 * i))
                                           for i in TEN], "LOP_E_SHAPE")
    for bits in (0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffffffff):
        for i in range(4):
            made.add("values that are not finite", boxed(sound, put(bytes(16), 4 * i, struct.pack("<I", bits))), "LOP_E_NAN",
                     ("byte", None))
    return made


def checkpoint(seeds):
    made = Made()
    containers(made)
    header, data = unboxed((seeds / "checkpoint" / "running").read_bytes())
    meta = header["__metadata__"]
    record = json.loads(meta["lop.checkpoint"])

    def changed(**metadata):
        return boxed({**header, "__metadata__": {k: v for k, v in {**meta, **metadata}.items() if v is not None}}, data)

    def recorded(**members):
        kept = {k: v for k, v in {**record, **members}.items() if v is not ...}
        return changed(**{"lop.checkpoint": json.dumps(kept)})

    made.each("no record", [changed(**{"lop.checkpoint": None, "x": "y" * i}) for i in TEN], "LOP_E_FORMAT")
    made.each("record that is no JSON", [changed(**{"lop.checkpoint": i}) for i in ("", "x", "{", "[", "{]", "1", "nul", "{\"a\"}",
                                                                                    "{\"a\":1,\"a\":2}", "\"x")], "LOP_E_FORMAT")
    made.each("record that is none", [changed(**{"lop.checkpoint": i}) for i in ("[]", "[1]", "{}", "{\"version\":0}",
                                                                                 "{\"version\":\"1\"}", "{\"version\":null}",
                                                                                 "{\"version\":-1}", "{\"a\":1}")], "LOP_E_FORMAT")
    made.each("version", [recorded(version=record["version"] + 1 + i) for i in TEN], "LOP_E_VERSION")
    made.each("other data", [recorded(data_hash=i) for i in ("", "0", "0123456789abcdee", None, 1, [], "x" * 16, {}, True, 1.5)],
              "LOP_E_ARG")
    made.each("other samples", [recorded(samples=i) for i in (0, 9, 11, -10, 1 << 40, "10", None, 10.5, [], {})], "LOP_E_ARG")
    made.each("other network at the start", [recorded(network=i) for i in ("", "x", None, 1, [], {}, True, "{}", "{\"nodes\":[]}", 0)],
              "LOP_E_ARG")
    made.each("other teacher", [recorded(teacher_hash=i) for i in ("", "x", None, 1, "0123456789abcdef", [], {}, True, 1.5, "f" * 16)],
              "LOP_E_ARG")
    made.each("other text", [recorded(metadata=i) for i in ("x", None, 1, [], {}, True, "other", 1.5, " ", "\n")], "LOP_E_ARG")
    made.each("history that is no list", [recorded(history=i) for i in (None, 1, "x", {}, True, 1.5, "", {"a": 1}, 0, False)],
              "LOP_E_FORMAT")
    made.each("history of another length", [recorded(history=record["history"] * i) for i in (0, 2, 3, 4, 5, 6, 7, 8, 9, 10)],
              "LOP_E_FORMAT")
    made.each("step", [recorded(step=i) for i in (-1, 0, 1, 2, 3, 5, 6, 9, 100, 1 << 62, "4", None, 4.5, ...)], "LOP_E_FORMAT")
    made.each("stale", [recorded(stale=i) for i in (-1, 2, 3, 9, 1 << 40, "0", None, [], {}, ...)], "LOP_E_FORMAT")
    made.each("best epoch", [recorded(best_epoch=i) for i in (-1, 2, 3, 9, 1 << 40, "0", None, [], {}, ...)], "LOP_E_FORMAT")
    made.each("other network now", [changed(**{"lop.network": i}) for i in (None, "", "x", "{}", "[]", "{\"nodes\":[]}",
                                                                            meta["lop.network"].replace("\"width\":3", "\"width\":4"),
                                                                            meta["lop.network"].replace("fc1", "fc9"),
                                                                            meta["lop.network"] + " ,")], "LOP_E_ARG")
    names = [name for name in header if name != "__metadata__"]
    for name in names:
        made.add("tensor of another name", boxed({(f"x{k}" if k == name else k): v for k, v in header.items()}, data), "LOP_E_NOT_FOUND")
        flat = dict(header[name], shape=[*header[name]["shape"], 1])
        made.add("tensor of another shape", boxed({**header, name: flat}, data), "LOP_E_SHAPE")
    made.each("values cut off", [boxed(header, data[:-i]) for i in range(1, 11)], "LOP_E_TRUNCATED")
    made.each("bytes behind", [boxed(header, data + bytes(i + 1)) for i in TEN], "LOP_E_FORMAT", ("byte", None))
    for name in names:
        begin = header[name]["data_offsets"][0]
        if header[name]["dtype"] == "F32":
            for bits in (0x7f800000, 0x7fc00000):
                made.add("values that are not finite", boxed(header, put(data, begin, struct.pack("<I", bits))), "LOP_E_NAN",
                         ("byte", None))
        if header[name]["dtype"] == "U8":
            made.each("masks that are none", [boxed(header, put(data, begin, i)) for i in range(2, 12)], "LOP_E_FORMAT")
    return made


CRC = [0] * 256
for _i in range(256):
    _c = _i
    for _ in range(8):
        _c = _c >> 1 ^ (0x82F63B78 if _c & 1 else 0)
    CRC[_i] = _c


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def parted(sections, major=1, minor=0, length=None):
    """A packed file of (tag, bytes), with checksums that are right."""
    total = 16 + 10 * len(sections) + 4 + sum(len(data) for _, data in sections)
    head = b"\x89LOP\r\n\x1a\n" + bytes([major, minor, len(sections)])
    head += (total if length is None else length).to_bytes(5, "little")
    for tag, data in sections:
        head += tag + len(data).to_bytes(5, "little") + struct.pack("<I", crc32c(data))
    return head + struct.pack("<I", crc32c(head)) + b"".join(data for _, data in sections)


def lop(seeds):
    made = Made()
    sound = (seeds / "lop" / "float32").read_bytes()
    graph_size = int.from_bytes(sound[17:22], "little")
    graph, weights = sound[40:40 + graph_size], sound[40 + graph_size:]
    assert parted([(b"G", graph), (b"W", weights)]) == sound

    def graphed(data):
        return parted([(b"G", data), (b"W", weights)])

    def layer(op=1, source=0, outputs=4, flags=0, block=b"\0", left=b"\0", more=b""):
        return varint(op) + varint(source) + varint(outputs) + varint(flags) + block + left + more

    def net(*layers, nodes=None, inputs=5, op=0):
        return graphed(varint(len(layers) + 1 if nodes is None else nodes) + varint(op) + varint(inputs) + b"".join(layers))

    made.each("signature", [put(sound, i, sound[i] ^ 0x20) for i in range(8)] + [sound[1:], b"\n" + sound], "LOP_E_FORMAT", ("byte", 0))
    made.each("signature changed as text", [sound.replace(b"\r\n", b"\n"), sound[:6] + b"\r" + sound[6:], sound.replace(b"\x1a", b"")],
              "LOP_E_FORMAT", ("byte", 0))
    made.each("signature cut off", cuts(sound, 0, 8, 8), "LOP_E_FORMAT", ("byte", 0))
    made.each("header cut off", [sound[:i] for i in range(8, 16)], "LOP_E_TRUNCATED", ("byte", None))
    made.each("cut off", cuts(sound, 16, len(sound), 40), "LOP_E_TRUNCATED", ("byte", None))
    made.each("version", [put(sound, 8, i) for i in (0, 2, 3, 4, 5, 9, 16, 64, 128, 255)], "LOP_E_VERSION", ("byte", 8))
    made.each("bytes behind", [sound + bytes(i + 1) for i in TEN], "LOP_E_FORMAT", ("byte", len(sound)))
    made.each("length", [parted([(b"G", graph), (b"W", weights)], length=len(sound) + 1 + i) for i in TEN], "LOP_E_TRUNCATED",
              ("byte", len(sound)))
    made.each("header's checksum", [put(sound, 36 + i % 4, sound[36 + i % 4] ^ 1 << i % 8) for i in range(12)], "LOP_E_CHECKSUM", ("byte", 36))
    made.each("graph's checksum", [put(sound, 40 + i, sound[40 + i] ^ 1) for i in range(graph_size)], "LOP_E_CHECKSUM", ("byte", 40))
    made.each("weights' checksum", [put(sound, 40 + graph_size + i, sound[40 + graph_size + i] ^ 1) for i in range(0, len(weights), 8)],
              "LOP_E_CHECKSUM", ("byte", 40 + graph_size))
    made.each("sections out of order", [parted([(b"W", weights), (b"G", graph + bytes(i))]) for i in TEN], "LOP_E_FORMAT", ("byte", 26))
    made.each("sections twice", [parted([(b"G", graph), (b"G", graph), (b"W", weights + bytes(i))]) for i in TEN], "LOP_E_FORMAT", ("byte", 26))
    made.each("sections missing", [parted([(b"G", graph)]), parted([(b"W", weights)]), parted([])], "LOP_E_FORMAT", ("byte", 16))
    made.each("sections not known", [parted([(b"G", graph), (b"W", weights), (bytes([i]), b"")]) for i in range(0x58, 0x5b)], "LOP_E_VERSION",
              ("byte", len(sound) + 10))
    made.each("too many sections", [parted([(b"G", b"")] * (65 + i)) for i in TEN], "LOP_E_LIMIT", ("byte", 10))
    made.each("numbers of nodes", [net(layer(), nodes=i) for i in (0, 1, 1026, 1 << 20, 0xffffffff)], "LOP_E_LIMIT", ("byte", None))
    made.each("more nodes than bytes", [net(layer(), nodes=i) for i in (60, 100, 1000, 1025)], "LOP_E_LIMIT", ("byte", None))
    made.each("input of another kind", [net(layer(), op=i) for i in range(1, 11)], "LOP_E_FORMAT", ("byte", None))
    made.each("input's width", [net(layer(), inputs=i) for i in (0, (1 << 20) + 1, 1 << 24, 0xffffffff)], "LOP_E_FORMAT", ("byte", None))
    made.each("layer of another kind", [net(layer(op=i)) for i in (0, 2, 3, 4, 5, 100, 1000, 1 << 20)], "LOP_E_FORMAT", ("byte", None))
    made.each("layer that reads a later one", [net(layer(source=i)) for i in (1, 2, 3, 100, 1 << 20, 0xffffffff)], "LOP_E_FORMAT", ("byte", None))
    made.each("layer's width", [net(layer(outputs=i)) for i in (0, (1 << 20) + 1, 1 << 24, 0xffffffff)], "LOP_E_LIMIT", ("byte", None))
    made.each("flags", [net(layer(flags=i << 5)) for i in (4, 5, 6, 7, 8, 100, 1 << 20)], "LOP_E_FORMAT", ("byte", None))
    made.each("blocks", [net(layer(block=bytes([i]))) for i in (7, 14, 15, 16, 17, 32, 64, 128, 255)], "LOP_E_FORMAT", ("byte", None))
    made.each("pictures", [net(layer(block=b"\x08" + varint(i))) for i in (0, 1, 6, 7, 100, 0xffffffff)], "LOP_E_FORMAT", ("byte", None))
    made.each("more weights than places", [net(layer(left=varint(21 + i))) for i in TEN], "LOP_E_FORMAT", ("byte", None))
    made.each("numbers that are longer than they are", [graphed(b"\x82\x00" + graph[1:]), graphed(b"\x80" * 5 + graph[1:]),
                                                        graphed(b"\xff" * 5 + graph[1:])], "LOP_E_LIMIT", ("byte", 40))
    made.each("names", [net(layer(flags=16, more=i)) for i in (b"\0", b"\x40" + b"n" * 64, b"\xff", b"\2a", b"\1\n", b"\1\x7f", b"\3a\0b")],
              "LOP_E_FORMAT", ("byte", None))
    made.each("graph cut off", [graphed(graph[:i]) for i in range(4, graph_size)], None, ("byte", None))
    made.each("graph with bytes behind", [graphed(graph + bytes(i + 1)) for i in TEN], "LOP_E_FORMAT", ("byte", None))
    made.each("weights behind", [parted([(b"G", graph), (b"W", weights + bytes(i + 2))]) for i in TEN], "LOP_E_FORMAT", ("byte", None))
    made.each("memory", [net(layer(outputs=1 << 20), layer(source=1, outputs=1 << 20, left=varint((1 << 24) + i)), inputs=1 << 20)
                         for i in TEN], "LOP_E_LIMIT", ("byte", 40))
    return made
