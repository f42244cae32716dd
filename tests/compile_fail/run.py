#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Misuse must not compile, for the reason that the test names.

Each file is compiled twice with g++ and with a clang++. As it is, it must be refused, and what the
compiler says must contain every text of its lines `// expect-error: TEXT`. With -DCONTROL, which
mends the misuse, it must compile: so that it is not refused for another reason. --every-compiler
takes each clang++ that is there, and not only the oldest.
"""
import argparse
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys

COMPILERS = ("g++", "clang++-16", "clang++-19")
EXPECT = re.compile(r"^\s*// expect-error: (.+?)\s*$", re.MULTILINE)


def plain(text):
    """Compilers break and quote lines differently; words and their order are what counts."""
    return " ".join(text.replace("\u2018", "'").replace("\u2019", "'").split())


def compile_once(compiler, arguments, path, control):
    command = [compiler, "-std=c++20", "-fsyntax-only", *arguments]
    if compiler.startswith("clang"):
        command.append("-ferror-limit=0")
    if control:
        command.append("-DCONTROL")
    run = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    return run.returncode, run.stderr


def judge(compiler, arguments, path, texts):
    """What is wrong with `path` under `compiler`: a list of sentences, empty where all is well."""
    wrong = []
    code, output = compile_once(compiler, arguments, path, control=False)
    if code == 0:
        wrong.append(f"{compiler}: compiles, and must not")
    elif code < 0:
        wrong.append(f"{compiler}: died of signal {-code}")
    missing = [text for text in texts if plain(text) not in plain(output)] if code != 0 else []
    for text in missing:
        wrong.append(f"{compiler}: is refused, but not with the words: {text}")
    if missing:
        wrong.append(output)
    code, output = compile_once(compiler, arguments, path, control=True)
    if code != 0:
        wrong.append(f"{compiler}: with -DCONTROL it must compile, and does not\n{output}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("arguments", nargs="*", help="for the compilers, after --")
    parser.add_argument("--every-compiler", action="store_true")
    args = parser.parse_args()

    source = args.file.read_text(encoding="utf-8")
    texts = EXPECT.findall(source)
    if not texts or "CONTROL" not in source:
        sys.exit(f"{args.file}: needs a line '// expect-error: TEXT' and a part '#ifdef CONTROL'")
    compilers = [compiler for compiler in COMPILERS if shutil.which(compiler)]
    if not compilers:
        sys.exit(f"none of {', '.join(COMPILERS)} is here")
    for compiler in COMPILERS:
        if compiler not in compilers:
            print(f"SKIPPED: {compiler} is not here")
    if not args.every_compiler:
        compilers = compilers[:2]

    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        judged = pool.map(
            lambda compiler: judge(compiler, args.arguments, args.file, texts), compilers)
        wrong = [sentence for sentences in judged for sentence in sentences]
    for sentence in wrong:
        print(sentence)
    if wrong:
        sys.exit(1)
    print(f"{args.file.name}: refused with the words expected by {', '.join(compilers)}")


if __name__ == "__main__":
    main()
