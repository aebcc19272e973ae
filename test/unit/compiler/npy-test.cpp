// .npy files and atomic writing.
#include "compiler/Support/Npy.h"

#include "catch2/catch.hpp"

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

using namespace llmc;

namespace {

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "llmc-npy-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string &name) const { return (path / name).string(); }
  size_t files() const {
    return size_t(std::distance(std::filesystem::directory_iterator(path), {}));
  }
};

std::string bytesOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

TEST_CASE("arrays that NumPy wrote are read") {
  std::string error;
  NpyArray<float> logits;
  REQUIRE(readNpy(LLMC_TEST_DATA "/scribe-6m/expected-logits.npy", logits, error));
  CHECK(logits.shape == std::vector<int64_t>{96, 4096});
  CHECK(logits.values.size() == 96 * 4096);
  NpyArray<int64_t> ids;
  REQUIRE(readNpy(LLMC_TEST_DATA "/scribe-6m/expected-ids.npy", ids, error));
  CHECK(ids.shape == std::vector<int64_t>{96});
  for (int64_t id : ids.values)
    CHECK((id >= 0 && id < 4096));
  CHECK_FALSE(readNpy(LLMC_TEST_DATA "/scribe-6m/expected-ids.npy", logits, error));
  CHECK_THAT(error, Catch::Contains("elements are '<i8'") && Catch::Contains("must be '<f4'"));
}

TEST_CASE("an array written again is the same file as NumPy's") {
  Folder folder;
  std::string error, source = LLMC_TEST_DATA "/scribe-6m/expected-ids.npy";
  NpyArray<int64_t> ids;
  REQUIRE(readNpy(source, ids, error));
  REQUIRE(writeNpy(folder.file("ids.npy"), ids, error));
  CHECK(bytesOf(folder.file("ids.npy")) == bytesOf(source));
  CHECK(folder.files() == 1);
}

TEST_CASE("shapes of every rank survive") {
  Folder folder;
  std::string error;
  for (std::vector<int64_t> shape :
       {std::vector<int64_t>{}, {1}, {0}, {2, 3}, {0, 5}, {2, 1, 3}, {1, 2, 3, 4}}) {
    NpyArray<float> array{shape, {}}, again;
    size_t count = 1;
    for (int64_t dim : shape)
      count *= size_t(dim);
    for (size_t index = 0; index < count; ++index)
      array.values.push_back(float(index) - 0.5f);
    REQUIRE(writeNpy(folder.file("a.npy"), array, error));
    REQUIRE(readNpy(folder.file("a.npy"), again, error));
    CHECK(again.shape == array.shape);
    CHECK(again.values == array.values);
  }
}

TEST_CASE("damaged arrays are refused") {
  Folder folder;
  std::string error;
  NpyArray<float> array{{2, 3}, {1, 2, 3, 4, 5, 6}}, read;
  REQUIRE(writeNpy(folder.file("a.npy"), array, error));
  std::string bytes = bytesOf(folder.file("a.npy"));
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::ofstream(folder.file("cut.npy"), std::ios::binary) << bytes.substr(0, size);
    error.clear();
    CHECK_FALSE(readNpy(folder.file("cut.npy"), read, error));
    CHECK_THAT(error, Catch::Contains("cut.npy"));
  }
  for (size_t place = 0; place < bytes.size(); ++place) {
    std::string damaged = bytes;
    damaged[place] = char(~damaged[place]);
    std::ofstream(folder.file("flip.npy"), std::ios::binary) << damaged;
    if (readNpy(folder.file("flip.npy"), read, error))
      CHECK(read.values.size() == 6);
  }
  std::string huge = bytes;
  huge.replace(huge.find("(2, 3)"), 6, "(9999999999999999999,)");
  std::ofstream(folder.file("huge.npy"), std::ios::binary) << huge;
  CHECK_FALSE(readNpy(folder.file("huge.npy"), read, error));
}

TEST_CASE("a file appears complete or not at all") {
  Folder folder;
  std::string error;
  REQUIRE(writeFileAtomically(folder.file("f"), std::string("old"), error));
  {
    AtomicFile file;
    REQUIRE(file.open(folder.file("f"), error));
    REQUIRE(file.write(std::string("half"), error));
    CHECK(bytesOf(folder.file("f")) == "old");
  }
  CHECK(bytesOf(folder.file("f")) == "old");
  CHECK(folder.files() == 1);
  REQUIRE(writeFileAtomically(folder.file("f"), std::string("new"), error));
  CHECK(bytesOf(folder.file("f")) == "new");
  CHECK_FALSE(writeFileAtomically(folder.file("none/f"), std::string("x"), error));
  CHECK_THAT(error, Catch::Contains("none/f"));
  CHECK_FALSE(writeFileAtomically(folder.path.string(), std::string("x"), error));
  CHECK_FALSE(writeFileAtomically("", std::string("x"), error));
  AtomicFile tooLong;
  CHECK_FALSE(tooLong.open(folder.file(std::string(300, 'x')), error));
  CHECK(folder.files() == 1);
  NpyWriter<float> writer;
  REQUIRE(writer.open(folder.file("short.npy"), std::vector<int64_t>{2}, error));
  REQUIRE(writer.write(std::vector<float>{1}, error));
  CHECK_FALSE(writer.finish(error));
  CHECK_THAT(error, Catch::Contains("1 of 2 elements"));
  CHECK_FALSE(std::filesystem::exists(folder.file("short.npy")));
}

TEST_CASE("a file that is being written can be read, and its start changed") {
  Folder folder;
  std::string error;
  AtomicFile file;
  REQUIRE(file.open(folder.file("f"), error));
  REQUIRE(file.write(std::string("0123"), error));
  REQUIRE(file.rewriteStart(std::string("ab"), error));
  REQUIRE(file.write(std::string("45"), error));
  CHECK(bytesOf(file.path()) == "ab2345");
  REQUIRE(file.commit(error));
  CHECK(bytesOf(folder.file("f")) == "ab2345");
  CHECK(folder.files() == 1);
}

TEST_CASE("a process that is killed leaves no file that it has not committed") {
  Folder folder;
  std::string error;
  REQUIRE(writeFileAtomically(folder.file("old"), std::string("old"), error));
  AtomicFile probe;
  REQUIRE(probe.open(folder.file("new"), error));
  if (!probe.path().starts_with("/proc/")) {
    WARN("this file system has no files without a name");
    return;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile file, other;
    const bool written =
        file.open(folder.file("old"), error) && other.open(folder.file("new"), error) &&
        file.write(std::string("half"), error) && other.write(std::string("half"), error);
    ::kill(::getpid(), written ? SIGKILL : SIGTERM);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WTERMSIG(status) == SIGKILL);
  CHECK(bytesOf(folder.file("old")) == "old");
  CHECK(folder.files() == 1);
}
