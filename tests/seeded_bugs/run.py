#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that the tests find bugs: puts each of tests/seeded_bugs/*.bug into a copy of the headers,
builds the tests that the bug names against that copy, and expects one of them to fail.

run.py [NAME...] [--long] [--jobs N]   tries the named bugs, those marked quick, or all of them
run.py --apply NAME --into DIRECTORY   only makes the copy with the bug, for VARVE_SEEDED_BUG

A bug is a file of lines `word: rest`: what it `breaks`, whether it is `quick`, which test `kills`
it (several lines: any of them; `system_calls STACK` is tests/kill/system_calls.py), and after each
`file` a replacement in it: <<<<, what is there exactly once, ====, what comes instead, >>>>.

It is an error where a bug survives, does not apply, does not compile, where a test that is to kill
it fails without it, or is told something by CMake that it is not told here.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUGS = ROOT / "tests/seeded_bugs"
TREES = ("concepts", "include", "adapters")
EDIT = re.compile(r"^file: (\S+)\n<<<<\n(.*?)^====\n(.*?)^>>>>$", re.DOTALL | re.MULTILINE)
FLAGS = ["-std=c++20", "-O1", "-D_GLIBCXX_ASSERTIONS", "-w"]
LIBRARIES = ["-Wl,--as-needed", "-lrocksdb", "-llmdb", "-pthread"]
PATIENCE = 240


class Wrong(Exception):
    pass


def source_of(test):
    if test.startswith("system_calls "):
        return "tests/kill/scenario.cpp"
    return f"tests/{test.split()[0]}.test.cpp"


class Definitions:
    """What tests/CMakeLists.txt has the preprocessor know."""

    def __init__(self):
        lists = (ROOT / "tests/CMakeLists.txt").read_text(encoding="utf-8")
        every = re.findall(r'^add_compile_definitions\((\w+)="(.*)"\)$', lists, re.MULTILINE)
        self.flags = [f'-D{name}="{value}"'.replace("${PROJECT_SOURCE_DIR}", str(ROOT))
                      for name, value in every]
        own = re.findall(r"^ *target_compile_definitions\((.*?)\)$", lists,
                         re.DOTALL | re.MULTILINE)
        self.of_some = {name for each in own for name in re.findall(r"\b(VARVE_\w+)", each)}

    def check(self, test):
        path = ROOT / source_of(test)
        if not path.is_file():
            raise Wrong(f"{path.relative_to(ROOT)} is to kill a bug, and is not there")
        text = path.read_text(encoding="utf-8")
        for name in sorted(self.of_some):
            if re.search(rf"\b{name}\b", text):
                raise Wrong(f"{path.relative_to(ROOT)} is told {name} by "
                            "target_compile_definitions, and would not build here: give it to "
                            "every test in tests/CMakeLists.txt")


class Bug:
    def __init__(self, name):
        path = BUGS / f"{name}.bug"
        if not path.is_file():
            raise Wrong(f"there is no bug '{name}' in tests/seeded_bugs")
        text = path.read_text(encoding="utf-8")
        head = EDIT.sub("", text)
        self.name = name
        self.breaks = " ".join(re.findall(r"^breaks: (.*)$", head, re.MULTILINE))
        self.kills = re.findall(r"^kills: (.*)$", head, re.MULTILINE)
        self.quick = re.search(r"^quick$", head, re.MULTILINE) is not None
        self.edits = EDIT.findall(text)
        if not self.breaks or not self.kills or not self.edits:
            raise Wrong(f"{path.name} does not say what it breaks, what kills it, or what it edits")

    def make_tree(self, folder):
        """Copies the headers into `folder`, with the bug."""
        for tree in TREES:
            shutil.rmtree(folder / tree, ignore_errors=True)
            shutil.copytree(ROOT / tree, folder / tree)
        for name, before, after in self.edits:
            path = folder / name
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            if text.count(before) != 1:
                raise Wrong(f"{self.name} no longer applies: {name} has what it replaces "
                            f"{text.count(before)} times; mend the .bug")
            path.write_text(text.replace(before, after), encoding="utf-8")


class Builder:
    """Builds tests against a tree of headers and runs them."""

    def __init__(self, folder, flags):
        self.folder = folder
        self.flags = [*FLAGS, *flags]
        compiler = os.environ.get("CXX", "g++")
        self.compiler = (["ccache"] if shutil.which("ccache") else []) + [compiler]
        linker = next((["-fuse-ld=" + ld] for ld in ("mold", "lld") if shutil.which(ld)), [])
        self.libraries = linker + LIBRARIES
        self.catch = folder / "catch_main.o"
        done = subprocess.run([*self.compiler, "-std=c++20", "-O0", "-w", "-c",
                               str(ROOT / "tests/catch_main.cpp"), "-o", str(self.catch)],
                              capture_output=True, text=True, check=False)
        self.objects = [str(self.catch)]
        if done.returncode != 0:  # Catch2 3 brings its main with it.
            self.objects, self.libraries = [], ["-lCatch2Main", "-lCatch2", *self.libraries]

    def build(self, test, tree, out):
        source = source_of(test)
        objects = [] if test.startswith("system_calls ") else self.objects
        compiled = out.with_suffix(".o")
        includes = [f"-I{tree / name}" for name in TREES] + [f"-I{ROOT / 'tests'}"]
        for command in ([*self.compiler, *self.flags, *includes, "-c", str(ROOT / source), "-o",
                         str(compiled)],
                        [self.compiler[-1], str(compiled), *objects, "-o", str(out),
                         *self.libraries]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Wrong(f"{source} does not build: {done.stderr.strip()[:1500]}")

    def run(self, test, program):
        """Why the test fails, or None where it passes."""
        if test.startswith("system_calls "):
            command = [sys.executable, str(ROOT / "tests/kill/system_calls.py"), str(program),
                       test.split()[1]]
        else:
            command = [str(program), *test.split(maxsplit=1)[1:]]
        # Not the group of this process: a test may stop processes of its own.
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False,
                                  errors="replace", timeout=PATIENCE, start_new_session=True)
        except subprocess.TimeoutExpired:
            return "hangs"
        if re.search(r"No test cases matched|No tests ran", done.stdout + done.stderr):
            raise Wrong(f"there is no such test: {test}")
        if done.returncode == 0:
            return None
        if done.returncode == 77:
            raise Wrong(f"{test} is skipped here, so nothing is shown: {done.stdout.strip()}")
        if done.returncode < 0:
            return f"dies of signal {-done.returncode}"
        failed = re.search(r"FAILED:\n(.*)\n", done.stdout)
        said = failed.group(1).strip() if failed else done.stdout.strip().split("\n")[0]
        return said[:90]


def verdict(builder, bug, folder):
    """Which test kills the bug and how. Throws where none does."""
    started = time.monotonic()
    folder.mkdir()
    bug.make_tree(folder)
    try:
        for test in bug.kills:
            program = folder / "program"
            builder.build(test, folder, program)
            why = builder.run(test, program)
            if why:
                return test, why, time.monotonic() - started
        raise Wrong(f"{bug.name} SURVIVES: {bug.breaks} Not found by: {', '.join(bug.kills)}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def healthy(builder, test, folder):
    folder.mkdir()
    builder.build(test, ROOT, folder / "program")
    why = builder.run(test, folder / "program")
    if why:
        raise Wrong(f"{test} fails without any bug: {why}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--long", action="store_true", help="all, and each test without a bug")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count()))
    parser.add_argument("--apply", metavar="NAME")
    parser.add_argument("--into", metavar="DIRECTORY")
    args = parser.parse_args()
    try:
        if args.apply:
            Bug(args.apply).make_tree(pathlib.Path(args.into or parser.error("--into is missing")))
            return
        every = [Bug(path.stem) for path in sorted(BUGS.glob("*.bug"))]
    except Wrong as wrong:
        sys.exit(f"seeded bugs: {wrong}")
    bugs = [bug for bug in every if bug.name in args.names] if args.names else \
        [bug for bug in every if args.long or bug.quick]
    missing = set(args.names) - {bug.name for bug in bugs}
    if missing:
        sys.exit(f"seeded bugs: there is none named {', '.join(sorted(missing))}")

    errors = []
    with tempfile.TemporaryDirectory(prefix="varve-seeded-bugs-") as name, \
            concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        folder = pathlib.Path(name)
        definitions = Definitions()
        builder = Builder(folder, definitions.flags)
        # Every patch must apply and every test be one that can be built, also where only a few are
        # tried.
        for bug in every:
            try:
                (folder / "apply").mkdir(exist_ok=True)
                bug.make_tree(folder / "apply")
                for test in bug.kills:
                    definitions.check(test)
            except Wrong as wrong:
                errors.append(str(wrong))
        tried = {pool.submit(verdict, builder, bug, folder / bug.name): bug for bug in bugs}
        tests = sorted({test for bug in bugs for test in bug.kills})
        controls = [pool.submit(healthy, builder, test, folder / f"control{i}")
                    for i, test in enumerate(tests) if args.long]
        killed = 0
        print(f"{'bug':34} {'killed by':38} how")
        for future, bug in tried.items():
            try:
                test, why, seconds = future.result()
                killed += 1
                print(f"{bug.name:34} {test:38} {why} ({seconds:.0f} s)", flush=True)
            except Wrong as wrong:
                errors.append(str(wrong))
                print(f"{bug.name:34} {'NONE':38} {str(wrong)[:200]}", flush=True)
        for future in controls:
            try:
                future.result()
            except Wrong as wrong:
                errors.append(str(wrong))
    for error in errors:
        print(f"error: {error}")
    print(f"figures: seeded bugs: {killed} of the {len(bugs)} tried, of {len(every)}, were killed")
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
