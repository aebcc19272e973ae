// Files that appear complete or not at all.
#pragma once

#include <span>
#include <string>

namespace llmc {

/// A file written beside its final place and renamed by `commit`. Without a commit, or after an
/// error, nothing is left behind and what stood at the place still stands.
class AtomicFile {
public:
  AtomicFile() = default;
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;
  ~AtomicFile();

  /// Creates the file beside `path`. False with `error` where that is not possible.
  bool open(const std::string &path, std::string &error);
  bool write(std::span<const char> bytes, std::string &error);
  /// Closes the file and gives it its name.
  bool commit(std::string &error);

private:
  bool fail(const char *action, std::string &error);
  void discard();

  std::string place, temporary;
  int file = -1;
};

/// All of `bytes` into `path`, atomically.
bool writeFileAtomically(const std::string &path, std::span<const char> bytes, std::string &error);

} // namespace llmc
