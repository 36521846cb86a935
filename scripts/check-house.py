#!/usr/bin/env python3
"""The rules of the house (docs/design.md), checked on the source text.

check-house.py [--root DIR] [--library FILE]   report every violation; ends with 1 if there is one
check-house.py --self-test                     each rule, shown a violation, must find it

A rule is a function from a file (or the whole tree) to complaints, and a row of RULES. A known
exception stands in a table with its reason, not in the code of the rule.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# Who may include whom: a room sees itself and what stands in the rows above its own.
ROOMS = [
    ["base"],
    ["run"],
    ["nn"],
    ["exchange", "data"],
    ["train", "prune", "pack"],
    ["report"],
    ["experiment"],
]
# Public headers by room; a header that is not here has no room yet, which is a violation.
HEADERS = {
    "export.h": "base", "status.h": "base", "hooks.h": "base", "machine.h": "base",
    "suggest.h": "base", "output.h": "base", "state.h": "base",
    "run.h": "run", "network.h": "nn", "exchange.h": "exchange", "data.h": "data",
    "train.h": "train", "prune.h": "prune", "pruner.h": "prune",
    "sensitivity.h": "prune", "pack.h": "pack", "sharer.h": "pack", "plan_cache.h": "pack",
    "energy.h": "pack",
    "report.h": "report", "result.h": "report", "experiment.h": "experiment",
    "fit.h": "experiment",
}
# Folders that see what any other program would: only the public headers and their own files.
OUTSIDERS = ["cli", "examples", "bench"]

# Third-party headers that one room alone knows, because their interfaces change.
CONFINED = {"oneapi/": "nn", "dnnl": "nn", "cyaml/": "experiment", "zlib.h": "data",
            "sha256.h": "data", "zstd.h": "prune"}

# Calls a library does not make, and why.
FORBIDDEN = {
    "exit": "a library never ends the process", "_exit": "a library never ends the process",
    "quick_exit": "a library never ends the process", "abort": "a library never ends the process",
    "printf": "a library never prints", "vprintf": "a library never prints",
    "puts": "a library never prints", "putchar": "a library never prints",
    "perror": "a library never prints", "getenv": "a library does not read the environment",
    "secure_getenv": "a library does not read the environment",
    "setenv": "a library does not change the environment",
    "putenv": "a library does not change the environment",
    "setlocale": "a library leaves the locale alone", "signal": "signals belong to the program",
    "sigaction": "signals belong to the program", "system": "no shell",
    "sprintf": "no size", "vsprintf": "no size", "strcpy": "no size", "strcat": "no size",
    "gets": "no size", "strtok": "hidden state", "atoi": "no errors", "atof": "no errors",
    "rand": "base/random.h", "srand": "base/random.h", "localtime": "hidden state",
    "gmtime": "hidden state",
    "malloc": "base/memory.h", "calloc": "base/memory.h", "realloc": "base/memory.h",
    "strdup": "base/memory.h", "strndup": "base/memory.h", "posix_memalign": "base/memory.h",
    "aligned_alloc": "base/memory.h",
    "open": "base/file.h", "creat": "base/file.h", "link": "base/file.h", "linkat": "base/file.h",
    "unlink": "base/file.h", "remove": "base/file.h", "rename": "base/file.h", "mkdir": "base/file.h",
    "mkdtemp": "base/file.h", "mkstemp": "base/file.h", "tmpfile": "base/file.h", "fsync": "base/file.h",
    "json_dumps": "nn/json_dump.h", "json_dumpf": "nn/json_dump.h", "json_dumpb": "nn/json_dump.h",
    "fopen": "base/file.h", "ftruncate": "base/file.h", "truncate": "base/file.h",
}
# Exceptions: (file, name): reason.
ALLOWED = {
    ("src/base/memory.c", "malloc"): "where memory comes from",
    ("src/base/memory.c", "calloc"): "where memory comes from",
    ("src/base/memory.c", "realloc"): "where memory comes from",
    ("src/base/memory.c", "posix_memalign"): "where memory comes from",
    ("src/base/memory.c", "aligned_alloc"): "where memory comes from",
    ("src/base/file.c", "open"): "where files come from",
    ("src/base/file.c", "linkat"): "where files come from",
    ("src/base/machine.c", "fopen"): "what the system says of its processor",
    ("src/pack/energy.c", "fopen"): "what the system says of its energy",
    ("src/base/file_output.c", "stdout"): "the output that a caller names '-'",
}

# Files that read what others may have made. There sizes are multiplied by lopi_multiply, and a sum that
# is compared with a bound, or asked for as memory, is made by lopi_add; where neither can be, a comment
# "fits:" on the line, or the one above, says why it cannot overflow.
READERS = [
    "src/base/cursor.c", "src/base/file.c", "src/data/csv.c", "src/data/dataset.c", "src/data/idx.c",
    "src/data/inputs.c", "src/data/npy.c", "src/data/source.c", "src/exchange/dtype.c",
    "src/exchange/foreign.c", "src/exchange/network_file.c", "src/exchange/safetensors_read.c",
    "src/experiment/yaml.c", "src/nn/spec.c", "src/pack/plan_cache.c", "src/report/field.c",
    "src/report/result.c", "src/run/container.c", "src/run/open.c", "src/run/plan_text.c",
    "src/train/checkpoint.c", "src/train/record.c",
]
VALUE = r"(?<!\w)[A-Za-z_]\w*(?:(?:->|\.)\w+|\[[^\][]*\])*|\)"  # a variable, a member, the end of a call or of brackets
CONSTANT = re.compile(r"(sizeof|offsetof|[A-Z][A-Z0-9_]+|SIZE_MAX)$")
PRODUCT = re.compile(rf"(?P<left>{VALUE}) (?:\*|<<)=? \(?(?:\([\w ]+\))?(?P<right>[A-Za-z_]\w*)")
SUM = re.compile(rf"(?P<left>{VALUE}) \+ \(?(?:\([\w ]+\))?(?P<right>[A-Za-z_]\w*)")
ASKED = re.compile(r"\blopi_(re)?alloc(_aligned)?\(| [<>]=? ")

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 90
MAX_PARAMETERS = 7
LONG_FUNCTIONS = ["src/run/kernels/"]  # kernels and tables may be longer
ARCHITECTURES = re.compile(
    r"__(x86_64|i386|amd64|aarch64|arm|ARM|AVX|SSE|FMA|riscv|powerpc|wasm)|_M_(X64|IX86|ARM)")
INTRINSICS = re.compile(r"^(.*mmintrin|immintrin|x86intrin|arm_neon|arm_sve|wasm_simd128)\.h$")
KERNELS = "src/run/kernels/"


class Source:
    """One file: its text, and the same with comments and literals blanked, line for line."""

    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.split("\n")
        self.code = blank(self.text)
        self.code_lines = self.code.split("\n")
        self.folder = self.path.split("/")[0]
        parts = self.path.split("/")
        self.room = parts[1] if self.folder == "src" and len(parts) > 2 else None
        if self.folder == "include":
            self.room = HEADERS.get(parts[-1])

    def find(self, pattern):
        """(line number, match) of each place in the code, comments and literals apart."""
        for match in re.finditer(pattern, self.code, re.M):
            yield self.code.count("\n", 0, match.start()) + 1, match


def blank(text):
    token = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)

    def spaces(match):
        found = match.group(0)
        if found[0] == '"' and re.search(r"#\s*include\s*$", text[max(0, match.start() - 40):match.start()]):
            return found
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[0]
        return re.sub(r"[^\n]", " ", found)

    return token.sub(spaces, text)


def level(room):
    return next((i for i, row in enumerate(ROOMS) if room in row), None)


def may_see(room, other):
    return room == other or (level(other) is not None and level(other) < level(room))


def includes(source):
    for number, match in source.find(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]'):
        yield number, match.group(1), match.group(2)


# Rules for one file: generators of (line, complaint).

def rule_room(source):
    if source.folder == "src" and level(source.room) is None:
        yield 1, "this folder is no room: add it to ROOMS, in its place"
    name = source.path.split("/")[-1]
    if source.path.startswith("include/lop/") and name != "lop.h" and name not in HEADERS:
        yield 1, "this public header has no room: add it to HEADERS"


def rule_includes(source):
    if source.folder in ("src", "include") and level(source.room) is not None:
        for number, kind, name in includes(source):
            other = None
            if name.startswith("lop/"):
                other = HEADERS.get(name[4:])
                if name == "lop/lop.h":
                    yield number, "lop.h is for programs; include the header that is meant"
            elif kind == '"':
                other = name.split("/")[0] if "/" in name else source.room
                if source.folder == "include":
                    yield number, f'a public header includes <lop/…> or system headers, not "{name}"'
            if other is not None and not may_see(source.room, other):
                yield number, f"room {source.room} may not see room {other} ({name})"
    elif source.folder in OUTSIDERS:
        for number, kind, name in includes(source):
            if kind == '"' and ("/" in name or name.startswith("lopi")):
                yield number, f'{source.folder} sees only <lop/…> and its own folder, not "{name}"'


def rule_confined(source):
    if source.folder != "src":
        return
    for number, kind, name in includes(source):
        for start, room in CONFINED.items():
            if kind == "<" and name.startswith(start) and source.room != room:
                yield number, f"<{name}> is known in src/{room} only"


def rule_calls(source):
    if source.folder != "src":
        return
    names = "|".join(FORBIDDEN)
    for number, match in source.find(rf"(?<![\w.>])({names})\s*\("):
        name = match.group(1)
        if (source.path, name) not in ALLOWED:
            yield number, f"{name}(): {FORBIDDEN[name]}"
    for number, match in source.find(r"\b(stdout|stderr)\b"):
        if (source.path, match.group(1)) not in ALLOWED:
            yield number, f"{match.group(1)}: a library never prints"


def rule_reproducible(source):
    for number, match in source.find(r"\b__(DATE|TIME|TIMESTAMP)__\b"):
        yield number, f"{match.group(0)} differs from build to build"


def rule_portable(source):
    if source.path.startswith(KERNELS) or source.folder not in ("src", "include", "cli"):
        return
    for number, match in source.find(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)\b.*$"):
        if ARCHITECTURES.search(match.group(0)):
            yield number, f"#if on an architecture stands only in {KERNELS}"
    for number, _, name in includes(source):
        if INTRINSICS.match(name):
            yield number, f"intrinsics (<{name}>) stand only in {KERNELS}"


def rule_sizes(source):
    if source.path not in READERS:
        return
    for number, line in enumerate(source.code_lines, 1):
        if any("fits:" in near for near in source.lines[max(0, number - 2):number]):
            continue
        if line.lstrip().startswith("for ("):  # a counter that the loop bounds
            continue
        for kind, pattern in (("multiplied", PRODUCT), ("added", SUM)):
            if kind == "added" and not ASKED.search(line):
                continue
            for match in pattern.finditer(line):
                if not any(CONSTANT.match(match.group(side)) for side in ("left", "right")):
                    yield number, (f"sizes from files are {kind} by lopi_multiply and lopi_add alone, or a "
                                   f"comment 'fits:' says why it need not be: {match.group(0)}")


def rule_goto(source):
    for number, match in source.find(r"\bgoto\s+(\w+)"):
        if match.group(1) != "out":
            yield number, f"goto {match.group(1)}: a function has one label, out"


def rule_json(source):
    """What finds no memory for a member says so, and nobody else does: the value would be written without it."""
    if source.folder != "src":
        return
    for number, match in source.find(r"[;{})]\s*(json_(?:array|object)_(?:append|set|insert|update)\w*)\s*\("):
        yield number, f"{match.group(1)}() says whether there was memory: ask it"


def rule_notes(source):
    for number, line in enumerate(source.lines, 1):
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
            yield number, "unfinished business is told in an issue, not in the source"


def rule_file_length(source):
    if len(source.lines) - 1 > MAX_FILE_LINES:
        yield MAX_FILE_LINES + 1, f"{len(source.lines) - 1} lines; a file has at most {MAX_FILE_LINES}"


def functions(source):
    """(line of its name, lines in all, name, parameters, static?) of each definition."""
    for number, match in source.find(r"^\{[ \t]*$"):
        before = source.code[:match.start()].rstrip()
        if not before.endswith(")"):
            continue
        depth, at = 0, len(before) - 1
        while at >= 0:
            depth += {")": 1, "(": -1}.get(before[at], 0)
            if depth == 0:
                break
            at -= 1
        name = re.search(r"(\w+)\s*$", before[:at])
        if not name:
            continue
        start = before.rfind("\n", 0, name.start()) + 1
        end = source.code.find("\n}", match.start())
        inside, commas, nested = before[at + 1:-1], 0, 0
        for letter in inside:
            nested += {"(": 1, ")": -1}.get(letter, 0)
            commas += letter == "," and nested == 0
        parameters = 0 if inside.strip() in ("", "void") else commas + 1
        first = source.code.count("\n", 0, start) + 1
        last = source.code.count("\n", 0, end) + 2
        yield first, last - first + 1, name.group(1), parameters, "static" in before[start:at]


def rule_functions(source):
    if not source.path.endswith(".c"):
        return
    for number, length, name, parameters, _ in functions(source):
        if length > MAX_FUNCTION_LINES and not source.path.startswith(tuple(LONG_FUNCTIONS)):
            yield number, f"{name} has {length} lines; a function has at most {MAX_FUNCTION_LINES}"
        if parameters > MAX_PARAMETERS:
            yield number, f"{name} has {parameters} parameters; at most {MAX_PARAMETERS}, or a struct"


def rule_names(source):
    if source.folder != "src" or not source.path.endswith(".c"):
        return
    for number, _, name, _, static in functions(source):
        if static and re.match(r"lopi?_", name):
            yield number, f"{name} is static: static functions have bare names"
        if not static and not re.match(r"lopi?_", name):
            yield number, f"{name} is seen by other files: public lop_, internal lopi_, or static"


def rule_guard(source):
    if not source.path.endswith(".h") or source.folder not in ("src", "include", "cli"):
        return
    if not re.match(r"\s*/\*", source.text):
        yield 1, "a header begins with a paragraph: what lives here"
    if not re.search(r"#ifndef (\w+)\n#define \1\b", source.code):
        yield 1, "no include guard"


def declarations(source):
    """(line, name) of each function declared with LOP_API."""
    for number, match in source.find(r"^LOP_API\b[^;{]*?(\w+)\s*\("):
        yield number, match.group(1)


def rule_documented(source):
    if not source.path.startswith("include/"):
        return
    for number, name in declarations(source):
        if name.endswith("_free"):  # all alike: NULL is fine, docs/design.md
            continue
        at = number - 2
        while at >= 0 and source.code_lines[at].strip():  # a group of declarations shares a comment
            at -= 1
        if at < 0 or not source.lines[at].rstrip().endswith("*/"):
            yield number, f"{name} is public and has no comment above it"


FILE_RULES = [
    rule_room, rule_includes, rule_confined, rule_calls, rule_reproducible, rule_portable, rule_sizes,
    rule_goto, rule_json,
    rule_notes, rule_file_length, rule_functions, rule_names, rule_guard, rule_documented,
]


# Rules for the tree: generators of (path, line, complaint).

def rule_headers_alone(root, sources, _library):
    """Every public header compiles alone, as C11 and as C++17, without a warning."""
    languages = [(os.environ.get("CC", "cc"), "c", "c11"), (os.environ.get("CXX", "c++"), "c++", "c++17")]
    for source in sources:
        if not source.path.startswith("include/"):
            continue
        for compiler, language, standard in languages:
            if shutil.which(compiler) is None:
                yield source.path, 1, f"cannot be checked: there is no {compiler}"
                continue
            done = subprocess.run(
                [compiler, "-x", language, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic",
                 "-Werror", "-fsyntax-only", f"-I{root}/include", "-"],
                input=f"#include <{source.path[len('include/'):]}>\nextern int not_empty;\n",
                capture_output=True, text=True, check=False)
            if done.returncode != 0:
                first = next((l for l in done.stderr.split("\n") if "error" in l), done.stderr[:200])
                yield source.path, 1, f"does not compile alone as {standard}: {first}"


def rule_exports(root, sources, library):
    """The library exports what the headers of the rooms that exist declare, and nothing else."""
    if library is None:
        return
    done = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True,
                          check=True)
    exported = {line.split()[-1].split("@")[0] for line in done.stdout.split("\n") if line.strip()}
    exported = {name for name in exported if not name.startswith(".gomp_critical_user_")}  # clang's
    declared = {name: (source.path, number) for source in sources
                if source.path.startswith("include/") for number, name in declarations(source)}
    for name in sorted(exported - set(declared)):
        kind = "and no public header declares it" if name.startswith("lop_") else "without lop_"
        yield os.path.basename(library), 1, f"{name} is exported {kind}"
    rooms = {source.path: source.room for source in sources}
    for name in sorted(set(declared) - exported):
        if not (root / "src" / str(rooms[declared[name][0]])).is_dir():
            continue
        yield (*declared[name], f"{name} is declared, but the library has no such function")


def rule_links(root, _sources, _library):
    """Relative links in the documents lead somewhere."""
    for path in sorted([*root.glob("*.md"), *root.glob("docs/**/*.md")]):
        text = re.sub(r"```.*?```", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                      path.read_text(encoding="utf-8"), flags=re.S)
        for match in re.finditer(r"\]\(([^)\s]+)\)", text):
            target = match.group(1).split("#")[0]
            if target and "://" not in target and not target.startswith("mailto:"):
                if not (path.parent / target).exists():
                    line = text.count("\n", 0, match.start()) + 1
                    yield path.relative_to(root).as_posix(), line, f"leads nowhere: {target}"


def rule_scenarios(root, sources, _library):
    """Every public function that says how it failed is called where calls of the system fail."""
    scenarios = [source for source in sources if re.match(r"tests/faults/scenarios\w*\.c$", source.path)]
    if not (root / "tests").is_dir():
        return
    called = {match.group(1) for source in scenarios for _, match in source.find(r"\b(lop_\w+)\s*\(")}
    for source in sources:
        if not source.path.startswith("include/"):
            continue
        for number, match in source.find(r"^LOP_API\b[^;{]*?(\w+)\s*\(([^;]*)\);"):
            if "lop_error *" in match.group(2) and match.group(1) not in called:
                yield source.path, number, f"{match.group(1)} is in no scenario of tests/faults"


TREE_RULES = [rule_headers_alone, rule_exports, rule_links, rule_scenarios]


def violations(root, library=None):
    sources = [Source(root, path)
               for folder in ("include", "src", *OUTSIDERS, "fuzz", "tests") if (root / folder).is_dir()
               for path in sorted((root / folder).rglob("*.[ch]"))]
    if not sources:
        raise SystemExit(f"check-house: no source under {root}")
    found = []
    for source in sources:
        for rule in FILE_RULES:
            found += [(rule.__name__, source.path, *rest) for rest in rule(source)]
    for rule in TREE_RULES:
        found += [(rule.__name__, *rest) for rest in rule(root, sources, library)]
    return found


# The self-test: a small clean house, and one change for each rule that it must find.

CLEAN = {
    "include/lop/status.h": "/** Statuses. */\n#ifndef S_H\n#define S_H\n#define LOP_API\n\n"
                            "/** Zero. */\nLOP_API int lop_zero(void);\nLOP_API int lop_one(void);\n\n#endif\n",
    "src/base/status.c": "#include <lop/status.h>\n\nint lop_zero(void)\n{\n    return 0;\n}\n\n"
                         "int lop_one(void)\n{\n    return 1; /* TEXT of exit() and \"stderr\" */\n}\n",
    "src/nn/graph.h": "/** Graph. */\n#ifndef G_H\n#define G_H\n#endif\n",
    "src/nn/graph.c": '#include "nn/graph.h"\n#include <lop/status.h>\n\n'
                      "static int bare(int a)\n{\n    return a;\n}\n\n"
                      "int lopi_graph(void)\n{\n    return bare(0);\n}\n",
    "cli/main.c": '#include <lop/lop.h>\n#include "options.h"\n\nint main(void)\n{\n    return 0;\n}\n',
    "include/lop/lop.h": "/** All. */\n#ifndef L_H\n#define L_H\n#include <lop/status.h>\n#endif\n",
    "src/nn/spec.c": '#include "nn/graph.h"\n\nint lopi_spec(int a);\nint lopi_spec(int a)\n{\n'
                     "    int b = a * 2 + a; /* a constant; a sum that nobody asks for */\n"
                     "    return b * a; /* fits: both are small */\n}\n",
    "include/lop/output.h": "/** Output. */\n#ifndef O_H\n#define O_H\n#define LOP_API\ntypedef int lop_error;\n\n"
                            "/** Fails. */\nLOP_API int lop_put(const char *name,\n    lop_error *error);\n\n#endif\n",
    "src/base/output.c": "#include <lop/output.h>\n\nint lop_put(const char *name, lop_error *error)\n{\n"
                         "    return name && error;\n}\n",
    "tests/faults/scenarios_base.c": "static int put(void)\n{\n    return lop_put(0, 0); /* not lop_get() */\n}\n",
    "README.md": "[status](include/lop/status.h)\n",
}
GRAPH = CLEAN["src/nn/graph.c"]
FAULTS = [  # rule that must find it, file, its text
    ("rule_room", "src/attic/a.c", "\n"),
    ("rule_room", "include/lop/attic.h", "/** A. */\n#ifndef A_H\n#define A_H\n#endif\n"),
    ("rule_includes", "src/base/b.c", '#include "nn/graph.h"\n'),
    ("rule_includes", "src/data/d.c", '#include "exchange/e.h"\n'),
    ("rule_includes", "src/train/t.c", "#include <lop/prune.h>\n"),
    ("rule_includes", "src/nn/n.c", "#include <lop/lop.h>\n"),
    ("rule_includes", "cli/c.c", '#include "base/file.h"\n'),
    ("rule_includes", "bench/b.c", '#include "nn/graph.h"\n'),
    ("rule_confined", "src/train/t.c", "#include <oneapi/dnnl/dnnl.h>\n"),
    ("rule_calls", "src/nn/n.c", GRAPH.replace("return a;", "exit(a);")),
    ("rule_calls", "src/nn/n.c", GRAPH.replace("return a;", "return getenv(0) != 0;")),
    ("rule_calls", "src/nn/n.c", GRAPH.replace("return a;", "fprintf(stderr, 0);")),
    ("rule_calls", "src/nn/n.c", GRAPH.replace("return a;", "return !malloc(1);")),
    ("rule_reproducible", "src/nn/n.c", GRAPH.replace("return a;", "return __TIME__[0];")),
    ("rule_portable", "src/nn/n.c", "#ifdef __AVX2__\n#endif\n"),
    ("rule_portable", "src/nn/n.c", "#include <immintrin.h>\n"),
    ("rule_sizes", "src/nn/spec.c", GRAPH.replace("return a;", "return a * a;")),
    ("rule_sizes", "src/nn/spec.c", GRAPH.replace("return a;", "return a + a > 7;")),
    ("rule_sizes", "src/nn/spec.c", GRAPH.replace("return a;", "return 1 << 2 << a << a;")),
    ("rule_json", "src/nn/n.c", GRAPH.replace("return a;", "if (a)\n        json_array_append_new(0, 0);\n    return a;")),
    ("rule_goto", "src/nn/n.c", GRAPH.replace("return a;", "goto done;")),
    ("rule_notes", "src/nn/n.c", "/* TO" "DO */\n"),
    ("rule_file_length", "src/nn/n.c", "\n" * (MAX_FILE_LINES + 1)),
    ("rule_functions", "src/nn/n.c", GRAPH.replace("return a;", ";\n" * MAX_FUNCTION_LINES)),
    ("rule_functions", "src/nn/n.c", GRAPH.replace("int a)", "int a, int b, int c, int d,\n int e, "
                                                   "int f, int (*g)(int, int), int h)")),
    ("rule_names", "src/nn/n.c", GRAPH.replace("lopi_graph", "graph")),
    ("rule_names", "src/nn/n.c", GRAPH.replace("bare", "lopi_bare")),
    ("rule_guard", "src/nn/graph.h", "/** Graph. */\n"),
    ("rule_guard", "src/nn/graph.h", "#ifndef G_H\n#define G_H\n#endif\n"),
    ("rule_documented", "include/lop/status.h",
     CLEAN["include/lop/status.h"].replace("LOP_API int lop_one", "\nLOP_API int lop_one")),
    ("rule_headers_alone", "include/lop/status.h",
     CLEAN["include/lop/status.h"].replace("lop_one(void)", "lop_one(size_t one)")),
    ("rule_headers_alone", "include/lop/status.h",
     CLEAN["include/lop/status.h"].replace("lop_one(void)", "lop_one(int class)")),
    ("rule_exports", "src/base/stray.c", "int stray(void);\nint stray(void)\n{\n    return 0;\n}\n"),
    ("rule_exports", "include/lop/status.h", CLEAN["include/lop/status.h"].replace("lop_one", "lop_two")),
    ("rule_links", "README.md", "[gone](gone.md)\n"),
    ("rule_scenarios", "tests/faults/scenarios_base.c", "/* lop_put() is called elsewhere. */\n"),
    ("rule_scenarios", "include/lop/output.h", CLEAN["include/lop/output.h"].replace("lop_put", "lop_get")),
]


def build_house(root, change):
    for name, text in {**CLEAN, **change}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def library_of(root, files):
    library = root / "liblop.so"
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-w", f"-I{root}/include", "-o",
                    library, *[root / name for name in files]], check=True)
    return str(library)


def self_test():
    failed = 0
    for wanted, name, text in [(None, "README.md", CLEAN["README.md"]), *FAULTS]:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            build_house(root, {name: text})
            library = None
            if wanted in (None, "rule_exports"):
                extra = [name] if name.endswith(".c") else []
                library = library_of(root, ["src/base/status.c", "src/base/output.c", *extra])
            found = violations(root, library)
        rules = {rule for rule, *_ in found}
        if (wanted is None and found) or (wanted is not None and wanted not in rules):
            failed += 1
            print(f"check-house: in {name}, expected {wanted}, found {found}")
    missing = {rule.__name__ for rule in FILE_RULES + TREE_RULES} - {rule for rule, *_ in FAULTS}
    for rule in sorted(missing):
        failed += 1
        print(f"check-house: {rule} has no fault that shows it works")
    print(f"check-house: {len(FAULTS) + 1} houses, {failed} judged wrongly")
    return failed


def main():
    arguments = argparse.ArgumentParser(description="Check the rules of the house.")
    arguments.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    arguments.add_argument("--library", help="liblop.so, to look at what it exports")
    arguments.add_argument("--self-test", action="store_true")
    options = arguments.parse_args()
    if options.self_test:
        return 1 if self_test() else 0
    found = violations(options.root, options.library)
    for _, path, line, complaint in found:
        print(f"{path}:{line}: {complaint}")
    print(f"check-house: {len(found)} violations of {len(FILE_RULES + TREE_RULES)} rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
