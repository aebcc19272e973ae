// A pointer and a count: the only container of the runtime.
#ifndef LLMC_RUNTIME_BASE_SPAN_H
#define LLMC_RUNTIME_BASE_SPAN_H

#include <stddef.h>
#include <stdint.h>

namespace llmc::rt {

template <class T> struct Span {
  T *data = nullptr;
  size_t size = 0;

  constexpr Span() = default;
  constexpr Span(T *data, size_t size) : data(data), size(size) {}
  template <size_t N> constexpr Span(T (&array)[N]) : data(array), size(N) {}
  /// Span<T> reads as Span<const T>.
  template <class U, class = decltype(static_cast<T *>(static_cast<U *>(nullptr)))>
  constexpr Span(Span<U> other) : data(other.data), size(other.size) {}

  constexpr T &operator[](size_t i) const { return data[i]; }
  constexpr T *begin() const { return data; }
  constexpr T *end() const { return data + size; }
  constexpr bool empty() const { return size == 0; }
};

/// True where [offset, offset + size) lies in [0, limit); written so that nothing can wrap.
constexpr bool fits(uint64_t offset, uint64_t size, uint64_t limit) {
  return size <= limit && offset <= limit - size;
}

} // namespace llmc::rt

#endif
