// Files that appear complete or not at all.
#include "compiler/Support/AtomicFile.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace llmc {

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() {
  if (file >= 0)
    ::close(file);
  if (!temporary.empty())
    ::unlink(temporary.c_str());
  file = -1;
  temporary.clear();
}

bool AtomicFile::fail(const char *action, std::string &error) {
  error = "cannot " + std::string(action) + " '" + place + "': " + std::strerror(errno);
  discard();
  return false;
}

bool AtomicFile::open(const std::string &path, std::string &error) {
  discard();
  place = path;
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    return fail("write", error);
  }
  std::string name = path + ".XXXXXX";
  file = ::mkstemp(name.data());
  if (file < 0)
    return fail("create", error);
  temporary = name;
  mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(file, 0666 & ~mask) != 0)
    return fail("create", error);
  return true;
}

bool AtomicFile::write(std::span<const char> bytes, std::string &error) {
  while (!bytes.empty()) {
    ssize_t done = ::write(file, bytes.data(), std::min<size_t>(bytes.size(), 1u << 30));
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return fail("write", error);
    bytes = bytes.subspan(size_t(done));
  }
  return true;
}

bool AtomicFile::commit(std::string &error) {
  int closing = file;
  file = -1;
  if (::close(closing) != 0 || ::rename(temporary.c_str(), place.c_str()) != 0)
    return fail("write", error);
  temporary.clear();
  return true;
}

bool writeFileAtomically(const std::string &path, std::span<const char> bytes, std::string &error) {
  AtomicFile file;
  return file.open(path, error) && file.write(bytes, error) && file.commit(error);
}

} // namespace llmc
