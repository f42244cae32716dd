# SPDX-License-Identifier: Apache-2.0
#
# The libraries of the codecs for formats that exist elsewhere. Nothing that is installed depends on
# them: they are looked for where tests, examples or benchmarks may use them, and what needs one
# that is not here is left out, with a word.

find_package(nlohmann_json 3.9 QUIET)
find_package(FlatBuffers NAMES FlatBuffers Flatbuffers flatbuffers QUIET)
find_package(Protobuf QUIET)
find_package(cereal QUIET)
