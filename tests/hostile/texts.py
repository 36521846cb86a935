"""Malformed CSV, recipes, results and plans."""
import json

from made import Made

TEN = range(10)


def csv(_seeds):
    made = Made()
    for i in TEN:
        rows = "".join(f"{n % 3},{n},{n}.5\n" for n in range(i + 1))
        line = ("line", i + 2)

        def bad(name, text, place=line, status="LOP_E_FORMAT", before=rows):
            made.add(name, before + text, status, place)

        bad("a word where a number belongs", "1,x,2\n")
        bad("a column more", "1,2,3,4\n")
        bad("a column less", "1,2\n")
        bad("an empty field", "1,,2\n")
        bad("a comma behind", "1,2,3,\n")
        bad("not a number", "1,nan,2\n")
        bad("infinity", "1,inf,2\n")
        bad("beyond a float", f"1,1e{39 + i},2\n")
        bad("a hexadecimal number", "1,0x10,2\n")
        bad("a quote without end", "1,\"2,3\n")
        bad("something behind a quote", "1,\"2\"x,3\n")
        bad("an empty quoted field", "1,\"\",3\n")
        bad("a label below 0", f"-{i + 1},2,3\n")
        bad("a label that is not whole", f"{i}.5,2,3\n")
        bad("a label beyond 65535", f"{65536 + i},2,3\n")
        bad("semicolons", "1;2;3\n")
        bad("two numbers in a field", "1,2 3,4\n")
        bad("a decimal comma's other half", "1,2,3 ,5\n")
        bad("only a sign", "1,-,2\n")
        bad("two signs", "1,--2,2\n")
        bad("two points", "1,1.2.3,2\n")
        bad("an exponent without digits", "1,1e,2\n")
        bad("bytes that are no text", "1,\u00e4,2\n")
        bad("control characters", f"1,{chr(1 + i) if i < 8 else chr(14 + i)},2\n")
        made.add("zero bytes", rows.encode() + b"\0" * (i + 1), "LOP_E_FORMAT")
        made.add("nothing", "\n" * i, "LOP_E_FORMAT")
        made.add("no samples", "label,a,b\n" + "\n" * i, "LOP_E_FORMAT")
        made.add("one column", "".join(f"{n}\n" for n in range(i + 1)), "LOP_E_FORMAT", ("line", 1))
        made.add("quote in the header", "\"label,a\n" + rows, "LOP_E_FORMAT", ("line", 1))
    return made


def recipe(_seeds):
    made = Made()
    for i in TEN:
        before = "data: a\n" + "# a line\n" * i
        line = ("line", i + 2)

        def bad(name, text, place=line, status="LOP_E_FORMAT"):
            made.add(name, before + text, status, place)

        bad("an unknown key", f"what{i}: 1\n")
        bad("an unknown key of a section", f"train:\n  what{i}: 1\n", ("line", i + 3))
        bad("a number where there is none", "seeds: x\n")
        bad("a number that is not whole", f"seeds: 1.{i + 1}\n")
        bad("a number below its range", f"seeds: -{i}\n")
        bad("a number above its range", f"seeds: {10 ** (i + 6)}\n")
        bad("infinity", "seeds: .inf\n")
        bad("a list where a value belongs", "seeds: [1]\n")
        bad("a mapping where a value belongs", "seeds: {a: 1}\n")
        bad("a value where a list belongs", "layers: 1\n")
        bad("a value where a section belongs", "train: 1\n")
        bad("a list where a section belongs", "train: [1]\n")
        bad("a word in a list of numbers", "layers: [1, x]\n")
        bad("too many layers", "layers: [" + "1, " * (64 + i) + "1]\n")
        bad("a width of 0", "layers: [5, 0]\n")
        bad("a truth that is none", "bias: maybe\n")
        bad("a name that is none", "train:\n  optimizer: what\n", ("line", i + 3))
        bad("numbers that do not rise", "prune:\n  sparsity_percent: [50, 50]\n", ("line", i + 3))
        bad("a share above 100", "prune:\n  sparsity_percent: [101]\n", ("line", i + 3))
        bad("the same key twice", "seeds: 1\nseeds: 2\n", ("line", None))
        bad("an alias", "seeds: *a\n", ("line", None))
        bad("an anchor that is used", "layers: &a [1]\nseeds: *a\n", ("line", None))
        bad("tabs", "\tseeds: 1\n", None)
        bad("brackets without end", "layers: [1, 2\n", None)
        bad("quotes without end", "data: \"x\n", None)
        bad("a second document", "---\ndata: b\n", None)
        bad("a stage without sense", "stages:\n  - what: 1\n", ("line", None))
        bad("too many stages", "stages:\n" + "  - method: weight\n" * (9 + i), line)
        bad("deep lists", "layers: " + "[" * (100 * i + 2) + "\n", ("line", None))
        bad("deep mappings", "train: " + "{a: " * (100 * i + 2) + "\n", ("line", None))
        bad("a list as key", "? [a]\n: 1\n", None)
        bad("a text without bound", "data: " + "x" * (4097 + i) + "\n", ("line", None))
        bad("a node without sense", "network:\n  - {op: what, name: x}\n", ("line", None))
        made.add("no keys", ["[]", "- a", "x", "1", "[1, 2]", "- - a", "\"x\"", "'x'", "[[1]]", "- {a: 1}"][i] + "\n", "LOP_E_FORMAT")
        made.add("bytes that are no text", b"data: " + bytes([0x80 + i]) + b"\n", "LOP_E_FORMAT")
        made.add("control characters", b"data: " + bytes([1 + i if i < 8 else 6 + i]) + b"\n", "LOP_E_FORMAT")
        made.add("more than a recipe may have", b"#" * ((1 << 20) + 1 + i), "LOP_E_LIMIT")
    return made


def results(_seeds):
    made = Made()
    good = {"schema": "lop.result/1", "dataset": "d", "seed": 1}
    for i in TEN:
        before = (json.dumps(good) + "\n") * i
        line = ("line", i + 1)

        def bad(name, record, status="LOP_E_FORMAT"):
            text = record if isinstance(record, (str, bytes)) else json.dumps({**good, **record})
            text = text if isinstance(text, bytes) else text.encode()
            made.add(name, before.encode() + text + b"\n" + before.encode(), status, line)

        bad("no JSON", "x" * (i + 1))
        bad("cut off", json.dumps(good)[:-1 - i])
        bad("another value", ["1", "\"x\"", "null", "true", "[]", "[1]", "1.5", "false", "[{}]", "-1"][i])
        bad("two values in a line", json.dumps(good) * 2)
        bad("no schema", "{}")
        bad("a schema that is no text", {"schema": i})
        bad("another schema", {"schema": f"lop.result/{i + 2}"}, "LOP_E_VERSION")
        bad("the same member twice", "{\"schema\": \"lop.result/1\", \"seed\": 1, \"seed\": 2}")
        bad("a text that is a number", {"dataset": i})
        bad("a number that is a text", {"test_loss": "x" * i})
        bad("a count that is a text", {"seed": str(i)})
        bad("a count that is not whole", {"seed": i + 0.5})
        bad("a count below 0", {"seed": -1 - i}, "LOP_E_FORMAT")
        bad("a count beyond 64 bits", "{\"schema\": \"lop.result/1\", \"seed\": " + "9" * (20 + i) + "}")
        bad("a share above 1", {"sparsity": 1.1 + i}, "LOP_E_FORMAT")
        bad("a share below 0", {"sparsity": -0.1 - i}, "LOP_E_FORMAT")
        bad("a number beyond a double", "{\"schema\": \"lop.result/1\", \"test_loss\": 1e" + str(309 + i) + "}")
        bad("not a number", "{\"schema\": \"lop.result/1\", \"test_loss\": NaN}")
        bad("units that are no list", {"units_left": i})
        bad("units that are no numbers", {"units_left": [1, "x"]})
        bad("epochs that are no list", {"epochs": i})
        bad("epochs that are none", {"epochs": [i]})
        bad("a machine that is none", {"machine": i})
        bad("a recipe that is none", {"recipe": [i]})
        bad("bytes that are no text", b"{\"schema\": \"lop.result/1\", \"dataset\": \"" + bytes([0x80 + i]) + b"\"}")
        # In a last line they are what a power cut leaves, which is no fault of the file.
        bad("zero bytes", b"{\"schema\": \"lop.result/1\"" + b"\0" * (i + 1) + b"}\n" + json.dumps(good).encode())
        bad("a zero by its number", "{\"schema\": \"lop.result/1\", \"dataset\": \"\\u0000\"}")
        bad("half a pair", "{\"schema\": \"lop.result/1\", \"dataset\": \"\\ud800\"}")
        bad("deep", "{\"schema\": \"lop.result/1\", \"x\": " + "[" * (64 + i) + "]" * (64 + i) + "}", "LOP_E_LIMIT")
    return made


def plan(seeds):
    made = Made()
    sound = (seeds / "plan" / "guessed").read_text()
    lines = sound.split("\n")[:-1]  # HEADER, measured, class 1, …, SUM

    def where(text):
        return next(i for i, line in enumerate(lines) if line.startswith(text))

    first, eighth = where("class 1 "), where("class 8 ")
    chosen = lines[first + 1]
    kernel = chosen.split()[0]
    # Errors count lines in the file that the program would have: the first of them stands for eight.
    head = 7

    def with_line(number, text):
        return "\n".join([*lines[:number], *([] if text is None else [text]), *lines[number + 1:]]) + "\n"

    def line(number):
        return ("line", number + head)

    for i in TEN:
        made.add("no sum", sound.replace("SUM\n", "") + "\n" * i, "LOP_E_FORMAT")
        made.add("another sum", sound.replace("SUM\n", f"sum {i:016x}\n"), "LOP_E_FORMAT")
        made.add("something behind the sum", sound + "x" * (i + 1), "LOP_E_FORMAT")
        made.add("cut off", sound[:len(sound) * (i + 1) // 12], "LOP_E_FORMAT")
        made.add("cut off before the sum", "\n".join(lines[:1 + i % (len(lines) - 2)]) + "\nSUM\n", None)
        made.add("another program's file", f"{'x' * i}\nSUM\n", "LOP_E_UNSUPPORTED")
        made.add("another version", f"lop-plan {4 + i}\nSUM\n", "LOP_E_UNSUPPORTED")
        made.add("another machine", f"lop-plan 3\ncpu none {i}\nSUM\n", "LOP_E_UNSUPPORTED")
        made.add("no classes", "HEADER\nmeasured no\n" + "\n" * i + "SUM\n", None)
        made.add("measured in another way", with_line(first - 1, "measured " + "x" * i), "LOP_E_FORMAT", line(first - 1))
        made.add("a class of another batch", with_line(first, f"class {i + 2} 1"), "LOP_E_UNSUPPORTED", line(first))
        made.add("a class without its time", with_line(first, "class 1 " + "x" * i), "LOP_E_FORMAT", line(first))
        made.add("a time below 0", with_line(first, f"class 1 -{i}"), "LOP_E_FORMAT", line(first))
        made.add("something behind a time", with_line(first, f"class 1 {i}x"), "LOP_E_FORMAT", line(first))
        made.add("a class left out", with_line(first + i % 2 * (eighth - first), None), "LOP_E_UNSUPPORTED")
        made.add("an unknown kernel", with_line(first + 1, f"kernel-{i} 1 1"), "LOP_E_UNSUPPORTED", line(first + 1))
        made.add("a kernel of int8", with_line(first + 1, f"sparse-rows-i8-scalar {i} 1"), "LOP_E_UNSUPPORTED", line(first + 1))
        made.add("a kernel of another set", with_line(first + 1, f"dense-tiles-f32-avx2 {i} 1"), "LOP_E_UNSUPPORTED", line(first + 1))
        made.add("a kernel without numbers", with_line(first + 1, kernel + " " * i), "LOP_E_FORMAT", line(first + 1))
        made.add("a kernel without bytes", with_line(first + 1, f"{kernel} {i}"), "LOP_E_FORMAT", line(first + 1))
        made.add("numbers that are none", with_line(first + 1, f"{kernel} x{i} 1"), "LOP_E_FORMAT", line(first + 1))
        made.add("something behind the numbers", with_line(first + 1, f"{kernel} 1 1 {i}"), "LOP_E_FORMAT", line(first + 1))
        made.add("bytes below 0", with_line(first + 1, f"{kernel} 1 -{i}"), "LOP_E_FORMAT", line(first + 1))
        made.add("a line that is too long", with_line(first + 1, "k" * (128 + i) + " 1 1"), "LOP_E_FORMAT", line(first + 1))
        made.add("an unknown candidate", with_line(first + 2, f" kernel-{i} 1 1"), "LOP_E_UNSUPPORTED", line(first + 2))
        made.add("a class more", sound.replace("SUM\n", f"class {32 + i} 1\n{chosen}\nSUM\n"), "LOP_E_UNSUPPORTED")
        made.add("an empty line", with_line(first, "\n" * i), "LOP_E_UNSUPPORTED", line(first))
    return made
