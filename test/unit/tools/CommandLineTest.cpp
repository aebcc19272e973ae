// Arguments as text become values, or errors that name them.
#include "tools/llmc/CommandLine.h"
#include "tools/llmc/Errors.h"

#include "catch2/catch.hpp"
#include <cstdio>
#include <fstream>

using namespace llmc;

namespace {

/// A file that is gone at the end of the test.
struct TemporaryFile {
  explicit TemporaryFile(const std::string &content) { std::ofstream(path) << content; }
  ~TemporaryFile() { std::remove(path.c_str()); }
  const std::string path = "command-line-test.json";
};

std::string idsError(const std::string &content) {
  const TemporaryFile file(content);
  try {
    readIds(file.path);
  } catch (const InputError &error) {
    return error.what();
  }
  return "";
}

using Strings = std::vector<std::string>;

} // namespace

TEST_CASE("an empty value stays a value") {
  CHECK(splitEmptyValues({"run", "p", "--prompt="}) == Strings{"run", "p", "--prompt", ""});
  CHECK(splitEmptyValues({"--prompt=", "x"}) == Strings{"--prompt", "", "x"});
  CHECK(splitEmptyValues({"--prompt=a=", "-o=", "--=", "=", "--a=b"}) ==
        Strings{"--prompt=a=", "-o=", "--=", "=", "--a=b"});
}

TEST_CASE("counts are whole numbers of at least 1") {
  for (const char *good : {"1", "64", "18446744073709551615"})
    CHECK(checkCount(good) == "");
  for (const char *bad : {"", "0", "-1", "+1", "1.5", "1 ", " 1", "x", "18446744073709551616"})
    CHECK(checkCount(bad).find(std::string("'") + bad + "'") == 0);
  CHECK(checkCount32("4294967295") == "");
  CHECK(checkCount32("4294967296") == "'4294967296' is not a whole number from 1 to 4294967295");
}

TEST_CASE("ids are separated by commas") {
  CHECK(parseIds("7", "--ids") == std::vector<int32_t>{7});
  CHECK(parseIds("1,-2,2147483647", "--ids") == std::vector<int32_t>{1, -2, 2147483647});
  for (const char *bad : {"", ",", "1,", ",1", "1,,2", "1;2", "1 ,2", "2147483648", "0x1"})
    CHECK_THROWS_AS(parseIds(bad, "--ids"), InputError);
  CHECK_THROWS_WITH(parseIds("1,b,3", "--ids"), Catch::StartsWith("--ids: 'b' is not an id"));
}

TEST_CASE("an ids file is an array of integers") {
  const TemporaryFile file("[1, -2, 4095]\n");
  CHECK(readIds(file.path) == std::vector<int32_t>{1, -2, 4095});
  CHECK(idsError("[]") == "");
  CHECK_THAT(idsError("[1, 2"), Catch::Contains("not a JSON array"));
  CHECK_THAT(idsError("{}"), Catch::Contains("not a JSON array"));
  CHECK_THAT(idsError("[1, 2.0]"), Catch::Contains("2.0 at index 1 is not an integer"));
  CHECK_THAT(idsError("[\"1\"]"), Catch::Contains("index 0 is not an integer"));
  CHECK_THAT(idsError("[1, 4294967296]"), Catch::Contains("4294967296 at index 1"));
  CHECK_THAT(idsError("[18446744073709551615]"), Catch::Contains("at index 0"));
}
