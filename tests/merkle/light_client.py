#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The header that verifies proofs needs no engine and no store: a program that has only
include/varve/merkle and the header of byte strings is built and verifies the corpus.

light_client.py COMPILER
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    compiler = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="varve-light-") as name:
        folder = pathlib.Path(name)
        needed = set()
        waiting = ["varve/merkle/verify.hpp"]
        while waiting:
            header = waiting.pop()
            if header in needed:
                continue
            needed.add(header)
            if not header.startswith("varve/merkle/") and header != "varve/concepts/bytes.hpp":
                sys.exit(f"verify.hpp rests on {header}")
            root = ROOT / ("concepts" if header.startswith("varve/concepts/") else "include")
            text = (root / header).read_text(encoding="utf-8")
            (folder / header).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / header, folder / header)
            waiting += [line.split("<")[1].split(">")[0] for line in text.splitlines()
                        if line.startswith("#include <varve/")]
        program = folder / "light_client"
        subprocess.run([compiler, "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion",
                        "-Wshadow", "-Werror", f"-I{folder}",
                        ROOT / "tests/merkle/light_client.cpp", "-o", program], check=True)
        tried = 0
        for line in (ROOT / "tests/merkle/corpus/blake3.jsonl").read_text().splitlines()[::3]:
            case = json.loads(line)
            if "proof" not in case:
                continue
            tree, key, value = case["said"][0]
            run = subprocess.run(
                [program, case["root"], tree, key, "-" if value is None else value, case["proof"]],
                capture_output=True, text=True, check=False)
            if run.returncode != (0 if case["holds"] else 1):
                sys.exit(f"answers {run.returncode}, {run.stdout}{run.stderr} to {line}")
            tried += 1
        if tried < 50:
            sys.exit(f"only {tried} proofs were there to verify")
        print(f"{len(needed)} headers, {tried} proofs")


if __name__ == "__main__":
    main()
