// A compiler library of another build, as compiler/Library/CompilerLibrary.h lays it out.
struct CompilerLibrary {
  const char *interface;
  const void *compiler;
};

const struct CompilerLibrary *llmcCompilerLibrary(void);

const struct CompilerLibrary *llmcCompilerLibrary(void) {
  static const struct CompilerLibrary library = {"0.0.9-of-yesterday", 0};
  return &library;
}
