// SPDX-License-Identifier: Apache-2.0
// expect-error: a FileSystem has open(path, OpenMode) that returns a FileHandle
// expect-error: a FileSystem has lock(path) that returns the held lock
#include "concepts/archetypes.hpp"

using namespace varve;
using namespace varve::archetypes;

#ifdef CONTROL
static_assert(assert_file_system<Files>());
#else
static_assert(assert_file_system<FilesOfUnsynced>());
static_assert(assert_file_system<FilesThatLockNothing>());
#endif
