#!/usr/bin/env python3
"""A bill of materials of lop, as SPDX 2.3 JSON: what it is built from, and what tests and benches take.

sbom.py [FILE]     write it (to standard output without FILE); versions are those of this machine
sbom.py --check    the packages of scripts/deps.sh, the rows below and the table in docs/design.md tell
                   the same story; ends with 1 where they do not

The same machine writes the same bytes: the document's time is SOURCE_DATE_EPOCH, or the commit's.
"""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Debian's package: its word in the table of docs/design.md, and its licence.
PACKAGES = {
    "build-essential": ("GCC", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    "cmake": ("CMake", "BSD-3-Clause"),
    "ninja-build": ("Ninja", "Apache-2.0"),
    "pkg-config": ("pkg-config", "GPL-2.0-or-later"),
    "libdnnl-dev": ("oneDNN", "Apache-2.0"),
    "liblapacke-dev": ("LAPACKE", "BSD-3-Clause"),
    "libopenblas-openmp-dev": ("OpenBLAS", "BSD-3-Clause"),
    "libjansson-dev": ("jansson", "MIT"),
    "libzstd-dev": ("zstd", "BSD-3-Clause OR GPL-2.0-only"),
    "libcyaml-dev": ("libcyaml", "ISC"),
    "libyaml-dev": ("libyaml", "MIT"),
    "libmd-dev": ("libmd", "BSD-3-Clause"),
    "zlib1g-dev": ("zlib", "Zlib"),
    "nodejs": ("Node", "MIT"),
    "npm": ("npm", "Artistic-2.0"),
    "clang": ("clang", "Apache-2.0 WITH LLVM-exception"),
    "lld": ("lld", "Apache-2.0 WITH LLVM-exception"),
    "wasi-libc": ("wasi-libc", "MIT"),
    "gnuplot-nox": ("gnuplot", "gnuplot"),
    "binutils": ("GCC", "GPL-3.0-or-later"),
    "clang-format": ("clang", "Apache-2.0 WITH LLVM-exception"),
    "clang-tidy": ("clang", "Apache-2.0 WITH LLVM-exception"),
    "libclang-rt-dev": ("clang", "Apache-2.0 WITH LLVM-exception"),
    "libomp-dev": ("libomp", "Apache-2.0 WITH LLVM-exception"),
    "llvm": ("clang", "Apache-2.0 WITH LLVM-exception"),
    "chromium": ("Chromium", "BSD-3-Clause"),
    "cppcheck": ("cppcheck", "GPL-3.0-or-later"),
    "dataset-fashion-mnist": ("Fashion-MNIST", "MIT"),
    "faketime": ("faketime", "GPL-2.0-only"),
    "gcc-aarch64-linux-gnu": ("GCC for aarch64", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    "gcc-i686-linux-gnu": ("i386", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    "gcc-s390x-linux-gnu": ("s390x", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    "libc6-dev-arm64-cross": ("GCC for aarch64", "LGPL-2.1-or-later"),
    "libc6-dev-i386-cross": ("i386", "LGPL-2.1-or-later"),
    "libc6-dev-s390x-cross": ("s390x", "LGPL-2.1-or-later"),
    "qemu-user": ("QEMU", "GPL-2.0-only"),
    "gcovr": ("gcovr", "BSD-3-Clause"),
    "libcmocka-dev": ("cmocka", "Apache-2.0"),
    "libsimde-dev": ("SIMDe", "MIT"),
    "groff": ("groff", "GPL-3.0-or-later"),
    "python3": ("Python 3", "PSF-2.0"),
    "python3-numpy": ("NumPy", "BSD-3-Clause"),
    "shellcheck": ("shellcheck", "GPL-3.0-or-later"),
    "libgraphblas-dev": ("GraphBLAS", "Apache-2.0"),
    "python3-torch": ("PyTorch", "BSD-3-Clause"),
}
# How SPDX calls what a package of a group is to lop.
RELATIONS = {"build": "BUILD_DEPENDENCY_OF", "demo": "OPTIONAL_DEPENDENCY_OF", "test": "TEST_DEPENDENCY_OF",
             "bench": "DEV_DEPENDENCY_OF"}
LINKED = ["libdnnl-dev", "liblapacke-dev", "libopenblas-openmp-dev", "libjansson-dev", "libzstd-dev",
          "libcyaml-dev", "libyaml-dev", "libmd-dev", "zlib1g-dev"]  # these are DEPENDENCY_OF: they run with it


def groups():
    """Each package of scripts/deps.sh with the groups that want it."""
    text = (ROOT / "scripts/deps.sh").read_text(encoding="utf-8")
    found = {}
    for line in re.search(r"^packages='\n(.*?)^'", text, re.S | re.M).group(1).splitlines():
        group, package = line.split()[:2]
        found.setdefault(package, []).append(group)
    return found


def npm_packages():
    """(name, version, licence, whether only tests want it) of what the lock file fixes."""
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    for path, entry in sorted(lock["packages"].items()):
        if path:
            yield path.split("node_modules/")[-1], entry["version"], entry.get("license", "NOASSERTION"), \
                entry.get("dev", False)


def table():
    """The table of dependencies in docs/design.md, as text."""
    text = (ROOT / "docs/design.md").read_text(encoding="utf-8")
    return re.search(r"^## Dependencies\n(.*?)^## ", text, re.S | re.M).group(1)


def check():
    wanted, told, faults = groups(), table(), []
    faults += [f"{name} is in scripts/deps.sh and not in PACKAGES of scripts/sbom.py"
               for name in sorted(set(wanted) - set(PACKAGES))]
    faults += [f"{name} is in PACKAGES and not in scripts/deps.sh" for name in sorted(set(PACKAGES) - set(wanted))]
    faults += [f"{name}: docs/design.md, Dependencies, does not tell of {word}"
               for name, (word, _) in sorted(PACKAGES.items()) if word not in told]
    faults += [f"{name}: docs/design.md, Dependencies, does not tell of this npm package"
               for name, *_ in npm_packages() if name.lower() not in told.lower()]
    made = json.loads(document())
    names = [entry["SPDXID"] for entry in made["packages"]]
    faults += [f"{name} stands in the document twice" for name in sorted({n for n in names if names.count(n) > 1})]
    faults += [f"{relation['spdxElementId']} is related to and not described" for relation in made["relationships"]
               if {relation["spdxElementId"], relation["relatedSpdxElement"]} - {*names, "SPDXRef-DOCUMENT"}]
    faults += [f"{name} runs with lop and has no version: is it installed?" for name in LINKED
               if shutil.which("dpkg-query") and not any(entry["name"] == name and "versionInfo" in entry for entry in made["packages"])]
    if document() != document():
        faults.append("the document is not the same twice")
    for fault in faults:
        print(f"sbom: {fault}")
    print(f"sbom: {len(wanted)} packages, {len(faults)} faults")
    return 1 if faults else 0


def versions():
    if not shutil.which("dpkg-query"):
        return {}
    done = subprocess.run(["dpkg-query", "-W", "-f=${Package} ${Version}\n", *PACKAGES],
                          capture_output=True, text=True, check=False)
    return dict(line.split() for line in done.stdout.splitlines() if len(line.split()) == 2)


def own_version():
    return re.search(r"VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text().split("project(", 1)[1]).group(1)


def made_at():
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        done = subprocess.run(["git", "-C", ROOT, "log", "-1", "--format=%ct"], capture_output=True, text=True,
                              check=False)
        epoch = done.stdout.strip() or "0"
    return datetime.fromtimestamp(int(epoch), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def document():
    installed, packages, relations = versions(), [], []

    def add(identifier, name, version, licence, relation, purl):
        entry = {"SPDXID": identifier, "name": name, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
                 "licenseDeclared": licence, "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION"}
        if version:
            entry["versionInfo"] = version
            if purl:
                entry["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                          "referenceLocator": f"{purl}@{version}"}]
        packages.append(entry)
        if relation:
            relations.append({"spdxElementId": identifier, "relationshipType": relation,
                              "relatedSpdxElement": "SPDXRef-lop"})

    add("SPDXRef-lop", "lop", own_version(), "Apache-2.0", None, None)
    relations.append({"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                      "relatedSpdxElement": "SPDXRef-lop"})
    for name, wanted in sorted(groups().items()):
        relation = "DEPENDENCY_OF" if name in LINKED else RELATIONS[wanted[0]]
        add(f"SPDXRef-deb-{name.replace('_', '-')}", name, installed.get(name), PACKAGES[name][1], relation,
            f"pkg:deb/debian/{name}")
    for name, version, licence, dev in npm_packages():
        add(f"SPDXRef-npm-{re.sub('[^A-Za-z0-9.-]', '-', name)}", name, version, licence,
            "TEST_DEPENDENCY_OF" if dev else "DEPENDENCY_OF", f"pkg:npm/{name}")
    body = {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"lop-{own_version()}",
            "creationInfo": {"created": made_at(), "creators": ["Tool: lop-scripts/sbom.py"]},
            "packages": packages, "relationships": relations}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    body["documentNamespace"] = f"urn:lop:sbom:{own_version()}:{digest}"
    return json.dumps(body, indent=1, sort_keys=True) + "\n"


def main():
    if sys.argv[1:] == ["--check"]:
        return check()
    if len(sys.argv) > 2 or (len(sys.argv) == 2 and sys.argv[1].startswith("-")):
        print(__doc__, file=sys.stderr)
        return 64
    if len(sys.argv) == 2:
        Path(sys.argv[1]).write_text(document(), encoding="utf-8")
    else:
        sys.stdout.write(document())
    return 0


if __name__ == "__main__":
    sys.exit(main())
