// A folder for files that nobody needs afterwards.
#pragma once

#include <filesystem>
#include <string>

namespace llmc {

/// Lasts as long as this object.
class TemporaryFolder {
public:
  /// `name` is the start of its name. InputError where it cannot be made.
  explicit TemporaryFolder(const std::string &name);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;

  std::string file(const std::string &name) const { return (path / name).string(); }
  std::string string() const { return path.string(); }
  /// Leaves the folder to another process.
  void release() { path.clear(); }

private:
  std::filesystem::path path;
};

} // namespace llmc
