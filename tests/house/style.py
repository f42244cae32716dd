#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that no compiler checks: lengths, heads, altitude of includes, lists."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLUMNS = 100
HEADER_LINES = 320  # more is printed, not refused: see whether it is two things
CODE = {".hpp", ".cpp", ".py", ".sh", ".cmake", ".in"}
COMMANDS = {"tests/run", "examples/run", "bench/run", ".ci/run"}

INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)
STANDARD = re.compile(r"^[a-z0-9_]+$")
SYSTEM = re.compile(
    r"^(sys/\w+|linux/\w+|fcntl|unistd|dirent|signal|pthread|stdlib|stdio|errno|time|cpuid|"
    r"immintrin|x86intrin|nmmintrin|arm_acle|sanitizer/\w+)\.h$")
ENGINES = {"rocksdb": re.compile(r"^rocksdb/"), "lmdb": re.compile(r"^lmdb\.h$")}

# Codecs of formats that exist elsewhere: these headers need a library that varve does not ask for.
FOREIGN = {
    re.compile(r"^varve/(codecs/(json|cbor|message_pack)\.hpp|codecs/json/|document/json\.hpp)"):
        "nlohmann/json.hpp",
    re.compile(r"^varve/codecs/flatbuffers\.hpp"): "flatbuffers/flatbuffers.h",
    re.compile(r"^varve/codecs/protobuf\.hpp"): "google/protobuf/message_lite.h",
    re.compile(r"^varve/codecs/cereal(\.hpp|/)"): "cereal/cereal.hpp",
}

# What is refused anywhere in code: (pattern, files, what to do).
REFUSED = (
    (re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b"), CODE, "do it, or open an issue"),
    (re.compile(r"^using namespace\b"), {".hpp"}, "a header opens no namespace for its users"),
    (re.compile(r"\bstd::endl\b"), {".hpp", ".cpp"}, "write '\\n'"),
    (re.compile(r"#\s*include\s*<iostream>"), {".hpp"}, "a header brings no static streams"),
    (re.compile(r"range/v3/all\.hpp"), {".hpp", ".cpp"}, "include single range-v3 headers"),
    (re.compile(r"\bWILL_FAIL\b"), {".cmake", ".txt"},
     "it accepts failure for any reason; see tests/compile_fail"),
)


def files():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        names = listed.stdout.splitlines()
    else:
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
        names = [name for name in names if not name.startswith(("build", ".git/", ".cache"))]
    return [name for name in sorted(set(names)) if (ROOT / name).is_file()]


def is_code(name):
    path = pathlib.PurePath(name)
    return path.suffix in CODE or path.name == "CMakeLists.txt" or name in COMMANDS


def foreign(header):
    """The header of a library without which this one, as it is included, cannot be compiled."""
    return next((needed for pattern, needed in FOREIGN.items() if pattern.match(header)), None)


def allowed(name, included):
    """Whether the altitude of header `name` lets it include `included`."""
    if STANDARD.match(included):
        return True
    if name.startswith("concepts/"):
        return included.startswith("varve/concepts/")
    if SYSTEM.match(included):
        return True
    if name.startswith("include/"):
        if included.startswith("range/v3/"):
            return included != "range/v3/all.hpp"
        needed = foreign(name.removeprefix("include/"))
        if needed and included.split("/")[0] == needed.split("/")[0]:
            return True
        return included.startswith("varve/") and not included.startswith("varve/adapters/")
    adapter = name.removeprefix("adapters/varve/adapters/").split("/")[0].removesuffix(".hpp")
    if included.startswith(("varve/concepts/", "varve/adapters/support/")):
        return True
    if re.match(rf"varve/adapters/{adapter}(\.hpp|/)", included):
        return True
    return adapter in ENGINES and bool(ENGINES[adapter].match(included))


def check_text(name, text):
    path = pathlib.PurePath(name)
    lines = text.split("\n")
    head = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    if "SPDX-License-Identifier: Apache-2.0" not in head:
        yield f"{name}:1: begins with the SPDX line of the licence"
    if text and not text.endswith("\n"):
        yield f"{name}:{len(lines)}: ends with a newline"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS and not re.match(r"^\s*(//|#) (expect-error: |https?://)", line):
            yield f"{name}:{number}: {len(line)} columns; {COLUMNS} are the limit"
        if line != line.rstrip() or "\t" in line:
            yield f"{name}:{number}: no tabs, no blanks at the end"
        for pattern, suffixes, advice in REFUSED:
            if path.suffix in suffixes and pattern.search(line):
                yield f"{name}:{number}: '{pattern.search(line).group(0)}': {advice}"


def check_header(name, text):
    if "\n#pragma once\n" not in text:
        yield f"{name}: has #pragma once"
    if name.startswith(("concepts/", "include/", "adapters/")):
        for included in INCLUDE.findall(text):
            if not allowed(name, included):
                yield f"{name}: may not include <{included}>: CONTRIBUTING.md, 'Altitude'"


# Folder, how its CMakeLists.txt lists a file, and how the files end that must be listed.
LISTS = (
    ("concepts", r"\b(varve/[\w/]+)\.hpp\b", ".hpp"),
    ("include", r"\b(varve/[\w/]+)\.hpp\b", ".hpp"),
    ("adapters", r"\b(varve/[\w/]+)\.hpp\b", ".hpp"),
    ("tests", r"^varve_test\(\s*NAME ([\w/]+)", ".test.cpp"),
    ("bench", r"^varve_bench\(\s*NAME ([\w/]+)", ".bench.cpp"),
)


def check_lists(names):
    """Headers, tests and benchmarks are listed in CMake, never globbed; so each must be listed."""
    for folder, pattern, suffix in LISTS:
        cmake = f"{folder}/CMakeLists.txt"
        listed = set(re.findall(pattern, (ROOT / cmake).read_text(encoding="utf-8"), re.MULTILINE))
        there = {name.removeprefix(f"{folder}/").removesuffix(suffix) for name in names
                 if name.startswith(f"{folder}/") and name.endswith(suffix)}
        for missing in sorted(there - listed):
            yield f"{folder}/{missing}{suffix}: is not listed in {cmake}"
        for stale in sorted(listed - there):
            yield f"{cmake}: lists {stale}, which is not there"


def main():
    names = files()
    wrong = list(check_lists(names))
    for name in filter(is_code, names):
        text = (ROOT / name).read_text(encoding="utf-8")
        wrong += check_text(name, text)
        if name.endswith(".hpp"):
            wrong += check_header(name, text)
            length = text.count("\n")
            if length > HEADER_LINES and not name.startswith("tests/"):
                print(f"note: {name} has {length} lines: is it two things?")
    for sentence in wrong:
        print(sentence)
    if wrong:
        print(f"{len(wrong)} breaches of the style of the house")
        sys.exit(1)
    print(f"{len(names)} files looked at")


if __name__ == "__main__":
    main()
