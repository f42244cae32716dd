// SPDX-License-Identifier: Apache-2.0
// expect-error: a Codec is a stateless type: no members, default constructible
// expect-error: a Codec has `static constexpr BytesView name`
// expect-error: a CodecFor<T> has static identity<T>() that names the layout
// expect-error: a CodecFor<T> has static encode(const T&, sink) that appends to the sink
// expect-error: a CodecFor<T> has static decode<T>(BytesView) that returns T
#include "concepts/archetypes.hpp"

using namespace varve;
using namespace varve::archetypes;

#ifdef CONTROL
static_assert(assert_codec_for<Text, std::string>());
#else
static_assert(assert_codec_for<StatefulText, std::string>());
static_assert(assert_codec_for<NamelessText, std::string>());
static_assert(assert_codec_for<AnonymousText, std::string>());
static_assert(assert_codec_for<Text, int>());
static_assert(assert_codec_for<WriteOnlyText, std::string>());
#endif
