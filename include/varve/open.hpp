// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/authority.hpp>
#include <varve/io/posix_file_system.hpp>
#include <varve/stack.hpp>
#include <varve/stack_record.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace varve {

namespace detail {

template <class Part, class Options>
concept TakesOptions = std::same_as<typename Part::Options, Options>;

template <class Part, class FS>
concept TakesFileSystem = std::same_as<typename Part::FileSystem, FS>;

template <class Stack, class Options>
consteval bool takes_options() {
  bool taken = false;
  for_each_component<Stack>([&]<class Part>() {
    taken = taken || TakesOptions<Part, Options> || TakesFileSystem<Part, Options>;
  });
  return taken;
}

/// The file system of the first part of `Components` that names one; else that of POSIX.
template <class List>
struct FileSystemIn {
  using type = PosixFileSystem;
};
template <class Part, class... Parts>
struct FileSystemIn<Components<Part, Parts...>> : FileSystemIn<Components<Parts...>> {};
template <class Part, class... Parts>
  requires requires { typename Part::FileSystem; }
struct FileSystemIn<Components<Part, Parts...>> {
  using type = typename Part::FileSystem;
};

template <class Stack>
using file_system_t = typename FileSystemIn<components_t<Stack>>::type;

/// Whether every part of `Stack` that names a file system names the same.
template <class Stack>
consteval bool agrees_on_file_system() {
  bool agrees = true;
  for_each_component<Stack>([&]<class Part>() {
    if constexpr (requires { typename Part::FileSystem; }) {
      agrees = agrees && std::same_as<typename Part::FileSystem, file_system_t<Stack>>;
    }
  });
  return agrees;
}

template <class Option, class... Options>
inline constexpr std::size_t times_given =
    (std::size_t{0} + ... + (std::same_as<Option, Options> ? 1 : 0));

/// Given to a stack that is opened to be looked at.
struct PlanOnly {};

template <class Part>
struct OptionsOf {
  using type = std::tuple<>;
};
template <class Part>
  requires requires { typename Part::Options; }
struct OptionsOf<Part> {
  using type = typename Part::Options;
};

}  // namespace detail

/// What `open` hands down a stack while it is built: the directory and the options. A layer passes
/// it on to its base and asks it for its own options.
template <class Stack, class... Options>
class OpenContext {
 public:
  explicit OpenContext(std::string directory, Options... options)
      : directory_(std::move(directory)), options_(std::move(options)...) {}

  OpenContext(const OpenContext&) = delete;
  OpenContext& operator=(const OpenContext&) = delete;

  /// The store's directory; empty where the stack needs none.
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

  /// The options of type `O` that were given, or the defaults.
  template <class O>
  [[nodiscard]] O options() const {
    if constexpr (detail::times_given<O, Options...> == 1) {
      return std::get<O>(options_);
    } else {
      return O{};
    }
  }

  /// Whether options of type `O` were given.
  template <class O>
  [[nodiscard]] static consteval bool given() noexcept {
    return detail::times_given<O, Options...> == 1;
  }

  /// Whether the directory holds a store.
  [[nodiscard]] bool has_store() const {
    auto files = file_system<Files>();
    return files.exists(directory_ + "/" + detail::authority_file);
  }

  /// The file system of type `FS` that was given to `open`, or a fresh one.
  template <class FS>
  [[nodiscard]] FS file_system() const {
    return options<FS>();
  }

  /// Builds a part of the stack in place.
  template <class Part>
  [[nodiscard]] Part build() {
    if constexpr (detail::LayerShape<Part>) {
      return Part(*this);
    } else {
      return build_engine<Part>();
    }
  }

  /// Called when a part of the stack is there and nothing above it is.
  template <class Part>
  void built(Part& part) {
    if constexpr (!detail::LayerShape<Part>) {
      if (needs_directory<Stack> && !authority_) {
        auto files = file_system<Files>();
        write_authority(files, directory_, new_authority(BytesView(Part::name)));
      }
      if constexpr (!below_log || !VolatileEngine<Part>) check_stack<Stack>(part, false, looks);
    }
  }

  /// Called by a layer that has brought back what the engine below it had not kept: the record of
  /// the stack, as it was left, may only now be there.
  template <class Part>
  void brought_back(Part& part) {
    check_stack<Stack>(part, false, looks);
  }

  /// Called by a layer that checks the data itself before it leaves its mark, when it has.
  template <class Part>
  void checked(Part& part) {
    check_stack<Stack>(part, true);
  }

 private:
  using Files = detail::file_system_t<Stack>;

  /// Whether the store is opened to be looked at.
  static constexpr bool looks = detail::times_given<detail::PlanOnly, Options...> == 1;

  /// Whether a layer that keeps a log stands above the engine.
  static constexpr bool below_log = detail::count_role<Stack>(Role::logs) != 0;

  template <class Engine>
  [[nodiscard]] auto engine_options() const {
    using O = typename detail::OptionsOf<Engine>::type;
    O given = options<O>();
    if constexpr (below_log && requires { given.stand_below_log(); }) {
      given.stand_below_log();
    }
    return given;
  }

  template <class Engine>
  [[nodiscard]] Engine build_engine() {
    using O = typename detail::OptionsOf<Engine>::type;
    const O given = engine_options<Engine>();
    if constexpr (needs_directory<Stack>) claim_directory(BytesView(Engine::name));
    if constexpr (std::is_constructible_v<Engine, const std::string&, O>) {
      return Engine(directory_ + "/" + std::string(BytesView(Engine::name)), given);
    } else if constexpr (std::is_constructible_v<Engine, const std::string&>) {
      return Engine(directory_ + "/" + std::string(BytesView(Engine::name)));
    } else if constexpr (std::is_constructible_v<Engine, O>) {
      return Engine(given);
    } else {
      return Engine();
    }
  }

  /// Refuses a directory that another engine holds, or that is no store and not empty.
  void claim_directory(BytesView engine) {
    auto files = file_system<Files>();
    if (!files.exists(directory_ + "/" + detail::authority_file)) {
      make_directory(files, directory_);
    }
    files.create_directory(directory_);  // for its mode, or for the words where it cannot be
    authority_ = read_authority(files, directory_);
    if (authority_ && authority_->engine != engine) {
      throw Error(
          ErrorKind::stack_mismatch,
          {.message = "the store '" + directory_ + "' is held by the engine '" +
                      authority_->engine + "' and this program opens it with '" +
                      std::string(engine) + "': use that engine, or copy the store into a new one",
           .operation = "open",
           .layer = "store"});
    }
    if (authority_ || files.exists(directory_ + "/" + std::string(engine))) return;
    for (const std::string& name : files.list(directory_)) {
      if (name == "lost+found" || name == std::string(detail::authority_file) + ".new") continue;
      throw Error(ErrorKind::invalid_argument,
                  {.message = "'" + directory_ + "' is not empty (it has '" + name +
                              "') and is no store of this toolkit: name a new directory; to take "
                              "over files that another program made with the same engine, move "
                              "them to '" +
                              directory_ + "/" + std::string(engine) + "'",
                   .operation = "open",
                   .layer = "store"});
    }
  }

  std::string directory_;
  std::tuple<Options...> options_;
  std::optional<Authority> authority_;
};

namespace detail {

template <class Stack, class... Options>
consteval bool assert_options() {
  static_assert(agrees_on_file_system<Stack>(),
                "two layers of the stack name different file systems: give both the same");
  static_assert((takes_options<Stack, Options>() && ...),
                "an option given to open belongs to no layer of the stack: each is the Options "
                "type of one of its parts");
  static_assert(((times_given<Options, Options...> == 1) && ...),
                "an option is given to open twice: join the two");
  return true;
}

template <class Stack, class... Options>
[[nodiscard]] Stack build_stack(std::string directory, Options... options) {
  OpenContext<Stack, Options...> context(std::move(directory), std::move(options)...);
  if constexpr (LayerShape<Stack>) {
    return Stack(context);
  } else {
    static_assert(std::move_constructible<Stack>,
                  "an engine that cannot be moved is opened below a layer, or built in place by "
                  "its own constructor");
    Stack engine = context.template build<Stack>();
    context.built(engine);
    return engine;
  }
}

}  // namespace detail

/// Opens the store in `directory`, or makes it, with `Stack` as its engine. The options are the
/// `Options` aggregates of the stack's parts, in any order, and the file system of a part that is
/// parameterised by one; what is not given has its defaults.
/// Everything the stack keeps lies below the directory (docs/formats/store-directory.md).
///
/// Errors: `busy` where another process, or this one, has it open, naming the holder;
/// `stack_mismatch` where other layers or another engine wrote it, saying what differs;
/// `read_only`, `io`, `no_space` of the file system; `corruption`. Nothing is changed before the
/// checks pass.
template <class Stack, std::convertible_to<std::string> Directory, class... Options>
[[nodiscard]] Stack open(const Directory& directory, Options... options) {
  static_assert(assert_stack<Stack>());
  static_assert(detail::assert_options<Stack, Options...>());
  std::string path = directory;
  if (path.empty()) {
    throw Error(
        ErrorKind::invalid_argument,
        {.message = "the directory's name is empty", .operation = "open", .layer = "store"});
  }
  return detail::build_stack<Stack>(std::move(path), std::move(options)...);
}

/// Opens a stack that keeps no files: its contents live as long as it does.
template <class Stack, class... Options>
  requires((!std::convertible_to<Options, std::string>) && ...)
[[nodiscard]] Stack open(Options... options) {
  static_assert(assert_stack<Stack>());
  static_assert(detail::assert_options<Stack, Options...>());
  static_assert(!needs_directory<Stack>,
                "this stack keeps files: give open the directory of the store first");
  return detail::build_stack<Stack>(std::string(), std::move(options)...);
}

}  // namespace varve
