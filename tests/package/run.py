#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Varve as its users take it: installed, a subdirectory, fetched; with and without engines.

Each case works in a scratch folder of its own and ends with a program that was built and run.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONSUMER = ROOT / "tests/package/consumer"
ENGINES = ("rocksdb", "lmdb")
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


class Failed(Exception):
    pass


def run(*command, cwd, must=True):
    """The output of a command; one that fails ends the case."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if must and done.returncode != 0:
        raise Failed(f"$ {' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout if must else (done.returncode, done.stdout)


def configure(source, scratch, name, *arguments, must=True):
    launcher = shutil.which("ccache")
    cached = [f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}"] if launcher else []
    return run("cmake", "-G", "Ninja", "-S", source, "-B", scratch / name,
               "-DCMAKE_BUILD_TYPE=Debug", *cached, *arguments, cwd=scratch, must=must)


def listed(engines):
    return "-DCONSUMER_ENGINES=" + ";".join(engines)


def install(scratch, engines):
    """Installs varve with `engines`, then moves it: an installed package may lie anywhere."""
    switches = [f"-DVARVE_WITH_{engine.upper()}={'ON' if engine in engines else 'OFF'}"
                for engine in ENGINES]
    parts = [f"-DVARVE_BUILD_{part}=OFF" for part in ("TESTS", "EXAMPLES", "BENCHMARKS")]
    configure(ROOT, scratch, "varve", *switches, *parts)
    run("cmake", "--install", scratch / "varve", "--prefix", scratch / "first", cwd=scratch)
    (scratch / "first").rename(scratch / "prefix")
    return scratch / "prefix"


def build_and_run(scratch, name, program):
    run("cmake", "--build", scratch / name, cwd=scratch)
    work = scratch / f"{name}-work"
    work.mkdir()
    return run(scratch / name / program, cwd=work)


def use(scratch, engines, *arguments):
    configure(CONSUMER, scratch, "consumer", listed(engines), *arguments)
    told = build_and_run(scratch, "consumer", "consumer")
    for engine in ("memory", *engines):
        if f"{engine}: kept" not in told:
            raise Failed(f"the consumer does not speak of {engine}:\n{told}")


def headers(*roots):
    return {str(path.relative_to(ROOT / root)) for root in roots
            for path in (ROOT / root).rglob("*.hpp")}


@case
def tree(scratch):
    """`cmake --install` lays down every header and its package, and nothing else."""
    prefix = install(scratch, ENGINES)
    there = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
    package = {"FindLMDB.cmake", "FindRocksDB.cmake", "varve-config.cmake",
               "varve-config-version.cmake", "varve-targets.cmake", "varve-rocksdb-targets.cmake",
               "varve-lmdb-targets.cmake"}
    expected = {f"include/{header}" for header in headers("concepts", "include", "adapters")}
    expected |= {f"share/cmake/varve/{name}" for name in package}
    expected.add("share/doc/varve/LICENSE")
    if there != expected:
        raise Failed(f"missing: {sorted(expected - there)}\nunexpected: {sorted(there - expected)}")
    for name in package:
        text = (prefix / "share/cmake/varve" / name).read_text(encoding="utf-8")
        for path in (ROOT, scratch):
            if str(path) in text:
                raise Failed(f"{name} names {path}, which its user does not have")


@case
def find_package(scratch):
    """An installed varve with both engines."""
    use(scratch, ENGINES, f"-DCMAKE_PREFIX_PATH={install(scratch, ENGINES)}")


@case
def find_package_without_engines(scratch):
    """find_package(varve) alone asks for no engine, whatever is installed."""
    use(scratch, (), f"-DCMAKE_PREFIX_PATH={install(scratch, ENGINES)}",
        *[f"-DCMAKE_DISABLE_FIND_PACKAGE_{package}=ON" for package in
          ("RocksDB", "LMDB", "lmdb", "unofficial-lmdb")])


@case
def find_package_refuses(scratch):
    """A component that cannot be had is refused with a sentence that says why."""
    prefix = install(scratch, ("lmdb",))
    refusals = (
        (("rocksdb",), (), "This varve was installed without its component 'rocksdb'"),
        (("leveldb",), (), "varve has no component 'leveldb'"),
        (("lmdb",), ("-DCMAKE_DISABLE_FIND_PACKAGE_LMDB=ON",),
         "varve's component 'lmdb' needs LMDB"),
    )
    for number, (engines, arguments, sentence) in enumerate(refusals):
        code, told = configure(CONSUMER, scratch, f"refused{number}", listed(engines), *arguments,
                               f"-DCMAKE_PREFIX_PATH={prefix}", must=False)
        if code == 0 or sentence not in " ".join(told.split()):
            raise Failed(f"asked for {engines}, expected: {sentence}\n{told}")


@case
def system_rocksdb(scratch):
    """RocksDB's library is enough, where its own package lacks a compression library."""
    prefix = install(scratch, ("rocksdb",))
    told = configure(CONSUMER, scratch, "consumer", listed(("rocksdb",)),
                     f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON")
    if "Found RocksDB" not in told:
        raise Failed(told)


@case
def add_subdirectory(scratch):
    """The sources as a part of another project."""
    use(scratch, ENGINES, "-DCONSUMER_TAKES=add_subdirectory", f"-DVARVE_SOURCE={ROOT}")


@case
def fetch_content(scratch):
    """FetchContent, without engines: a project that adds varve gets none it did not ask for."""
    use(scratch, (), "-DCONSUMER_TAKES=FetchContent", f"-DFETCHCONTENT_SOURCE_DIR_VARVE={ROOT}")


@case
def downstream(scratch):
    """examples/downstream, over the installed package and over the sources."""
    prefix = install(scratch, ("lmdb",))
    copy = scratch / "elsewhere" / "examples" / "downstream"
    shutil.copytree(ROOT / "examples/downstream", copy)
    configure(copy, scratch, "installed", f"-DCMAKE_PREFIX_PATH={prefix}")
    configure(ROOT / "examples/downstream", scratch, "sources",
              "-DFETCHCONTENT_TRY_FIND_PACKAGE_MODE=NEVER")
    for name in ("installed", "sources"):
        told = build_and_run(scratch, name, "downstream")
        if "run 1 of this program" not in told:
            raise Failed(f"{name}: downstream says: {told}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", choices=CASES)
    args = parser.parse_args()
    os.environ.pop("CXXFLAGS", None)
    with tempfile.TemporaryDirectory(prefix="varve-package-") as scratch:
        try:
            CASES[args.case](pathlib.Path(scratch))
        except Failed as failed:
            sys.exit(f"{args.case}: {failed}")
    print(f"{args.case}: {' '.join(CASES[args.case].__doc__.split())}")


if __name__ == "__main__":
    main()
