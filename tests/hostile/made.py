"""What the makers of malformed files share."""


class Made:
    """Malformed files of one reader, by class: bytes, the status that reading them must give, and
    where it must say that the fault is: ("byte", N), ("line", N), or None where nothing can be said."""

    def __init__(self):
        self.classes = {}

    def add(self, name, data, status, where=None):
        data = data if isinstance(data, bytes) else data.encode()
        self.classes.setdefault(name, []).append((data, status, where))

    def each(self, name, files, status, where=None):
        for data in files:
            self.add(name, data, status, where)


def put(data, at, value):
    """`data` with `value` in the place of what stands at `at`."""
    value = bytes([value]) if isinstance(value, int) else value
    return data[:at] + value + data[at + len(value):]


def cuts(data, first, last, count):
    """`count` truncations of it between two lengths."""
    step = max(1, (last - first) // count)
    return [data[:size] for size in range(first, last, step)][:count]
