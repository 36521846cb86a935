"""Safetensors with nothing but the standard library and numpy, by the format's description alone:
what lop writes must be readable by anybody, and what others write by lop.

    reference.py read FILE     prints the metadata, sorted, one line each: KEY=VALUE
                               then the tensors, sorted: NAME DTYPE SHAPE CRC32-OF-ITS-BYTES
    reference.py write FILE    writes layers 0 (F32), 2 (F16), 10 (F64; bias BF16), 5-4-3-2 wide, as
                               torch.nn.Sequential names them; value i is ((37 i mod 101) - 50) / 64
"""
import json
import struct
import sys
import zlib

import numpy

DTYPES = {"F32": "<f4", "F64": "<f8", "F16": "<f2", "U8": "u1", "U64": "<u8", "BOOL": "?"}


def read(path):
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    assert (8 + length) % 8 == 0, "the tensors must begin at a multiple of eight"
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors, places = {}, []
    for name, entry in header.items():
        assert set(entry) == {"dtype", "shape", "data_offsets"}, entry
        begin, end = entry["data_offsets"]
        dtype = numpy.dtype(DTYPES[entry["dtype"]])
        assert begin % dtype.itemsize == 0, f"{name} is not aligned"
        values = numpy.frombuffer(content[8 + length + begin : 8 + length + end], dtype)
        tensors[name] = (entry["dtype"], values.reshape(entry["shape"]))
        places.append((begin, end))
    places.sort()
    assert not places or places[0][0] == 0
    assert all(a[1] == b[0] for a, b in zip(places, places[1:])), "gaps or overlaps"
    assert 8 + length + (places[-1][1] if places else 0) == len(content)
    return metadata, tensors


def show(path):
    metadata, tensors = read(path)
    for key in sorted(metadata):
        print(f"{key}={metadata[key]}")
    for name in sorted(tensors):
        dtype, values = tensors[name]
        shape = "x".join(map(str, values.shape))
        print(f"{name} {dtype} {shape} {zlib.crc32(values.tobytes()):08x}")


def values(*shape):
    count = int(numpy.prod(shape))
    return (((37 * numpy.arange(count)) % 101 - 50) / 64).reshape(shape)


def write(path):
    bfloat16 = (values(2).astype("<f4").view("<u4") >> 16).astype("<u2")
    tensors = {
        "0.weight": ("F32", values(4, 5).astype("<f4")),
        "10.bias": ("BF16", bfloat16),
        "10.weight": ("F64", values(2, 3).astype("<f8")),
        "2.weight": ("F16", values(3, 4).astype("<f2")),
    }
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, (dtype, array) in tensors.items():
        begin, data = len(data), data + array.tobytes()
        header[name] = {"data_offsets": [begin, len(data)], "dtype": dtype,
                        "shape": list(array.shape)}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    {"read": show, "write": write}[sys.argv[1]](sys.argv[2])
