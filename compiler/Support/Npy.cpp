// NumPy's array files.
#include "compiler/Support/Npy.h"

#include "compiler/Support/MappedFile.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

namespace llmc {

static_assert(std::endian::native == std::endian::little,
              "elements are written as they lie in memory");

namespace {

constexpr std::string_view magic = "\x93NUMPY";

template <class T> constexpr std::string_view descr();
template <> constexpr std::string_view descr<float>() { return "<f4"; }
template <> constexpr std::string_view descr<int64_t>() { return "<i8"; }

/// What follows `'key':` in the header's dictionary, blanks skipped.
std::optional<std::string_view> entry(std::string_view header, std::string_view key) {
  std::string quoted = "'" + std::string(key) + "':";
  size_t place = header.find(quoted);
  if (place == std::string_view::npos)
    return std::nullopt;
  header.remove_prefix(place + quoted.size());
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return header;
}

/// `(2, 3)`, `(2,)` or `()`.
std::optional<std::vector<int64_t>> parseShape(std::string_view text) {
  std::vector<int64_t> shape;
  size_t end = text.find(')');
  if (text.empty() || text.front() != '(' || end == std::string_view::npos)
    return std::nullopt;
  text = text.substr(1, end - 1);
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(", "), text.size()));
    if (text.empty())
      return shape;
    int64_t dim = 0;
    auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), dim);
    if (problem != std::errc() || dim < 0)
      return std::nullopt;
    shape.push_back(dim);
    text.remove_prefix(size_t(rest - text.data()));
  }
}

/// Elements of a shape, null where there are more than memory has.
std::optional<uint64_t> countElements(std::span<const int64_t> shape) {
  uint64_t count = 1;
  for (int64_t dim : shape)
    if (__builtin_mul_overflow(count, uint64_t(dim), &count) || count > (1ull << 48))
      return std::nullopt;
  return count;
}

/// The header's text and, in `bytes`, what follows it.
std::optional<std::string_view> splitHeader(std::span<const char> &bytes) {
  std::string_view text(bytes.data(), bytes.size());
  if (text.size() < 10 || text.substr(0, magic.size()) != magic || text[6] < 1 || text[6] > 3)
    return std::nullopt;
  size_t lengthBytes = text[6] == 1 ? 2 : 4;
  uint32_t length = 0;
  if (text.size() < 8 + lengthBytes)
    return std::nullopt;
  std::memcpy(&length, text.data() + 8, lengthBytes);
  if (length > text.size() - 8 - lengthBytes)
    return std::nullopt;
  bytes = bytes.subspan(8 + lengthBytes + length);
  return text.substr(8 + lengthBytes, length);
}

} // namespace

template <class T> bool readNpy(const std::string &path, NpyArray<T> &array, std::string &error) {
  auto file = MappedFile::open(path, error);
  if (!file)
    return false;
  auto fail = [&](const std::string &problem) {
    error = "cannot read '" + path + "': " + problem;
    return false;
  };
  std::span<const char> bytes = file->bytes();
  auto header = splitHeader(bytes);
  if (!header)
    return fail("it is no complete .npy file");
  auto type = entry(*header, "descr"), order = entry(*header, "fortran_order"),
       dims = entry(*header, "shape");
  auto shape = dims ? parseShape(*dims) : std::nullopt;
  if (!type || !order || !shape)
    return fail("its header is damaged");
  if (type->substr(0, 5) != "'" + std::string(descr<T>()) + "'")
    return fail("its elements are " + std::string(type->substr(0, 8)) + ", must be '" +
                std::string(descr<T>()) + "'");
  if (order->substr(0, 5) != "False")
    return fail("it is stored column by column; save it in C order");
  auto count = countElements(*shape);
  if (!count || *count * sizeof(T) != bytes.size())
    return fail("it holds " + std::to_string(bytes.size()) +
                " bytes of elements, which its shape does not ask for");
  array.shape = std::move(*shape);
  array.values.resize(*count);
  if (*count)
    std::memcpy(array.values.data(), bytes.data(), bytes.size());
  return true;
}

template <class T>
bool NpyWriter<T>::open(const std::string &path, std::span<const int64_t> shape,
                        std::string &error) {
  place = path;
  written = 0;
  auto count = countElements(shape);
  if (!count) {
    error = "cannot write '" + path + "': the shape has more than 2^48 elements";
    return false;
  }
  expected = *count;
  std::string header =
      "{'descr': '" + std::string(descr<T>()) + "', 'fortran_order': False, 'shape': (";
  for (int64_t dim : shape)
    header += std::to_string(dim) + ", ";
  if (!shape.empty()) // One dimension is written "(n,)".
    header.resize(header.size() - (shape.size() == 1 ? 1 : 2));
  header += "), }";
  constexpr size_t alignment = 64, prefix = 10;
  header.append(alignment - 1 - (prefix + header.size()) % alignment, ' ');
  header += '\n';
  uint16_t length = uint16_t(header.size());
  std::string bytes = std::string(magic) + std::string("\x01\x00", 2);
  bytes.append(reinterpret_cast<const char *>(&length), sizeof(length));
  bytes += header;
  return file.open(path, error) && file.write(bytes, error);
}

template <class T> bool NpyWriter<T>::write(std::span<const T> values, std::string &error) {
  written += values.size();
  return file.write({reinterpret_cast<const char *>(values.data()), values.size_bytes()}, error);
}

template <class T> bool NpyWriter<T>::finish(std::string &error) {
  if (written != expected) {
    error = "cannot write '" + place + "': " + std::to_string(written) + " of " +
            std::to_string(expected) + " elements were given";
    return false;
  }
  return file.commit(error);
}

template <class T>
bool writeNpy(const std::string &path, const NpyArray<T> &array, std::string &error) {
  NpyWriter<T> writer;
  return writer.open(path, array.shape, error) &&
         writer.write(std::span<const T>(array.values), error) && writer.finish(error);
}

template bool readNpy(const std::string &, NpyArray<float> &, std::string &);
template bool readNpy(const std::string &, NpyArray<int64_t> &, std::string &);
template class NpyWriter<float>;
template class NpyWriter<int64_t>;
template bool writeNpy(const std::string &, const NpyArray<float> &, std::string &);
template bool writeNpy(const std::string &, const NpyArray<int64_t> &, std::string &);

} // namespace llmc
