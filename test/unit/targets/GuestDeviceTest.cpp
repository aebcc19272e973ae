// The device that runs kernels under an emulator: what it refuses, and that no guest outlives it.
#include "guest.h"
#include "guest_device.h"
#include "runtime/base/device.h"

#include "catch2/catch.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace llmc::guest;

namespace {

/// AArch64 code that writes 1 to the first byte of its operand, and then returns or never does.
enum Last : uint32_t { Return = 0xd65f03c0, Repeat = 0x14000000 };
struct Code {
  uint32_t words[4];
  explicit Code(Last last) : words{0xf9400001, 0x52800022, 0x39000022, last} {}
};

const std::vector<std::string> command = {"qemu-aarch64", LLMC_GUEST_RUNNERS "/runner-aarch64"};

bool isSkipped() {
  const bool skipped = std::system("command -v qemu-aarch64 > /dev/null") != 0;
  if (skipped)
    std::printf("skipped: no qemu-aarch64\n");
  return skipped;
}

struct Opened {
  Opened() {
    const llmc_target_call call{sizeof call, 0, nullptr, nullptr, nullptr, &sink};
    INFO(text);
    REQUIRE(openDevice(&call, {"a", 1, command}, "v", &device) == 1);
    table = device.table;
  }
  ~Opened() { device.close(device.handle); }
  Opened(const Opened &) = delete;
  Opened &operator=(const Opened &) = delete;

  uint8_t submit(const llmc_operand_view &operand, uint32_t entry = 0) {
    llmc_dispatch dispatch{};
    dispatch.code = code.words;
    dispatch.code_size = sizeof code.words;
    dispatch.entry = entry;
    dispatch.operands = &operand;
    dispatch.n_operands = 1;
    return table->submit(table->ctx, &dispatch).code;
  }
  std::string error() {
    text.clear();
    device.error(device.handle, &sink);
    return text;
  }

  std::string text;
  const llmc_sink sink{&text, [](void *ctx, const void *data, size_t size) {
                         static_cast<std::string *>(ctx)->append(static_cast<const char *>(data),
                                                                 size);
                       }};
  const Code code{Return};
  llmc_opened_device device{};
  const llmc_device *table = nullptr;
};

/// A process with a guest in a kernel that never returns. Says so through `line`.
[[noreturn]] void runForever(int line) {
  const rlimit seconds{5, 20}; // Of a guest that goes on by mistake: ends it by SIGXCPU.
  setrlimit(RLIMIT_CPU, &seconds);
  std::string error;
  const auto guest = Guest::start(command, 1 << 20, error);
  const Code code(Repeat);
  if (!guest || !guest->load(0, code.words, sizeof code.words, GUEST_PAGE))
    _exit(1);
  guest_call &call = guest->call();
  volatile uint8_t *const flag = guest->at(call.operands[0] = guest->place(1));
  call.n_operands = call.parts = 1;
  call.blob = call.entry = 0;
  std::thread watch([&] {
    while (*flag == 0)
      usleep(1000);
    if (write(line, "", 1) != 1)
      _exit(1);
  });
  guest->execute();
  _exit(1);
}

} // namespace

TEST_CASE("operands that are not within their region are refused") {
  if (isSkipped())
    return;
  Opened opened;
  uint8_t bytes[64] = {};
  llmc_operand_view operand{bytes, 64, 0, LLMC_READ | LLMC_WRITE, 255};
  CHECK(opened.submit(operand) == LLMC_DEVICE_FAULT);
  CHECK(opened.error() == "a kernel before the memory was attached");
  const llmc_memory region{bytes, sizeof bytes};
  REQUIRE(opened.table->attach(opened.table->ctx, &region, 1).code == LLMC_OK);
  REQUIRE(opened.submit(operand) == LLMC_OK);
  CHECK(bytes[0] == 1);

  operand.region = 1;
  CHECK(opened.submit(operand) == LLMC_OUT_OF_RANGE);
  CHECK(opened.error() == "operand 0 of 64 bytes is not within region 1");
  operand.region = 0;
  operand.size = 65;
  CHECK(opened.submit(operand) == LLMC_OUT_OF_RANGE);
  operand.size = 64;
  operand.base = bytes + 1;
  CHECK(opened.submit(operand) == LLMC_OUT_OF_RANGE);
  operand.base = reinterpret_cast<void *>(uintptr_t(bytes) - 1);
  CHECK(opened.submit(operand) == LLMC_OUT_OF_RANGE);
  operand.base = bytes;
  CHECK(opened.submit(operand, /*entry=*/16) == LLMC_OUT_OF_RANGE);
  CHECK(opened.submit(operand) == LLMC_OK);
}

TEST_CASE("more memory than there is ends in a status") {
  if (isSkipped())
    return;
  Opened opened;
  uint8_t byte = 0;
  const llmc_memory region{&byte, uint64_t(1) << 62};
  CHECK(opened.table->attach(opened.table->ctx, &region, 1).code == LLMC_DEVICE_FAULT);
  CHECK_THAT(opened.error(), Catch::Contains("shared memory"));
}

TEST_CASE("a guest in an endless kernel ends with the process that started it") {
  if (isSkipped())
    return;
  int line[2];
  REQUIRE(pipe(line) == 0);
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); // Its guest becomes a child of this process.
  const pid_t child = fork();
  if (child == 0)
    runForever(line[1]);
  close(line[1]);
  char byte = 1;
  REQUIRE(read(line[0], &byte, 1) == 1);
  close(line[0]);
  REQUIRE(kill(child, SIGKILL) == 0);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  int status = 0;
  const pid_t guest = waitpid(-1, &status, 0);
  REQUIRE(guest > 0);
  CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}
