#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every law that the conformance kit runs stands, to the letter, on one page of docs/concepts.

On a page a law is a list item `- **KV1.** Sentence.`; lines may be broken anywhere.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
KIT = ROOT / "include/varve/testing"
IN_CODE = re.compile(r'\{?\s*"([A-Z]{1,2}\d+)",\s*((?:"[^"]*"\s*)+)')
ON_PAGE = re.compile(
    r"^- \*\*([A-Z]{1,2}\d+)\.\*\* (.*?)(?=^- |^$|^#|\Z)", re.DOTALL | re.MULTILINE)


def plain(text):
    return " ".join(text.replace("`", "").split())


def laws_in_code():
    laws = {}
    for path in (KIT / "laws.hpp", KIT / "threaded_laws.hpp", KIT / "codec_laws.hpp"):
        if not path.is_file():
            continue
        for number, strings in IN_CODE.findall(path.read_text(encoding="utf-8")):
            laws[number] = plain("".join(re.findall(r'"([^"]*)"', strings)))
    return laws


def main():
    laws = laws_in_code()
    wrong = [] if len(laws) >= 35 else [f"only {len(laws)} laws were found in the kit"]
    seen = {}
    for page in sorted((ROOT / "docs/concepts").glob("*.md")):
        for number, sentence in ON_PAGE.findall(page.read_text(encoding="utf-8")):
            if number in seen:
                wrong.append(f"{number} stands on {seen[number]} and on {page.name}")
            seen[number] = page.name
            if number not in laws:
                wrong.append(f"{page.name}: {number} is no law of the kit")
            elif plain(sentence) != laws[number]:
                wrong.append(f"{page.name}: {number} reads\n  {plain(sentence)}\nand in the kit\n  "
                             f"{laws[number]}")
    missing = [number for number in laws if number not in seen]
    wrong += [f"{number} stands on no page: {laws[number]}" for number in missing]
    for sentence in wrong:
        print(sentence)
    print(f"{len(laws)} laws, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
