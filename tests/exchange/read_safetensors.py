"""Read a safetensors file with nothing but the standard library and numpy, by the format's
description alone: what lop writes must be readable by anybody.

    read_safetensors.py FILE     prints one line a tensor, sorted: NAME DTYPE SHAPE SUM SUM_ABS
    and, before them, the metadata, sorted: KEY=VALUE
"""
import json
import struct
import sys

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
        tensors[name] = values.reshape(entry["shape"])
        places.append((begin, end))
    places.sort()
    assert not places or places[0][0] == 0
    assert all(a[1] == b[0] for a, b in zip(places, places[1:])), "gaps or overlaps"
    assert 8 + length + (places[-1][1] if places else 0) == len(content)
    return metadata, tensors


def main():
    metadata, tensors = read(sys.argv[1])
    for key in sorted(metadata):
        print(f"{key}={metadata[key]}")
    for name in sorted(tensors):
        values = tensors[name].astype(numpy.float64)
        shape = "x".join(map(str, values.shape))
        print(f"{name} {tensors[name].dtype.str} {shape} {values.sum():.17g} "
              f"{numpy.abs(values).sum():.17g}")


if __name__ == "__main__":
    main()
