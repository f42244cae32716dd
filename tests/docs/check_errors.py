#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every error that migrations throw stands on docs/guide/migration-errors.md, with the words up to
the first part of its message that is not a literal, eight at most."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = "docs/guide/migration-errors.md"
WORDS = 8
LITERAL = r'"(?:[^"\\]|\\.)*"'
BEGIN = r"(?:\.message =|\.words =|refuse_wish\(|refuse_(?:repair|height)\(ErrorKind::\w+,)"
MESSAGE = re.compile(rf"{BEGIN}\s*((?:{LITERAL}\s*)+)")


def first_words(literals):
    text = "".join(part[1:-1] for part in re.findall(LITERAL, literals))
    return " ".join(text.split()[:WORDS]).rstrip("'( ")


def main():
    page = " ".join((ROOT / PAGE).read_text(encoding="utf-8").split())
    found = []
    for path in [*sorted((ROOT / "include/varve/migrations").rglob("*.hpp")),
                 ROOT / "include/varve/layers/migrated.hpp"]:
        found += [(path.relative_to(ROOT), first_words(literals))
                  for literals in MESSAGE.findall(path.read_text(encoding="utf-8"))]
    wrong = [f"{path}: '{words}' is not on {PAGE}" for path, words in found if words not in page]
    if len(found) < 25:
        wrong.append(f"only {len(found)} messages were found in the headers")
    for sentence in wrong:
        print(sentence)
    print(f"{len(found)} messages, {len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
