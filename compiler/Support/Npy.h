// NumPy's array files: little-endian float32 and int64, row-major.
#pragma once

#include "compiler/Support/AtomicFile.h"

#include <cstdint>
#include <string>
#include <vector>

namespace llmc {

template <class T> struct NpyArray {
  std::vector<int64_t> shape;
  std::vector<T> values;
};

/// Reads a file whose elements are T (float or int64_t). False with `error`, which says what the
/// file holds instead.
template <class T> bool readNpy(const std::string &path, NpyArray<T> &array, std::string &error);

/// Writes an array piece by piece; the file appears with `finish`.
template <class T> class NpyWriter {
public:
  bool open(const std::string &path, std::span<const int64_t> shape, std::string &error);
  bool write(std::span<const T> values, std::string &error);
  /// Fails where fewer or more values were written than the shape has.
  bool finish(std::string &error);

private:
  AtomicFile file;
  std::string place;
  uint64_t expected = 0, written = 0;
};

template <class T>
bool writeNpy(const std::string &path, const NpyArray<T> &array, std::string &error);

} // namespace llmc
