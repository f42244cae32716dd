// SPDX-License-Identifier: Apache-2.0
// expect-error: a FileSystem has open(path, OpenMode) that returns a FileHandle
// expect-error: a FileSystem has lock(path) that returns the held lock
// expect-error: a FileSystem has exists, rename, remove and list
// expect-error: a FileSystem has create_directory and sync_directory
// expect-error: a FileSystem has free_bytes(path)
#include "concepts/archetypes.hpp"

using namespace varve;
using namespace varve::archetypes;

#ifdef CONTROL
static_assert(assert_file_system<Files>());
#else
static_assert(assert_file_system<FilesOfUnsynced>());
static_assert(assert_file_system<FilesThatLockNothing>());
static_assert(assert_file_system<FilesThatCannotRename>());
static_assert(assert_file_system<FilesThatNeverSync>());
static_assert(assert_file_system<FilesWithoutEnd>());
#endif
