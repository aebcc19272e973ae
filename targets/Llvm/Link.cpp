#include "targets/Llvm/Link.h"

#include "targets/Llvm/Codegen.h"
#include "targets/Llvm/SoftFloat.h"

#include "lld/Common/Driver.h"
#include "llvm/IR/Module.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

namespace llmc::target {

namespace {

/// Everything that is code or constant in one section; everything that would need work at load time
/// is an error.
std::string linkerScript(uint32_t alignment) {
  return fmt::format(R"(
SECTIONS {{
  .blob {0:#x} : {{
    *(.text .text.*)
    . = ALIGN({1});
    *(.rodata .rodata.* .data.rel.ro .data.rel.ro.* .srodata .srodata.* .sdata2 .sdata2.*)
  }}
  .relocations : {{ *(.rel.*) *(.rela.*) *(.relr.*) }}
  .got : {{ *(.got .got.plt .plt .iplt .igot .igot.*) }}
  .mutable : {{ *(.data .data.* .sdata .sdata.* .bss .bss.* .sbss .sbss.* .tdata .tdata.* .tbss .tbss.* COMMON) }}
  .dynamic : {{ *(.dynamic) }}
  ASSERT(SIZEOF(.relocations) == 0, "an address in code or data needs a relocation at load time")
  ASSERT(SIZEOF(.got) == 0, "a symbol is reached through a table of addresses")
  ASSERT(SIZEOF(.mutable) == 0, "writable data")
  /DISCARD/ : {{
    *(.eh_frame*) *(.comment*) *(.note*) *(.ARM.exidx*) *(.ARM.attributes*) *(.riscv.attributes*)
    *(.hexagon.attributes*) *(.llvm*) *(.debug*) *(.stack*)
  }}
}}
)",
                     std::max<uint32_t>(alignment, 0x10000), std::min<uint32_t>(alignment, 128));
}

/// An anonymous file with a path, which is what lld takes as input.
class MemoryFile {
public:
  explicit MemoryFile(llvm::StringRef content) : descriptor(memfd_create("llmc", MFD_CLOEXEC)) {
    size_t done = 0;
    while (descriptor >= 0 && done < content.size()) {
      const ssize_t step = write(descriptor, content.data() + done, content.size() - done);
      if (step < 0 && errno == EINTR)
        continue;
      if (step <= 0)
        return;
      done += size_t(step);
    }
    complete = descriptor >= 0;
  }
  MemoryFile(const MemoryFile &) = delete;
  MemoryFile &operator=(const MemoryFile &) = delete;
  ~MemoryFile() {
    if (descriptor >= 0)
      close(descriptor);
  }
  bool ok() const { return complete; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor); }

private:
  int descriptor;
  bool complete = false;
};

/// lld's own words without its program name and its paths into /proc.
std::string cleaned(llvm::StringRef text) {
  std::string result;
  llvm::SmallVector<llvm::StringRef> lines;
  text.split(lines, '\n', -1, false);
  for (llvm::StringRef line : lines) {
    line = line.trim();
    line.consume_front("ld.lld: ");
    line.consume_front("error: ");
    line.consume_front(">>> ");
    if (!result.empty())
      result += "; ";
    result += line.str();
  }
  return result;
}

/// lld keeps its state in globals.
std::mutex &linkerLock() {
  static std::mutex lock;
  return lock;
}

bool runLinker(const std::vector<std::string> &arguments, std::string &messages) {
  std::vector<const char *> pointers;
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  const std::lock_guard<std::mutex> guard(linkerLock());
  static bool usable = true;
  if (!usable) {
    messages = "the linker crashed earlier in this process";
    return false;
  }
  llvm::raw_string_ostream stream(messages);
  const lld::Result result = lld::lldMain(pointers, stream, stream, {{lld::Gnu, &lld::elf::link}});
  usable = result.canRunAgain;
  return result.retCode == 0;
}

using MemoryFiles = std::vector<std::unique_ptr<MemoryFile>>;

std::vector<std::string> linkerArguments(const MemoryFile &script, const MemoryFiles &objects,
                                         const std::vector<BlobEntry> &entries,
                                         llvm::StringRef output) {
  std::vector<std::string> arguments = {"ld.lld", "-pie", "--no-dynamic-linker"};
  arguments.insert(arguments.end(), {"-z", "text", "--no-relax", "--no-undefined"});
  arguments.insert(arguments.end(), {"--hash-style=sysv", "--threads=1", "--gc-sections"});
  arguments.insert(arguments.end(), {"-e", "0", "-T", script.path(), "-o", output.str()});
  for (const auto &object : objects)
    arguments.push_back(object->path());
  for (const BlobEntry &entry : entries)
    arguments.push_back("--undefined=" + entry.name);
  return arguments;
}

std::optional<std::string> linkObjects(const std::vector<std::string> &objects,
                                       const std::vector<BlobEntry> &entries, const IsaTable &isa,
                                       std::string &error) {
  const MemoryFile script(linkerScript(isa.blobAlignment));
  MemoryFiles files;
  bool ready = script.ok();
  for (const std::string &object : objects) {
    files.push_back(std::make_unique<MemoryFile>(object));
    ready = ready && files.back()->ok();
  }
  if (!ready) {
    error = fmt::format("linking a kernel blob: no memory file: {}", std::strerror(errno));
    return std::nullopt;
  }
  llvm::SmallString<64> output;
  if (const auto code = llvm::sys::fs::createTemporaryFile("llmc-blob", "elf", output)) {
    error = fmt::format("linking a kernel blob: no temporary file: {}", code.message());
    return std::nullopt;
  }
  const llvm::FileRemover remover(output);
  std::string messages;
  if (!runLinker(linkerArguments(script, files, entries, output), messages)) {
    error = fmt::format("kernel blob for '{}': {}. A kernel may hold code and constants only, and "
                        "call nothing outside its blob",
                        isa.name, cleaned(messages));
    return std::nullopt;
  }
  auto buffer = llvm::MemoryBuffer::getFile(output, false, false);
  if (!buffer) {
    error = fmt::format("linking a kernel blob: {}", buffer.getError().message());
    return std::nullopt;
  }
  return (*buffer)->getBuffer().str();
}

/// What a function takes of the stack: a frame is moved to a multiple of 64 where it asks for that.
uint32_t frameBytes(uint64_t frame) { return uint32_t((frame + 127) / 64 * 64); }

/// Takes the section and the entries out of the linked file.
std::optional<Blob> extract(const std::string &linked, const std::vector<BlobEntry> &entries,
                            const IsaTable &isa, std::string &error) {
  const auto fail = [&](llvm::Error cause) {
    error = fmt::format("kernel blob for '{}': {}", isa.name, llvm::toString(std::move(cause)));
    return std::nullopt;
  };
  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(linked, "blob"),
                                                         llvm::file_magic::unknown);
  if (!file)
    return fail(file.takeError());
  Blob blob;
  blob.alignment = isa.blobAlignment;
  uint64_t base = 0;
  for (const llvm::object::SectionRef &section : (*file)->sections()) {
    auto name = section.getName();
    if (!name)
      return fail(name.takeError());
    if (*name != ".blob")
      continue;
    auto content = section.getContents();
    if (!content)
      return fail(content.takeError());
    blob.bytes.assign(content->begin(), content->end());
    base = section.getAddress();
  }
  const bool thumb = llvm::Triple(isa.triple).isThumb();
  for (const BlobEntry &entry : entries)
    for (const llvm::object::SymbolRef &symbol : (*file)->symbols()) {
      auto name = symbol.getName();
      auto value = symbol.getValue();
      if (!name || !value)
        return fail(llvm::joinErrors(name.takeError(), value.takeError()));
      if (*name == entry.name)
        blob.entries.push_back(
            {entry.name, uint32_t((*value - base) | (thumb ? 1 : 0)), entry.stackBytes});
    }
  return blob;
}

} // namespace

std::optional<Blob> linkBlob(const std::vector<std::unique_ptr<llvm::Module>> &modules,
                             const IsaTable &isa, llvm::TargetMachine &machine,
                             std::string &error) {
  std::vector<std::string> objects;
  std::vector<BlobEntry> entries;
  const auto compile = [&](llvm::Module &module) {
    auto object = compileObject(module, isa, machine, error);
    if (object)
      objects.emplace_back(object->bytes.data(), object->bytes.size());
    return object;
  };
  uint64_t helpers = 0;
  for (const auto &module : modules) {
    const auto object = compile(*module);
    if (!object)
      return std::nullopt;
    for (const llvm::Function &function : *module)
      if (!function.isDeclaration() && !function.hasLocalLinkage()) {
        const std::string name = function.getName().str();
        const auto frame = object->frames.find(name);
        entries.push_back({name, 0, frameBytes(frame == object->frames.end() ? 0 : frame->second)});
      }
  }
  if (entries.empty()) {
    error = fmt::format("kernel blob for '{}': no function to enter it by", isa.name);
    return std::nullopt;
  }
  if (isa.softFloat) {
    const auto module = softFloatModule(modules.front()->getContext(), machine, error);
    const auto object = module ? compile(*module) : std::nullopt;
    if (!object)
      return std::nullopt;
    for (const auto &[name, bytes] : object->frames)
      helpers = std::max<uint64_t>(helpers, frameBytes(bytes));
    for (BlobEntry &entry : entries)
      entry.stackBytes += uint32_t(helpers);
  }
  const auto linked = linkObjects(objects, entries, isa, error);
  return linked ? extract(*linked, entries, isa, error) : std::nullopt;
}

} // namespace llmc::target
