// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/protobuf.hpp>

#include "fuzz/fuzz.hpp"

#include "person.pb.h"

void fuzz(varve::BytesView input) {
  static const google::protobuf::LogSilencer silence;
  varve_test::fuzz_many_spellings<varve::Protobuf, samples::Person>(input);
}
