// What tests of the runtime ask of a status: code, place and detail, with its sentence on failure.
#pragma once

#include "catch2/catch.hpp"

#include "runtime/schema/explain.h"

namespace llmc::test {

inline void check(rt::Status status, rt::Code code, rt::Where where, uint32_t detail) {
  INFO(rt::explain(status));
  CHECK(int(status.code) == int(code));
  CHECK(int(status.where) == int(where));
  CHECK(status.detail == detail);
}

} // namespace llmc::test
