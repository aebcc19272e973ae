#include "guest.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace llmc::guest {

namespace {

std::string because(const std::string &what) { return what + ": " + std::strerror(errno); }

uint64_t pages(uint64_t bytes) { return (bytes + GUEST_PAGE - 1) / GUEST_PAGE * GUEST_PAGE; }

/// In the child, which must not allocate: `words` is ready. Ends with `parent`, even in a kernel
/// that does not.
[[noreturn]] void becomeGuest(char *const *words, int line, int file, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(127);
  dup2(line, STDIN_FILENO);
  dup2(line, STDOUT_FILENO);
  fcntl(file, F_SETFD, 0);
  execvp(words[0], words);
  _exit(127);
}

} // namespace

bool Guest::map(uint64_t bytes, std::string &error) {
  size = pages(bytes) + GUEST_PAGE;
  file = memfd_create("llmc-guest", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, off_t(size)) != 0) {
    error = because("no shared memory of " + std::to_string(size) + " bytes");
    return false;
  }
  void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) {
    error = because("shared memory cannot be mapped");
    return false;
  }
  shared = static_cast<uint8_t *>(memory);
  call().shared_bytes = size;
  return true;
}

std::unique_ptr<Guest> Guest::start(const std::vector<std::string> &command, uint64_t bytes,
                                    std::string &error) {
  std::unique_ptr<Guest> guest(new Guest());
  if (!guest->map(bytes, error))
    return nullptr;
  std::vector<std::string> words = command;
  words.push_back(std::to_string(guest->file));
  std::vector<char *> pointers;
  for (std::string &word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    error = because("no line to an emulator");
    return nullptr;
  }
  guest->line = ends[0];
  const pid_t parent = getpid();
  guest->child = fork();
  if (guest->child == 0)
    becomeGuest(pointers.data(), ends[1], guest->file, parent);
  const std::string problem = guest->child < 0 ? because("no process for an emulator") : "";
  close(ends[1]);
  if (guest->child < 0) {
    error = problem;
    return nullptr;
  }
  return guest;
}

Guest::~Guest() {
  if (line >= 0)
    close(line); // The guest leaves when its input ends.
  if (child > 0)
    waitpid(child, nullptr, 0);
  if (shared != nullptr)
    munmap(shared, size);
  if (file >= 0)
    close(file);
}

uint64_t Guest::place(uint64_t bytes) {
  const uint64_t needed = pages(bytes);
  if (needed < bytes || needed > size - used)
    return ~uint64_t(0);
  const uint64_t offset = used;
  used += needed;
  return offset;
}

bool Guest::load(uint32_t number, const void *code, uint64_t bytes, uint32_t alignment) {
  const uint64_t before = used, offset = place(bytes);
  if (offset == ~uint64_t(0)) {
    text = "no memory for a blob of " + std::to_string(bytes) + " bytes";
    return false;
  }
  std::memcpy(at(offset), code, bytes);
  guest_call &what = call();
  what.blob = number;
  what.code = offset;
  what.code_bytes = bytes;
  what.alignment = alignment;
  what.n_operands = 0;
  const bool loaded = ask(GUEST_LOAD);
  used = before;
  return loaded;
}

bool Guest::execute() { return ask(GUEST_CALL); }

bool Guest::ask(uint32_t task) {
  call().task = task;
  char byte = 0;
  if (child > 0 && send(line, &byte, 1, MSG_NOSIGNAL) == 1 && recv(line, &byte, 1, 0) == 1)
    return true;
  int status = 0;
  if (child > 0)
    waitpid(child, &status, 0);
  child = -1;
  text = WIFSIGNALED(status) ? std::string("the emulator died: ") + strsignal(WTERMSIG(status))
         : WEXITSTATUS(status) == 127
             ? "the emulator cannot be started"
             : "the emulator left with status " + std::to_string(WEXITSTATUS(status));
  return false;
}

} // namespace llmc::guest
