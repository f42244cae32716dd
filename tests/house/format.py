#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every C++ file is as clang-format-16 lays it out under .clang-format. --update does so."""
import argparse
import shutil
import subprocess
import sys

import style


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="format the files")
    args = parser.parse_args()
    if not shutil.which("clang-format-16"):
        print("SKIPPED: clang-format-16 is not here, so the format was NOT checked")
        sys.exit(77)
    names = [name for name in style.files() if name.endswith((".hpp", ".cpp"))]
    mode = ["-i"] if args.update else ["--dry-run", "-Werror"]
    run = subprocess.run(["clang-format-16", *mode, *names], cwd=style.ROOT, check=False)
    sys.exit(run.returncode)


if __name__ == "__main__":
    main()
