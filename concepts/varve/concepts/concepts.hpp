// SPDX-License-Identifier: Apache-2.0
#pragma once

// Everything that the author of an adapter or of a layer has to read.
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/codec.hpp>
#include <varve/concepts/durability.hpp>
#include <varve/concepts/entry.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>
#include <varve/concepts/hasher.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/concepts/kv_reader.hpp>
#include <varve/concepts/layer.hpp>
#include <varve/concepts/limits.hpp>
#include <varve/concepts/migration.hpp>
#include <varve/concepts/order.hpp>
#include <varve/concepts/refinements.hpp>
#include <varve/concepts/scan.hpp>
#include <varve/concepts/tree.hpp>
#include <varve/concepts/write_batch.hpp>
