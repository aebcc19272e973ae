// Mapped files whose pages are given back.
#include "compiler/Support/MappedFile.h"

#include "compiler/Support/AtomicFile.h"

#include "catch2/catch.hpp"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <unistd.h>

using namespace llmc;

namespace {

constexpr size_t size = 3 * 4096 * 64 + 100;

char valueAt(size_t index) { return char(index * 7 + index / 4096); }

std::shared_ptr<const MappedFile> mapped(const std::string &path) {
  std::string bytes(size, 0), error;
  for (size_t i = 0; i < size; ++i)
    bytes[i] = valueAt(i);
  REQUIRE(writeFileAtomically(path, bytes, error));
  auto file = MappedFile::open(path, error);
  REQUIRE(file);
  return file;
}

size_t differences(const MappedFile &file) {
  size_t different = 0;
  for (size_t i = 0; i < size; ++i)
    different += file.bytes()[i] != valueAt(i);
  return different;
}

/// Resident pages of files that this process maps.
long residentFilePages() {
  std::ifstream statm("/proc/self/statm");
  long total = 0, resident = 0, shared = 0;
  statm >> total >> resident >> shared;
  return shared;
}

} // namespace

TEST_CASE("pages given back are read again from the file") {
  const std::string path = "mapped-file-test." + std::to_string(::getpid());
  auto file = mapped(path);
  CHECK(differences(*file) == 0);
  const long before = residentFilePages();
  file->dropPages(file->bytes());
  CHECK(residentFilePages() <= before - long(size / ::sysconf(_SC_PAGESIZE)));
  CHECK(differences(*file) == 0);
  file->dropPages(file->bytes().subspan(5000, 1)); // inside a page
  file->dropPages(file->bytes().subspan(size - 1, 1));
  file->dropPages({});
  CHECK(differences(*file) == 0);
  std::remove(path.c_str());
}

TEST_CASE("memory that is not the file's is left alone") {
  const std::string path = "mapped-file-test-other." + std::to_string(::getpid());
  auto file = mapped(path);
  std::string heap(1 << 16, 'x');
  file->dropPages({heap.data(), heap.size()});
  CHECK(heap == std::string(1 << 16, 'x'));
  CHECK(differences(*file) == 0);
  std::remove(path.c_str());
}
