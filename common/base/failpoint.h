// SPDX-License-Identifier: Apache-2.0
// Named failpoints, compiled in for tests only (KILONOVA_FAILPOINTS). In a shipped build the macros
// are nothing.
//
//   FAILPOINT("agent.build.domain_define.before");              // may kill or delay the process
//   RETURN_IF_FAILPOINT("agent.build.image_fetch.after");       // may also return an error
//
// The environment names what happens, read once: KILONOVA_FAILPOINTS="name=action;name=action".
// Actions: `kill` (SIGKILL to oneself), `kill@FILE` (the same, but only if FILE does not exist yet,
// which it then creates: dies once, survives after a restart), `killif@FILE` (only if FILE exists,
// which it then removes: dies once, when armed), `abort`, `sleep(MS)`, `while@FILE` (waits for as
// long as FILE exists: a test holds it there and lets it go), `error` (INTERNAL;
// RETURN_IF_FAILPOINT only), `off`. A name may end in `*`.
// KILONOVA_FAILPOINT_TRACE=FILE appends each name passed, one a line.
#pragma once

#include "common/base/status.h"

#ifdef KILONOVA_FAILPOINTS
#define FAILPOINT(name) static_cast<void>(::kilonova::HitFailpoint(name))
#define RETURN_IF_FAILPOINT(name) RETURN_IF_ERROR(::kilonova::HitFailpoint(name))
#else
#define FAILPOINT(name) static_cast<void>(0)
#define RETURN_IF_FAILPOINT(name) static_cast<void>(0)
#endif

namespace kilonova {

// Acts as the environment says for `name`; returns an error for the action `error`, else OK.
// Thread-safe. Present in every build; called through the macros only.
Status HitFailpoint(std::string_view name);

// True when this binary has its failpoints compiled in.
#ifdef KILONOVA_FAILPOINTS
inline constexpr bool kFailpointsCompiledIn = true;
#else
inline constexpr bool kFailpointsCompiledIn = false;
#endif

}  // namespace kilonova
