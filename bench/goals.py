# SPDX-License-Identifier: Apache-2.0
"""The figures that the benchmarks are to reach, each as a ratio taken within one run.

A case is `<goal>/<case>` of the benchmarks' names; `of` and `to` are two of its candidates. Of
several candidates, `a|b`, the slowest counts; one of another case is `case/a`. `times` compares
speeds (how many times faster `of` is than `to`), `cost` compares times (what `of` takes where `to`
takes 1), `counter` is a counter of `of`, `counters` its ratio to that of `to`.
"""
import dataclasses
import typing


@dataclasses.dataclass(frozen=True)
class Goal:
    goal: str
    words: str
    case: str
    of: str
    to: str = ""
    kind: str = "cost"
    counter: str = ""
    at_most: typing.Optional[float] = None
    at_least: typing.Optional[float] = None

    def bound(self):
        return f"<= {self.at_most:g}" if self.at_most is not None else f">= {self.at_least:g}"

    def met(self, figure):
        return figure <= self.at_most if self.at_most is not None else figure >= self.at_least


GOALS = (
    Goal("1a", "three layers over raw RocksDB, instructions a get", "instructions", "rocksdb_get",
         kind="counter", counter="layers over raw", at_most=10),
    Goal("1a", "three layers over raw LMDB, instructions a get", "instructions", "lmdb_get",
         kind="counter", counter="layers over raw", at_most=10),
    Goal("1b", "LMDB get, to a raw renewed transaction", "lmdb_get_hot", "varve", "raw_renew",
         at_most=1.01),
    Goal("1b", "LMDB get, times faster than begin and abort", "lmdb_get_hot", "varve", "raw_begin",
         kind="times", at_least=1.15),
    Goal("1b", "the same, hot, on two threads", "lmdb_get_hot threads:2", "varve", "raw_begin",
         kind="times", at_least=1.9),
    Goal("1b", "RocksDB get, to a raw PinnableSlice", "rocksdb_get_hot", "varve",
         "raw_pinnable", at_most=1.01),
    Goal("1c", "multi_get of sorted neighbours on RocksDB, to a get, a key",
         "rocksdb_multi_get32_sorted", "varve", "varve_get", at_most=0.33),
    Goal("1d", "memory get, times faster than std::map", "get", "varve", "std_map", kind="times",
         at_least=6),
    Goal("1d", "the same without vector instructions", "get", "varve_scalar", "std_map",
         kind="times", at_least=4),
    Goal("1d", "memory get, times faster than absl::btree_map", "get", "varve", "absl_btree",
         kind="times", at_least=3),
    Goal("1d", "memory multi_get of 16, times faster than std::map", "multi_get16", "varve",
         "std_map", kind="times", at_least=20),
    Goal("1d", "memory scan, times faster than std::map", "scan", "varve", "std_map", kind="times",
         at_least=15),
    Goal("1d", "memory, bytes an entry above its payload", "bytes", "varve", kind="counter",
         counter="bytes_above_payload", at_most=64),
    Goal("2", "a hit of Cached, to a list with a hash table and a mutex", "hit_hot", "varve",
         "list_lru", at_most=0.30),
    Goal("2", "the same where each hit is another key", "hit_spread", "varve", "list_lru",
         at_most=0.30),
    Goal("2", "a hit of Cached, to RocksDB's HyperClockCache", "hit_hot", "varve",
         "rocksdb_hyper_clock", at_most=0.35),
    Goal("2", "hits on two threads, times one", "hit_hot threads:2", "varve", "hit_hot/varve",
         kind="times", at_least=1.8),
    Goal("2", "Cached, bytes an entry above its payload", "overhead", "varve", kind="counter",
         counter="bytes_above_payload", at_most=16),
    Goal("2", "Cached<RocksAdapter> on Zipf .99, times the engine", "zipf_rocksdb", "varve", "raw",
         kind="times", at_least=6),
    Goal("2", "Cached<LmdbAdapter> on Zipf .99, times the engine", "zipf_lmdb", "varve", "raw",
         kind="times", at_least=3.5),
    Goal("2", "the same over RocksDB, times a list in front of it", "zipf_rocksdb", "varve",
         "list_lru", kind="times", at_least=1.25),
    Goal("2", "the same over LMDB, times a list in front of it", "zipf_lmdb", "varve", "list_lru",
         kind="times", at_least=1.25),
    Goal("2", "hit rate, to Belady's optimum, mean over the traces below", "hit_rates", "varve",
         kind="counter", counter="mean_of_optimum", at_least=0.81),
    Goal("2", "the worst row against LRU, in points", "hit_rates", "varve", kind="counter",
         counter="least_points_above_lru", at_least=-5),
    Goal("3", "Wal<RocksAdapter>, durable commits, times RocksDB's, one thread", "durable_commit",
         "varve_rocksdb", "rocksdb_sync", kind="times", at_least=1.6),
    Goal("3", "the same with 16 threads", "durable_commit threads:16", "varve_rocksdb",
         "rocksdb_sync", kind="times", at_least=2.2),
    Goal("3", "the same with 64 threads", "durable_commit threads:64", "varve_rocksdb",
         "rocksdb_sync", kind="times", at_least=3.5),
    Goal("3", "one thread, to the serial limit of the disk", "durable_commit", "varve_rocksdb",
         "disk", kind="times", at_least=0.9),
    Goal("3", "Wal<Buffered<LmdbAdapter>>, times LMDB's commits, one thread", "durable_commit",
         "varve_lmdb", "lmdb_sync", kind="times", at_least=1.8),
    Goal("3", "the same with 16 threads", "durable_commit threads:16", "varve_lmdb", "lmdb_sync",
         kind="times", at_least=10),
    Goal("3", "batches of 100, times RocksDB's", "batch100", "varve_rocksdb", "rocksdb_sync",
         kind="times", at_least=4.5),
    Goal("3", "recovery, times a reopening of RocksDB", "recovery", "varve", "rocksdb_reopen",
         kind="times", at_least=20),
    Goal("3", "p99 of a commit in microseconds, to RocksDB's", "durable_commit", "varve_rocksdb",
         "rocksdb_sync", kind="counters", counter="p99_us", at_most=1),
    Goal("4", "encode of a packed reading, to MessagePack", "encode_reading", "packed",
         "msgpack", at_most=1),
    Goal("4", "encode of a packed reading, to FlatBuffers", "encode_reading", "packed",
         "flatbuffers", at_most=1),
    Goal("4", "decode of a packed reading, to MessagePack", "decode_reading", "packed",
         "msgpack", at_most=1),
    Goal("4", "decode of a packed reading, to FlatBuffers", "decode_reading", "packed",
         "flatbuffers", at_most=1),
    Goal("4", "a packed reading checked and two fields read, to FlatBuffers", "view_reading",
         "packed", "flatbuffers", at_most=0.25),
    Goal("4", "bytes of a packed reading, to MessagePack", "encode_reading", "packed", "msgpack",
         kind="counters", counter="bytes", at_most=1.1),
    Goal("4", "encode of a packed vertex, to MessagePack", "encode_vertex", "packed",
         "msgpack", at_most=1),
    Goal("4", "encode of a packed vertex, to FlatBuffers", "encode_vertex", "packed",
         "flatbuffers", at_most=1),
    Goal("4", "decode of a packed vertex, to MessagePack", "decode_vertex", "packed",
         "msgpack", at_most=1),
    Goal("4", "decode of a packed vertex, to FlatBuffers", "decode_vertex", "packed",
         "flatbuffers", at_most=1),
    Goal("4", "a packed vertex checked and two fields read, to FlatBuffers", "view_vertex",
         "packed", "flatbuffers", at_most=0.25),
    Goal("4", "bytes of a packed vertex, to MessagePack", "encode_vertex", "packed", "msgpack",
         kind="counters", counter="bytes", at_most=1.1),
    Goal("4", "encode of a packed order, to MessagePack", "encode_order", "packed",
         "msgpack", at_most=1),
    Goal("4", "encode of a packed order, to FlatBuffers", "encode_order", "packed",
         "flatbuffers", at_most=1),
    Goal("4", "decode of a packed order, to MessagePack", "decode_order", "packed",
         "msgpack", at_most=1),
    Goal("4", "decode of a packed order, to FlatBuffers", "decode_order", "packed",
         "flatbuffers", at_most=1),
    Goal("4", "a packed order checked and two fields read, to FlatBuffers", "view_order",
         "packed", "flatbuffers", at_most=0.25),
    Goal("4", "bytes of a packed order, to MessagePack", "encode_order", "packed", "msgpack",
         kind="counters", counter="bytes", at_most=1.1),
    Goal("4", "a packed reading checked and two fields read, to a copy", "view_reading",
         "packed", "memcpy", at_most=2),
    Goal("4", "an ordered key of text, to the same by hand", "key_text24", "ordered", "by_hand",
         at_most=1),
    Goal("5", "bulk load into RocksDB, times its WriteBatch, one thread", "rocksdb_bulk_load",
         "varve_1t", "raw_write_batch", kind="times", at_least=3.5),
    Goal("5", "the same with two threads", "rocksdb_bulk_load", "varve_2t", "raw_write_batch",
         kind="times", at_least=5.5),
    Goal("5", "bulk load into RocksDB, to the disk's sequential speed", "rocksdb_bulk_load",
         "varve_1t", "disk", kind="times", at_least=0.45),
    Goal("5", "unsorted input, times the WriteBatch", "unsorted_load", "varve", "write_batch",
         kind="times", at_least=2),
    Goal("5", "copy LMDB to RocksDB, to the load alone", "copy_lmdb_rocksdb", "varve",
         "load_alone", kind="times", at_least=0.95),
    Goal("5", "copy RocksDB to LMDB, times the naive loop", "copy_rocksdb_lmdb", "varve", "naive",
         kind="times", at_least=1.7),
    Goal("5", "copy RocksDB to LMDB, to the slower of scan and load", "copy_rocksdb_lmdb", "varve",
         "scan_alone|load_alone", kind="times", at_least=0.8),
    Goal("5", "copy LMDB to LMDB, to mdb_env_copy2", "copy_lmdb_lmdb", "varve", "mdb_env_copy2",
         kind="times", at_least=0.95),
    Goal("5", "copy RocksDB to RocksDB, to a copy of its files", "copy_rocksdb_rocksdb", "varve",
         "file_copy", kind="times", at_least=0.95),
    Goal("6", "the contract, seconds", "compile_time", "varve/concepts/concepts.hpp",
         kind="counter", counter="seconds", at_most=0.25),
    Goal("6", "the RocksDB adapter, seconds over the engine's headers", "compile_time",
         "varve/adapters/rocksdb.hpp", kind="counter", counter="over engine", at_most=0.15),
    Goal("6", "the LMDB adapter, seconds over the engine's headers", "compile_time",
         "varve/adapters/lmdb.hpp", kind="counter", counter="over engine", at_most=0.15),
    Goal("6", "a whole stack on RocksDB, seconds", "compile_time", "whole stack on rocksdb",
         kind="counter", counter="seconds", at_most=1.4),
    Goal("6", "one layer more, milliseconds", "compile_time", "one layer more", kind="counter",
         counter="milliseconds", at_most=5),
)
