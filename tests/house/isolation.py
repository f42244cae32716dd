#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A layer that includes an adapter, or the reverse, must break the build that verifies headers."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Where a forbidden line is put, the line, the target of which it must break that header, what it
# must say.
BREACHES = (
    ("include/varve/layers/counted.hpp", "#include <varve/adapters/memory.hpp>",
     "varve_varve_verify_interface_header_sets", "varve/adapters/memory.hpp"),
    ("adapters/varve/adapters/memory.hpp", "#include <varve/layers/counted.hpp>",
     "varve_memory_verify_interface_header_sets", "varve/layers/counted.hpp"),
    ("concepts/varve/concepts/tree.hpp", "#include <varve/open.hpp>",
     "varve_concepts_verify_interface_header_sets", "varve/open.hpp"),
    ("concepts/varve/concepts/tree.hpp", "inline std::list<int> forgotten_include;",
     "varve_concepts_verify_interface_header_sets", "list"),
)


def alone(header, target):
    """What Ninja builds of the header alone."""
    part, rest = header.split("/", 1)
    return f"{part}/CMakeFiles/{target}.dir/{target}/{rest}.cxx.o"


def build(scratch, *objects):
    run = subprocess.run(["cmake", "--build", scratch / "build", "--target", *objects],
                         capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


def main():
    with tempfile.TemporaryDirectory(prefix="varve-isolation-") as name:
        scratch = pathlib.Path(name)
        os.environ.update(CCACHE_BASEDIR=name, CCACHE_NOHASHDIR="1")
        for part in ("concepts", "include", "adapters", "cmake"):
            shutil.copytree(ROOT / part, scratch / part)
        for part in ("CMakeLists.txt", "LICENSE"):
            shutil.copy(ROOT / part, scratch / part)
        switches = [f"-DVARVE_{what}=OFF" for what in (
            "WITH_ROCKSDB", "WITH_LMDB", "BUILD_TESTS", "BUILD_EXAMPLES", "BUILD_BENCHMARKS")]
        subprocess.run(["cmake", "-G", "Ninja", "-S", scratch, "-B", scratch / "build",
                        "-DCMAKE_VERIFY_INTERFACE_HEADER_SETS=ON", *switches],
                       check=True, capture_output=True)

        code, output = build(scratch, *{alone(header, target)
                                        for header, _, target, _ in BREACHES})
        if code != 0:
            sys.exit(f"the headers do not pass as they are:\n{output}")
        for header, line, target, said in BREACHES:
            original = (scratch / header).read_text(encoding="utf-8")
            (scratch / header).write_text(
                original.replace("#pragma once\n", f"#pragma once\n{line}\n", 1), encoding="utf-8")
            code, output = build(scratch, alone(header, target))
            (scratch / header).write_text(original, encoding="utf-8")
            if code == 0:
                sys.exit(f"{header} may hold '{line}', and {target} is built all the same")
            if not re.search(rf"error: .*{re.escape(said)}", output):
                sys.exit(f"{target} fails, but not over '{line}':\n{output}")
            print(f"{header} with '{line}': refused")


if __name__ == "__main__":
    main()
