// Reads ONNX files without copying them. The files are untrusted: whatever they hold, the result is
// a model whose every span lies inside a mapping, or one error.
#pragma once

#include "compiler/Import/Onnx/OnnxModel.h"
#include "compiler/Support/MappedFile.h"

#include <deque>
#include <map>
#include <memory>
#include <string>

namespace llmc::onnx {

/// Owner of everything that a model's views refer to.
struct Storage {
  std::string folder; ///< External data are looked for here.
  std::shared_ptr<const MappedFile> file;
  std::map<std::string, std::shared_ptr<const MappedFile>, std::less<>> external; ///< By location.
  /// Elements that the file stores one by one (float_data and the like), decoded.
  std::deque<std::vector<char>> decoded;
};

/// A model and the mappings behind it.
class OnnxFile {
public:
  /// Maps and reads `path` and the external data beside it. On failure null, and `error` says what
  /// is wrong, where, and what to do.
  static std::shared_ptr<const OnnxFile> open(const std::string &path, std::string &error);

  const Model &model() const { return contents; }
  const std::string &path() const { return storage.file->path(); }

  /// Gives the memory of mapped bytes back, whichever of the files they lie in. They stay readable.
  void dropPages(std::span<const char> bytes) const;

private:
  Storage storage;
  Model contents;
};

} // namespace llmc::onnx
