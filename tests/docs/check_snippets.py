#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Code on pages is cut from files that are compiled, not typed twice.

On a page, `<!-- snippet: PATH NAME -->` stands before a ```cpp fence. What the fence holds must be
the lines between `// [NAME]` and `// [/NAME]` of PATH, less their common indentation. --update
writes them there.
"""
import argparse
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
SNIPPET = re.compile(
    r"<!-- snippet: (?P<path>\S+) (?P<name>\S+) -->\n+```cpp\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE)
MARK = re.compile(r"^<!-- snippet:", re.MULTILINE)
ANY_REGION = re.compile(r"^\s*// \[/?[\w-]+\]\n", re.MULTILINE)


class Wrong(Exception):
    pass


def region(path, name):
    source = ROOT / path
    if not source.is_file():
        raise Wrong(f"{path} is not there")
    found = re.search(
        rf"^[ \t]*// \[{re.escape(name)}\]\n(.*?)^[ \t]*// \[/{re.escape(name)}\]$",
        source.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    if not found:
        raise Wrong(f"{path} has no region '// [{name}]' ... '// [/{name}]'")
    return textwrap.dedent(ANY_REGION.sub("", found.group(1))).strip("\n") + "\n"


def pages():
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted((ROOT / "docs").rglob("*.md"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="write the snippets into the pages")
    args = parser.parse_args()

    wrong, checked = [], 0
    for page in pages():
        text = page.read_text(encoding="utf-8")
        name = page.relative_to(ROOT)
        matches = list(SNIPPET.finditer(text))
        if len(matches) != len(MARK.findall(text)):
            wrong.append(f"{name}: a '<!-- snippet: PATH NAME -->' is followed by no ```cpp fence")
        for match in reversed(matches):
            checked += 1
            try:
                code = region(match["path"], match["name"])
            except Wrong as error:
                wrong.append(f"{name}: {error}")
                continue
            if match["body"] == code:
                continue
            if args.update:
                text = text[:match.start("body")] + code + text[match.end("body"):]
            else:
                wrong.append(f"{name}: the snippet {match['name']} is not what {match['path']} "
                             "has: run tests/docs/check_snippets.py --update")
        if args.update:
            page.write_text(text, encoding="utf-8")
    for sentence in wrong:
        print(sentence)
    if wrong:
        sys.exit(1)
    print(f"{checked} snippets are what is compiled")


if __name__ == "__main__":
    main()
