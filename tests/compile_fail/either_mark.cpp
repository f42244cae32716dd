// SPDX-License-Identifier: Apache-2.0
// expect-error: a record of the old codec may begin with the mark of the new one
#include <varve/codecs/document.hpp>
#include <varve/codecs/either.hpp>
#include <varve/document.hpp>

using namespace varve;

#ifdef CONTROL
using Codec = Either<DocumentCodec, DocumentCodec>;
#else
using Codec = Either<DocumentCodec, DocumentCodec, detail::OwnProbe, 0x40>;
#endif

int main() {
  return Codec::decode<Document>("").is_null();
}
