#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What varve's headers cost to compile, as ratios to what their user pays anyway.

Ratios, because seconds depend on the machine; of processor time, the least of interleaved rounds,
because it is busy. Without a compiler cache, optimised, as a user compiles.
"""
import argparse
import json
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDES = [f"-I{ROOT / root}" for root in ("concepts", "include", "adapters")]

STANDARD = ("string_view", "span", "string", "vector", "optional", "concepts", "atomic", "iterator")


def lines(*headers):
    return "".join(f"#include <{header}>\n" for header in headers)


def stack(layers, engine):
    """A program that opens `engine` under so many pass-through layers, and uses it once."""
    open_angle = "".join(f"Pass<{number}>::Over<" for number in range(layers))
    return (lines("varve/open.hpp", f"varve/adapters/{engine}.hpp") + """
template <int Number>
struct Pass {
  template <varve::KvEngine Next>
  class Over : public varve::Layer<
                   Next, varve::Forwards<varve::Group::reads, varve::Group::scans,
                                         varve::Group::snapshots, varve::Group::writes,
                                         varve::Group::bulk, varve::Group::transactions,
                                         varve::Group::trees, varve::Group::maintenance,
                                         varve::Group::checkpoints, varve::Group::tail>> {
   public:
    static constexpr char text[] = {'p', 'a', 's', 's', '0' + Number, '\\0'};
    static constexpr varve::BytesView name = text;
    template <class Context>
    explicit Over(Context& context) : Over::Layer(context) {}
  };
};
""" + f"using Store = {open_angle}varve::{ADAPTERS[engine]}{' >' * layers};\n" + """
int main() {
  auto store = varve::open<Store>("data");
  const varve::Tree tree = store.open_tree("tree");
  store.write(varve::WriteBatch().put(tree, "key", "value"));
  return store.contains(tree, "key") ? 0 : 1;
}
""")


ADAPTERS = {"memory": "MemoryAdapter", "rocksdb": "RocksAdapter", "lmdb": "LmdbAdapter"}


def chain(steps):
    """A program that reads records of the oldest version as the newest, so many steps later."""
    return lines("varve/codecs/packed.hpp", "varve/migrations/evolving.hpp", "cstddef", "cstdint",
                 "utility") + f"""
        template <std::uint32_t n> struct Record {{ std::uint64_t value = 0, at = n; }};
        using Records = varve::RecordTree<"records", std::uint64_t>;
        template <std::uint32_t n> struct Grow : varve::Step<n, n + 1> {{
          static constexpr auto description = "one more";
          using Tree = Records;
          using In = Record<n>;
          using Out = Record<n + 1>;
          static Out convert(const In& record) {{ return {{record.value + n, n + 1}}; }}
          static In invert(const Out& record) {{ return {{record.value - n, n}}; }}
        }};
        template <class List> struct Long;
        template <std::size_t... i> struct Long<std::index_sequence<i...>> {{
          using type = varve::MigrationChain<Grow<std::uint32_t(i + 1)>...>;
        }};
        using Chain = Long<std::make_index_sequence<{steps}>>::type;
        std::uint64_t use(varve::BytesView bytes) {{
          return varve::Evolving<Chain, Records>::decode<Record<{steps + 1}>>(bytes).value;
        }}
    """


def sources():
    """The measured translation units by name; those of engines that are not there are left out."""
    units = {
        "standard headers": lines(*STANDARD),
        "varve/concepts/concepts.hpp": lines("varve/concepts/concepts.hpp"),
        "varve/open.hpp": lines("varve/open.hpp"),
        "rocksdb/db.h and cache, filter, table": lines(
            "rocksdb/db.h", "rocksdb/cache.h", "rocksdb/filter_policy.h", "rocksdb/table.h"),
        "lmdb.h and standard headers": lines("lmdb.h", *STANDARD),
        "varve/adapters/memory.hpp": lines("varve/adapters/memory.hpp"),
        "varve/adapters/rocksdb.hpp": lines("varve/adapters/rocksdb.hpp"),
        "varve/adapters/lmdb.hpp": lines("varve/adapters/lmdb.hpp"),
        "whole stack on rocksdb": stack(3, "rocksdb"),
        "stack on memory, 1 layer": stack(1, "memory"),
        "stack on memory, 9 layers": stack(9, "memory"),
        "chain of 5 steps": chain(5),
        "chain of 50 steps": chain(50),
    }
    return {name: text for name, text in units.items() if everything_is_there(text)}


def everything_is_there(text):
    run = subprocess.run(["g++", "-std=c++20", *INCLUDES, "-M", "-x", "c++", "-"],
                         input=text, capture_output=True, text=True, check=False)
    if run.returncode == 0:
        return True
    missing = re.search(r"fatal error: (\S+): No such file", run.stderr)
    if not missing:
        sys.exit(run.stderr)
    print(f"left out: what needs <{missing.group(1)}>")
    return False


def measure(compiler, units, rounds):
    """Seconds of processor time for each unit, the least of interleaved rounds."""
    taken = {name: [] for name in units}
    with tempfile.TemporaryDirectory() as directory:
        for number, text in enumerate(units.values()):
            (pathlib.Path(directory) / f"{number}.cpp").write_text(text, encoding="utf-8")
        for _ in range(rounds):
            for number, name in enumerate(units):
                command = [compiler, "-std=c++20", "-O2", *INCLUDES, "-c", f"{number}.cpp",
                           "-o", "/dev/null"]
                before = children_seconds()
                run = subprocess.run(command, cwd=directory, capture_output=True, text=True,
                                     check=False)
                if run.returncode != 0:
                    sys.exit(f"{name}:\n{run.stderr}")
                taken[name].append(children_seconds() - before)
    return {name: min(times) for name, times in taken.items()}


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


# A unit, what it is compared with, the largest ratio allowed, and what it stands for. The ratios
# trip over a header that grows by a third; the goals themselves are in bench/goals.py.
BUDGETS = (
    ("varve/concepts/concepts.hpp", "standard headers", 1.3, "the contract"),
    ("varve/adapters/rocksdb.hpp", "rocksdb/db.h and cache, filter, table", 1.7, "one adapter"),
    ("varve/adapters/lmdb.hpp", "lmdb.h and standard headers", 4.0, "one adapter"),
    ("whole stack on rocksdb", "rocksdb/db.h and cache, filter, table", 6.0, "a whole stack"),
    ("chain of 50 steps", "chain of 5 steps", 2.6, "a schema of many years"),
)
LAYER_BUDGET = 0.2  # of the standard headers' seconds, for each layer more


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--json", type=pathlib.Path, help="write the seconds there as well")
    args = parser.parse_args()

    units = sources()
    seconds = measure(args.compiler, units, args.rounds)
    for name, taken in seconds.items():
        print(f"{taken:8.3f} s  {name}")
    if args.json:
        args.json.write_text(json.dumps(seconds, indent=2) + "\n", encoding="utf-8")

    failed = False
    for name, base, limit, what in BUDGETS:
        if name not in seconds or base not in seconds:
            continue
        ratio = seconds[name] / seconds[base]
        failed |= ratio > limit
        print(f"{'OVER' if ratio > limit else 'ok':4} {what}: {name} / {base} = {ratio:.2f}, "
              f"at most {limit}")
    if "stack on memory, 9 layers" in seconds:
        layer = (seconds["stack on memory, 9 layers"] - seconds["stack on memory, 1 layer"]) / 8
        ratio = layer / seconds["standard headers"]
        failed |= ratio > LAYER_BUDGET
        print(f"{'OVER' if ratio > LAYER_BUDGET else 'ok':4} one layer more: "
              f"{1000 * layer:.1f} ms, {ratio:.3f} of the standard headers, at most {LAYER_BUDGET}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
