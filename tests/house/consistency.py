#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CMake, the Conan recipe and the vcpkg port must name the same version, engines and targets."""
import ast
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def recipe_class():
    tree = ast.parse(read("conanfile.py"))
    return next(node for node in tree.body if isinstance(node, ast.ClassDef))


def recipe_attribute(name):
    for node in recipe_class().body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    sys.exit(f"conanfile.py: has no attribute {name}")


def recipe_version():
    """The version that the recipe's own pattern finds in CMakeLists.txt."""
    pattern = re.search(r're\.search\(r"(.+?)", cmake', read("conanfile.py"))
    if not pattern:
        sys.exit("conanfile.py: set_version does not look the version up in CMakeLists.txt")
    found = re.search(pattern.group(1), read("CMakeLists.txt"), re.MULTILINE)
    return found.group(1) if found else None


def main():
    wrong = []

    def same(what, **answers):
        if len({repr(answer) for answer in answers.values()}) != 1:
            wrong.append(f"{what}: " + ", ".join(f"{who} says {it}" for who, it in answers.items()))

    cmake = read("CMakeLists.txt")
    port = json.loads(read("port/vcpkg.json"))
    portfile = read("port/portfile.cmake")
    recipe = read("conanfile.py")

    same("name",
         cmake=re.search(r"project\(\s*(\w+)", cmake).group(1),
         conan=recipe_attribute("name"), vcpkg=port["name"])
    same("version",
         cmake=re.search(r"project\([^)]*?VERSION ([\d.]+)", cmake, re.DOTALL).group(1),
         conan=recipe_version(), vcpkg=port["version"])
    same("description",
         cmake=re.search(r'DESCRIPTION "(.+)"', cmake).group(1),
         conan=recipe_attribute("description"), vcpkg=port["description"])
    same("licence", conan=recipe_attribute("license"), vcpkg=port["license"], page="Apache-2.0")
    same("engines",
         cmake=sorted(name.lower() for name in re.findall(r"option\(VARVE_WITH_(\w+)", cmake)),
         config=sorted(
             re.findall(r"set\(varve_engine_(\w+) ", read("cmake/varve-config.cmake.in"))),
         conan=sorted(name.removeprefix("with_") for name in recipe_attribute("options")),
         recipe=sorted(set(re.findall(r"self\.options\.with_(\w+)", recipe))),
         vcpkg=sorted(port["features"]),
         portfile=sorted(re.findall(r"^ +(\w+) VARVE_WITH_\w+", portfile, re.MULTILINE)))
    same("targets",
         cmake=sorted(re.findall(r"^ *NAME (\w+)$", "".join(
             read(f"{root}/CMakeLists.txt") for root in ("concepts", "include", "adapters")),
             re.MULTILINE)),
         conan=sorted(re.findall(r'self\._component\("(\w+)"', recipe)))
    same("parts that packages leave out",
         cmake=sorted(re.findall(r"option\(VARVE_BUILD_(\w+)", cmake)),
         portfile=sorted(re.findall(r"-DVARVE_BUILD_(\w+)=OFF", portfile)),
         conan=sorted(ast.literal_eval(re.search(r"for part in (\(.+?\))", recipe).group(1))))
    if set(recipe_attribute("default_options").values()) != {False} or "default-features" in port:
        wrong.append("engines: a package brings an engine only to who asks for it")
    for name in ("conanfile.py", "test_package/conanfile.py"):
        compile(read(name), name, "exec")
    for feature in port["features"]:
        if not re.search(rf"find_package\(varve .*COMPONENTS.* {feature}\b", read("port/usage")):
            wrong.append(f"port/usage: does not show the component {feature}")

    for sentence in wrong:
        print(sentence)
    if wrong:
        sys.exit(1)
    print("CMake, recipe and port agree")


if __name__ == "__main__":
    main()
