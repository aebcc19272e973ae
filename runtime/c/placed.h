// Objects of C++ in the caller's memory, without the standard library's <new>, which toolchains for
// bare metal need not have.
#ifndef LLMC_RUNTIME_C_PLACED_H
#define LLMC_RUNTIME_C_PLACED_H

#include <stddef.h>

namespace llmc::rt {

/// `new (address) Placed<T>(arguments)` makes a T there.
template <class T> struct Placed : T {
  using T::T;
  static void *operator new(size_t, void *at) { return at; }
};

} // namespace llmc::rt

#endif
