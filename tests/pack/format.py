"""A reader of packed files, written from docs/format.md and from nothing else: format.py FILE…

It shows that the document is enough. Slow, and kept close to its words.
"""
import json
import struct
import sys


class Bad(Exception):
    pass


def must(condition, text):
    if not condition:
        raise Bad(text)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def f32(bits):
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def to_f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def f16(bits):
    return struct.unpack("<e", struct.pack("<H", bits))[0]


def bfloat(bits):
    return f32(bits << 16)


# Container --------------------------------------------------------------------------------------


def sections(data):
    must(data[:8] == b"\x89LOP\r\n\x1a\n", "signature")
    must(data[8] == 1, "version")
    count = data[10]
    must(count <= 64 and int.from_bytes(data[11:16], "little") == len(data), "length")
    end = 16 + 10 * count
    must(int.from_bytes(data[end:end + 4], "little") == crc32c(data[:end]), "checksum")
    found, before, at = {}, -1, end + 4
    for i in range(count):
        entry = data[16 + 10 * i:26 + 10 * i]
        tag, size = entry[0], int.from_bytes(entry[1:6], "little")
        must(tag > before, "order of tags")
        part = data[at:at + size]
        must(len(part) == size and crc32c(part) == int.from_bytes(entry[6:], "little"), "section")
        must(tag & 0x20 or chr(tag) in "GW", "critical section")
        found[chr(tag)] = part
        before, at = tag, at + size
    must(at == len(data), "bytes behind the last section")
    return found["G"], found["W"]


# Graph ------------------------------------------------------------------------------------------


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        part = self.data[self.at:self.at + count]
        must(len(part) == count, "the graph ends early")
        self.at += count
        return part

    def byte(self):
        return self.take(1)[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                must(byte or shift == 7, "a long varint")
                must(value < 1 << 32, "a large varint")
                return value


class Layer:
    pass


def graph(data):
    cursor, layers = Cursor(data), []
    nodes = cursor.varint()
    must(2 <= nodes <= 1025 and cursor.varint() == 0, "nodes")
    width = cursor.varint()
    for index in range(nodes - 1):
        layer = Layer()
        must(cursor.varint() == 1 and cursor.varint() == index, "a linear layer of the one before")
        layer.inputs, layer.outputs = width, cursor.varint()
        flags = cursor.varint()
        must(flags < 128, "flags")
        layer.relu, layer.biased, layer.sorted = flags & 1, flags & 2, flags & 8
        layer.kind = flags >> 5
        block = cursor.byte()
        must(block <= 6 or 8 <= block <= 13, "block")
        layer.block = block & 7
        layer.grid = cursor.varint() if block & 8 else 0
        layer.left = cursor.varint()
        layer.entries = cursor.byte() + 1 if layer.kind == 3 else 256
        layer.scale, layer.zero, layer.density = 0, 0, 0
        if flags & 4:
            layer.scale = bfloat(int.from_bytes(cursor.take(2), "little"))
            must(layer.scale > 0, "an input's scale")
            if not (layers and layers[-1].relu):
                layer.zero = cursor.byte()
            layer.density = cursor.byte() / 255
        layer.name = cursor.take(cursor.byte()).decode() if flags & 16 else f"fc{index + 1}"
        layers.append(layer)
        width = layer.outputs
    must(cursor.at == len(data), "bytes behind the last node")
    return layers


# The coder --------------------------------------------------------------------------------------

KNOTS = [32768, 38864, 44553, 49528, 53638, 56877, 59337, 61152, 62463, 63395, 64052, 64510, 64828,
         65049, 65201, 65306, 65378, 65427, 65461, 65485, 65501, 65512, 65519, 65525, 65528, 65531,
         65532, 65533, 65534, 65535, 65535, 65535, 65536]
U = 1 << 22


def squash(x):
    i, r = divmod(abs(x), 64)
    value = KNOTS[i] + ((KNOTS[i + 1] - KNOTS[i]) * r // 64 if r else 0)
    return max(8, min(65528, 65536 - value if x < 0 else value))


SQUASH = [squash(x) for x in range(-2048, 2048)]


def make_stretch():
    table, x = [], 0
    for i in range(4096):
        while x < 4095 and SQUASH[x] < 16 * i + 8:
            x += 1
        table.append(x - 2048)
    return table


STRETCH = make_stretch()


def toward_zero(a, b):
    return a // b if a >= 0 else -(-a // b)


def level(x):
    if x == 0:
        return 0
    high = x.bit_length() - 1
    behind = (x << 6 >> high) & 63
    return 4 * high + sum(behind >= limit for limit in (6, 19, 35, 53))


class Chance:
    __slots__ = ("c", "s")

    def __init__(self, c=U // 2, s=0):
        self.c, self.s = c, s

    def learn(self, bit):
        target = U - 1 if bit else 0
        gap = self.c ^ target
        gap -= gap * (655360 // (10 * self.s + 16)) >> 16
        self.c = gap ^ target
        self.s = min(self.s + 1, 1023)


class Coder:
    def __init__(self, data):
        self.data, self.at, self.range, self.code = data, 0, 0xFFFFFFFF, 0
        for _ in range(4):
            self.next()

    def next(self):
        byte = self.data[self.at] if self.at < len(self.data) else 0
        self.at += 1
        self.code = (self.code << 8 | byte) & 0xFFFFFFFF

    def settle(self):
        while self.range < 1 << 24:
            self.range <<= 8
            self.next()

    def bit(self, p):
        bound = (self.range >> 16) * p
        bit = self.code < bound
        if bit:
            self.range = bound
        else:
            self.code -= bound
            self.range -= bound
        self.settle()
        return int(bit)

    def even(self, count):
        value = 0
        while count:
            some = min(count, 8)
            self.range >>= some
            part = min(self.code // self.range, (1 << some) - 1)
            self.code -= part * self.range
            self.settle()
            value, count = value << some | part, count - some
        return value

    def one(self, chance):
        bit = self.bit(max(16, min(65520, chance.c >> 6)))
        chance.learn(bit)
        return bit

    def mixed(self, weights, chances):
        for chance in chances:
            if chance.s == 0:
                chance.c, chance.s = chances[0].c, 2
        o = [STRETCH[chance.c >> 10] for chance in chances]
        x = toward_zero(sum(w * y for w, y in zip(weights, o)), 65536)
        p = SQUASH[max(-2047, min(2047, x)) + 2048]
        bit = self.bit(p)
        wrong = toward_zero((65536 * bit - p) * 3, 8)
        for i, y in enumerate(o):
            moved = weights[i] + toward_zero(y * wrong, 16384)
            weights[i] = max(-4 * 65536, min(4 * 65536, moved))
        for chance in chances:
            chance.learn(bit)
        return bit

    def tree(self, chances, bits):
        node = 1
        for _ in range(bits):
            node = node << 1 | self.one(chances[node])
        return node - (1 << bits)

    def gamma(self, gamma, even=False):
        length = 0
        while length < 31 and self.one(gamma.length[length]):
            length += 1
        value = 1
        for i in range(length):
            if even and i == 1:
                return (value << length - 1 | self.even(length - 1)) - 1
            value = value << 1 | self.one(gamma.digit[length][min(i, 2)])
        return value - 1

    def check_end(self):
        must(len(self.data) <= self.at <= len(self.data) + 4, "the coder's end")
        if self.data and self.data[-1] == 0:
            must(self.at == len(self.data) + 4, "zeros at the end")


class Gamma:
    def __init__(self):
        self.length = [Chance() for _ in range(33)]
        self.digit = [[Chance() for _ in range(3)] for _ in range(33)]


# Positions --------------------------------------------------------------------------------------


def kept(c):
    return max(U // 3328, min(U // 50 * 49, c))


def expected(l):
    quarter = (2097152, 2493948, 2965821, 3526975)
    return (quarter[(l + 4) % 4] << (l + 4) // 4) >> 11


def power(base, exponent):
    product = U
    for _ in range(exponent):
        product = product * base >> 22
    return product


class Table(dict):
    """Chances that are made where they are asked for: the key's first part is the level."""

    def __init__(self, begin):
        super().__init__()
        self.begin = begin

    def __missing__(self, key):
        self[key] = self.begin(key)
        return self[key]


def column_begin(key):
    x = min(expected(key[0]), U // 20 * 19)
    found = key[1] if key[2] == "place" else 0
    if found:
        x = (x << 22) // (U - power(U - x, (0, 2, 3, 6, 8)[found]))
    return Chance(kept(x), 2)


def block_begin(key):
    e = expected(key[0])
    return Chance(kept((e << 22) // (e + U)), 2)


class Positions:
    def __init__(self, coder, layer, fan):
        self.coder, self.layer, self.fan, self.g = coder, layer, fan, layer.grid
        self.read_inputs()
        n = len(self.columns)
        fans = [self.fan[i] if fan else 0 for i in self.columns]
        total = sum(fans)
        self.mass = [4 + 12 * f * n // total if fan and total else 16 for f in fans]
        self.column, self.block = Table(column_begin), Table(block_begin)
        self.around, self.block_around = Table(lambda _: Chance()), Table(lambda _: Chance())
        self.mixers = [[26000, 20000, 20000] for _ in range(5)]
        self.block_mixer = [26000, 20000, 20000]
        self.same, self.more, self.change = Chance(), Chance(), Gamma()
        self.gaps = [Gamma() for _ in range(24)]

    def read_inputs(self):
        used, chances, g = [], [Chance() for _ in range(8)], self.g
        every = self.coder.one(Chance())

        def at(i):
            return used[i] if 0 <= i < len(used) else 0

        for i in range(self.layer.inputs):
            context = at(i - 1) + (2 * at(i - g) + 4 * at(i - g + 1) if g else 0)
            used.append(1 if every else self.coder.one(chances[context]))
        self.columns = [i for i, one in enumerate(used) if one]

    def count(self, before):
        if self.coder.one(self.same):
            return before
        more = 0 if self.layer.sorted else self.coder.one(self.more)
        by = self.coder.gamma(self.change) + 1
        k = before + by if more else before - by
        must(0 <= k <= len(self.columns), "weights of a row")
        return k

    def read(self):
        rows, before, first = [], len(self.columns), 0
        for r in range(self.layer.outputs):
            k = self.count(before)
            begin = first if self.layer.sorted and r > 0 and k == before else 0
            before = k
            must(k <= len(self.columns) - begin, "places of a row")
            row = self.gap_row(k, begin) if self.layer.block == 6 else self.row(k, begin)
            first = row[0] if row else first
            rows.append([self.columns[j] for j in row])
        must(sum(map(len, rows)) == self.layer.left, "weights of the layer")
        return rows

    def gap_row(self, k, j):
        row, n = [], len(self.columns)
        for m in range(k, 0, -1):
            if n - j > m:
                gap = self.coder.gamma(self.gaps[min(23, level((n - j) // m) // 2)], True)
                must(gap <= n - j - m, "a gap")
                j += gap
            row.append(j)
            j += 1
        return row

    def row(self, k, j):
        n, m, row, u = len(self.columns), k, [], set()
        q = min(39, level(16 * k + 1) // 2)

        def rate():
            return level(64 * m) - level(max(sum(self.mass[j:]), 1)) + 20

        def take():
            nonlocal m, j
            row.append(j)
            u.add(self.columns[j])
            self.mass[j] += 16
            m -= 1
            j += 1

        while m:
            if n - j == m:
                while m:
                    take()
                break
            r = rate()
            e = min(n, (j >> self.layer.block) + 1 << self.layer.block)
            asked = e - j > 1 and n - e >= m
            if asked and not self.block_bit(j, e, r, q, u):
                j = e
                continue
            none = asked
            while j < e and m:
                if n - j == m or (none and e - j == 1):
                    bit = 1
                else:
                    far = e - j
                    found = (0 if not none else 1 if far == 2 else 2 if far == 3 else
                             3 if far <= 6 else 4)
                    bit = self.column_bit(j, r, q, found, u)
                if not bit:
                    j += 1
                    continue
                take()
                none = False
                r = rate()
        return row

    def block_bit(self, j, e, r, q, u):
        lev = max(0, min(47, r + level(sum(self.mass[j:e]))))
        size = 0 if e - j <= 2 else 1 if e - j <= 4 else 2 if e - j < 8 else 3
        chances = [self.block[lev, size, "place"]]
        if not self.g:
            chances.append(self.block[lev, q, "other"])
            return self.coder.mixed(self.block_mixer, chances)
        b = self.columns[j]
        s = min(64, self.columns[e - 1] - b + 1)
        above = sum(i in u for i in range(b - self.g, b - self.g + s))
        over = sum(i in u for i in range(b - 2 * self.g, b - 2 * self.g + s))
        v = 2 * min(above, 3) + (over > 0)
        w = (b - 1 in u) + 2 * (b - 2 in u)
        chances += [self.block[lev, 2 * v + (w > 0), "other"], self.block_around[4 * v + w]]
        return self.coder.mixed(self.block_mixer, chances)

    def column_bit(self, j, r, q, found, u):
        lev, g, i = max(0, min(47, r + level(self.mass[j]))), self.g, self.columns[j]
        chances = [self.column[lev, found, "place"]]
        if not g:
            f = self.fan[i] if self.fan else 0
            chances.append(self.column[q, 2 * (level(f + 1) // 2 % 16) + (found > 0), "other"])
        else:
            six = [k in u for k in (i - 1, i - 2, i - g, i - g + 1, i - g - 1, i - 2 * g)]
            chances.append(self.column[lev, 2 * min(sum(six), 3) + (found > 0), "other"])
            pattern = sum(one << k for k, one in enumerate(six))
            chances.append(self.around[pattern, (0, 1, 1, 2, 3)[found]])
        return self.coder.mixed(self.mixers[found], chances)


# Values -----------------------------------------------------------------------------------------


def floats(coder, count):
    which = coder.tree([Chance() for _ in range(4)], 2)
    if which == 3:
        step, chances, values = bfloat(coder.even(16)), [Chance() for _ in range(256)], []
        must(step > 0, "step")
        for _ in range(count):
            v = coder.tree(chances, 8)
            must(v > 0, "steps")
            values.append(to_f32(step * (v - 128)))
        return values
    bits, lead, unpack = ((32, 12, f32), (16, 9, f16), (16, 11, bfloat))[which]
    chances = [Chance() for _ in range(1 << lead)]
    values = [unpack(coder.tree(chances, lead) << bits - lead | coder.even(bits - lead))
              for _ in range(count)]
    must(all(abs(v) < float("inf") for v in values), "a number that is not finite")
    return values


def symbols(coder, layer, rows):
    bits, g, plain = (layer.entries - 1).bit_length(), layer.grid, layer.block == 6
    alone = [Chance() for _ in range(1 << bits)]
    beside, pair = Table(lambda _: Chance()), Table(lambda _: Chance())
    mixers = [[24000, 20000, 20000] for _ in range(bits)]
    last, found = {}, []
    for row in rows:
        here, before = {}, 8
        for i in row:
            if plain:
                symbol = coder.tree(alone, bits)
            else:
                if g:
                    left, above = here.get(i - 1, 8), here.get(i - g, 8)
                    near = [left, above, here.get(i - g + 1, 8), here.get(i - g - 1, 8)]
                    one = ((left + above + 1) // 2 if left < 8 and above < 8 else
                           next((c for c in near if c < 8), 8))
                    two = (above, left) if bits <= 6 else (above // 2, left // 2)
                else:
                    one = 4 if before == 8 else 3 - before if before < 4 else before - 4
                    two = last.get(i, 8)
                node = 1
                for place in range(bits):
                    chances = [alone[node], beside[one, node], pair[two, node]]
                    node = node << 1 | coder.mixed(mixers[place], chances)
                symbol = node - (1 << bits)
            must(symbol < layer.entries and (layer.kind == 3 or symbol > 0), "a symbol")
            before = last[i] = here[i] = symbol * 8 // layer.entries
            found.append(symbol)
    return found


def values(coder, layer, rows):
    layer.bias = floats(coder, layer.outputs) if layer.biased else None
    if layer.kind < 2:
        flat = floats(coder, layer.left)
    elif layer.kind == 2:
        scales = floats(coder, layer.outputs)
        must(all(s > 0 for s in scales), "a scale")
        owners = [r for r, row in enumerate(rows) for _ in row]
        flat = [to_f32((q - 128) * scales[r]) for q, r in zip(symbols(coder, layer, rows), owners)]
    else:
        table = floats(coder, layer.entries)
        must(all(a < b for a, b in zip(table, table[1:])), "a table that rises")
        flat = [table[s] for s in symbols(coder, layer, rows)]
    at = iter(flat)
    layer.rows = [[(i, next(at)) for i in row] for row in rows]


def read(data):
    """The layers of a file: rows of (input, weight), bias, name, inputs, outputs, relu."""
    head, body = sections(data)
    layers, coder, fan = graph(head), Coder(body), None
    for layer in layers:
        rows = Positions(coder, layer, fan).read()
        values(coder, layer, rows)
        fan = [len(row) for row in rows]
    coder.check_end()
    return layers


if __name__ == "__main__":
    for path in sys.argv[1:]:
        with open(path, "rb") as stream:
            for layer in read(stream.read()):
                print(json.dumps({"name": layer.name, "shape": [layer.outputs, layer.inputs],
                                  "relu": bool(layer.relu), "left": layer.left}))
