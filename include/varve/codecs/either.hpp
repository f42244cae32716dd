// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/probe.hpp>
#include <varve/concepts/codec.hpp>
#include <varve/concepts/error.hpp>

#include <optional>
#include <string>

namespace varve {

/// Reads records of two codecs side by side and writes the new one, for moving a store from one
/// serializer to another while it runs. A record of `New` has the byte `mark` in front; one of
/// `Old` stays as it was. docs/formats/versions.md.
///
/// `Probe` tells the records of `Old`; without one, `Old` says which bytes its records begin with.
/// `Versions` does the same for several types of a record, and can be `New`.
template <Codec New, Codec Old, class Probe = detail::OwnProbe, unsigned char mark = 0xff>
struct Either {
  static constexpr BytesView name = "either";

 private:
  template <class T>
  static constexpr bool is_probed_whole = !detail::UntaggedRecords<Old, T, Probe>::by_first_byte;

  [[noreturn]] static void refuse(ErrorKind kind, const char* operation, const char* message) {
    throw Error(kind, {.message = message, .operation = operation, .layer = "either"});
  }

  template <class T>
  static bool is_old(BytesView bytes) {
    using Records = detail::UntaggedRecords<Old, T, Probe>;
    static_assert(!Records::by_first_byte || !Records::may_begin_with(mark),
                  "a record of the old codec may begin with the mark of the new one: name another "
                  "mark, as in Either<New, Old, FirstByte<'{'>, 0xc1>");
    if (Records::recognises(bytes)) return true;
    if (!bytes.empty() && static_cast<unsigned char>(bytes.front()) == mark) return false;
    refuse(ErrorKind::corruption, "decode",
           "the record begins neither as one of the old codec nor with the mark of the new one");
  }

 public:
  template <class T>
    requires CodecFor<New, T> && CodecFor<Old, T>
  static void encode(const T& value, ByteSink auto& sink) {
    static constexpr char mark_byte = static_cast<char>(mark);
    if constexpr (is_probed_whole<T>) {
      std::string bytes(1, mark_byte);
      New::encode(value, bytes);
      if (is_old<T>(bytes)) {
        refuse(ErrorKind::invalid_argument, "encode",
               "the probe takes the bytes of this value for a record of the old codec, so it could "
               "not be read again: give a probe that recognises old records alone");
      }
      sink.append(BytesView(bytes));
    } else {
      sink.append(BytesView(&mark_byte, 1));
      New::encode(value, sink);
    }
  }

  template <class T>
    requires CodecFor<New, T> && CodecFor<Old, T>
  [[nodiscard]] static T decode(BytesView bytes) {
    if (is_old<T>(bytes)) return Old::template decode<T>(bytes);
    return New::template decode<T>(bytes.substr(1));
  }

  /// The fields in place of a record of the new codec; nothing of an old one, which has to be
  /// decoded.
  template <class T>
    requires ViewCodecFor<New, T> && CodecFor<Old, T>
  [[nodiscard]] static auto view(BytesView bytes) {
    using View = decltype(New::template view<T>(bytes));
    if (is_old<T>(bytes)) return std::optional<View>();
    return std::optional<View>(New::template view<T>(bytes.substr(1)));
  }

  /// Whether the record is one of the new codec, as it would be written.
  template <class T>
    requires CodecFor<New, T> && CodecFor<Old, T>
  [[nodiscard]] static bool is_current(BytesView bytes) {
    using Records = detail::UntaggedRecords<Old, T, Probe>;
    if (bytes.empty() || static_cast<unsigned char>(bytes.front()) != mark) return false;
    if (Records::recognises(bytes)) return false;
    if constexpr (LenientCodecFor<New, T>) return New::template is_current<T>(bytes.substr(1));
    return true;
  }

  /// Names both codecs and what they call the type.
  template <class T>
    requires CodecFor<New, T> && CodecFor<Old, T>
  [[nodiscard]] static BytesView identity() {
    static const std::string text = std::string(BytesView(New::name)) + " " +
                                    std::string(BytesView(New::template identity<T>())) +
                                    ", once " + std::string(BytesView(Old::name)) + " " +
                                    std::string(BytesView(Old::template identity<T>()));
    return text;
  }

  /// Errors: `schema_diverged`, or what `Old` says, where records that were written under this name
  /// and identity are neither of `Old` nor of this codec.
  template <class T>
    requires CodecFor<New, T> && CodecFor<Old, T>
  static void check_stored(BytesView codec, BytesView stored) {
    if (codec == name && stored == identity<T>()) return;
    if (codec == BytesView(Old::name)) {
      if (stored == BytesView(Old::template identity<T>())) return;
      if constexpr (EvolvingCodecFor<Old, T>) return Old::template check_stored<T>(codec, stored);
    }
    throw Error(
        ErrorKind::schema_diverged,
        {.message = "the records were written by the codec '" + std::string(codec) + "' as '" +
                    std::string(stored) + "', which is not the old codec of this program",
         .operation = "open",
         .layer = "either"});
  }

  /// Which bytes a record may begin with, for the codecs that have to tell it from others.
  template <class T>
    requires detail::UntaggedRecords<Old, T, Probe>::by_first_byte
  [[nodiscard]] static constexpr bool may_begin_with(unsigned char byte) noexcept {
    return byte == mark || detail::UntaggedRecords<Old, T, Probe>::may_begin_with(byte);
  }
};

}  // namespace varve
