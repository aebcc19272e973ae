// A read-only memory-mapped file.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace llmc {

/// The bytes of a file, mapped and never copied. They stay valid as long as the object lives and
/// the file is not shortened by others.
class MappedFile {
public:
  /// Maps a regular file. On failure null, and `error` names the path and the reason.
  static std::shared_ptr<const MappedFile> open(const std::string &path, std::string &error);

  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  ~MappedFile();

  std::span<const char> bytes() const { return {data, size}; }
  const std::string &path() const { return name; }

  /// Gives the memory of these bytes back; reading them again brings them back from the file.
  /// Nothing where they are not all of this file.
  void dropPages(std::span<const char> range) const;

private:
  MappedFile(std::string path, const char *data, size_t size)
      : name(std::move(path)), data(data), size(size) {}

  std::string name;
  const char *data;
  size_t size;
};

} // namespace llmc
