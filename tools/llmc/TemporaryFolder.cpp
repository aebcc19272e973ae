#include "tools/llmc/TemporaryFolder.h"

#include "tools/llmc/Errors.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace llmc {

TemporaryFolder::TemporaryFolder(const std::string &name) {
  std::error_code failed;
  std::filesystem::path place = std::filesystem::temp_directory_path(failed);
  std::string made = (place / (name + "-XXXXXX")).string();
  if (const char *asked = std::getenv("TMPDIR"); place.empty() && asked)
    place = asked; // An unusable one was not returned.
  if (!failed && !mkdtemp(made.data()))
    failed = {errno, std::generic_category()};
  if (failed)
    throw InputError("no folder can be made for temporary files in '" + place.string() +
                     "': " + failed.message() + "; set TMPDIR to one that can be written");
  path = made;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path.empty())
    std::filesystem::remove_all(path, ignored);
}

} // namespace llmc
