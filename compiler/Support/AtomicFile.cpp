// Files that appear complete or not at all.
#include "compiler/Support/AtomicFile.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmc {

namespace {

/// No signal that can be blocked ends this thread's process while this object lives.
class WithoutSignals {
public:
  WithoutSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
  }
  ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
  WithoutSignals(const WithoutSignals &) = delete;
  WithoutSignals &operator=(const WithoutSignals &) = delete;

private:
  sigset_t before;
};

std::string folderOf(const std::string &path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

std::string descriptorPath(int file) { return "/proc/self/fd/" + std::to_string(file); }

bool linkFile(int file, const std::string &name) {
  return ::linkat(AT_FDCWD, descriptorPath(file).c_str(), AT_FDCWD, name.c_str(),
                  AT_SYMLINK_FOLLOW) == 0;
}

} // namespace

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
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    return fail("write", error);
  }
  if (!exists && (path.empty() || errno != ENOENT)) // A name that commit could not give.
    return fail("create", error);
  return create() || fail("create", error);
}

bool AtomicFile::create() {
  file = ::open(folderOf(place).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  if (file >= 0 && ::access(path().c_str(), F_OK) == 0)
    return true;
  if (file >= 0) // There is no /proc to link it from.
    ::close(file);
  std::string name = place + ".XXXXXX";
  file = ::mkstemp(name.data());
  if (file < 0)
    return false;
  temporary = name;
  mode_t mask = ::umask(0);
  ::umask(mask);
  return ::fchmod(file, 0666 & ~mask) == 0;
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

bool AtomicFile::rewriteStart(std::span<const char> bytes, std::string &error) {
  return (::lseek(file, 0, SEEK_SET) == 0 || fail("write", error)) && write(bytes, error) &&
         (::lseek(file, 0, SEEK_END) >= 0 || fail("write", error));
}

std::string AtomicFile::path() const {
  return temporary.empty() ? descriptorPath(file) : temporary;
}

/// A name that is taken cannot be linked to: the file gets one of its own first. Between the two
/// calls only SIGKILL can end the process, and it would leave the whole file under that name.
bool AtomicFile::replace() {
  const WithoutSignals whole;
  const std::string start = folderOf(place) + ".llmc-" + std::to_string(::getpid()) + "-";
  for (unsigned number = 0; number < 1000; ++number) {
    const std::string name = start + std::to_string(number);
    if (linkFile(file, name)) {
      temporary = name;
      return ::rename(name.c_str(), place.c_str()) == 0;
    }
    if (errno != EEXIST)
      return false;
  }
  return false;
}

bool AtomicFile::commit(std::string &error) {
  const int last = ::dup(file); // Some file systems report what could not be written at a close.
  if (last < 0 || ::close(last) != 0)
    return fail("write", error);
  const bool named = !temporary.empty() ? ::rename(temporary.c_str(), place.c_str()) == 0
                                        : linkFile(file, place) || (errno == EEXIST && replace());
  if (!named)
    return fail("write", error);
  temporary.clear();
  discard();
  return true;
}

bool writeFileAtomically(const std::string &path, std::span<const char> bytes, std::string &error) {
  AtomicFile file;
  return file.open(path, error) && file.write(bytes, error) && file.commit(error);
}

} // namespace llmc
