// Files that appear complete or not at all.
#pragma once

#include <span>
#include <string>

namespace llmc {

/// A file that takes its place in `commit`. Without a commit, or after an error, nothing is left
/// behind and what stood at the place still stands, also where the process is killed: until then
/// the file has no name. File systems that have no such files give it one beside the place.
class AtomicFile {
public:
  AtomicFile() = default;
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;
  ~AtomicFile();

  /// Creates the file in the folder of `path`. False with `error` where that is not possible.
  bool open(const std::string &path, std::string &error);
  bool write(std::span<const char> bytes, std::string &error);
  /// Writes over the first bytes; what is written after goes on at the end.
  bool rewriteStart(std::span<const char> bytes, std::string &error);
  /// Where this process can open the file as it is so far.
  std::string path() const;
  /// Gives the file its name and closes it.
  bool commit(std::string &error);

private:
  bool fail(const char *action, std::string &error);
  bool create();
  bool replace();
  void discard();

  std::string place;
  std::string temporary; ///< The name beside the place, where there is one.
  int file = -1;
};

/// All of `bytes` into `path`, atomically.
bool writeFileAtomically(const std::string &path, std::span<const char> bytes, std::string &error);

} // namespace llmc
