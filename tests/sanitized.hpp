// SPDX-License-Identifier: Apache-2.0
#pragma once

// Under which sanitizer this is compiled, in g++'s words and in clang's.
#if defined(__SANITIZE_THREAD__)
#define VARVE_THREAD_SANITIZED 1
#elif defined(__SANITIZE_ADDRESS__)
#define VARVE_ADDRESS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define VARVE_THREAD_SANITIZED 1
#elif __has_feature(address_sanitizer)
#define VARVE_ADDRESS_SANITIZED 1
#endif
#endif

#ifndef VARVE_THREAD_SANITIZED
#define VARVE_THREAD_SANITIZED 0
#endif
#ifndef VARVE_ADDRESS_SANITIZED
#define VARVE_ADDRESS_SANITIZED 0
#endif
#define VARVE_SANITIZED (VARVE_ADDRESS_SANITIZED || VARVE_THREAD_SANITIZED)
