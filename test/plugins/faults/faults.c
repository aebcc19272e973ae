/* A plugin that takes every kernel and writes a byte of code for each. FAULT says what it does
 * wrong; "none" is right. */
#include "llmc/target_plugin.h"

#include "small_machine.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int is(const char *fault) { return strcmp(FAULT, fault) == 0; }

/* What a function named in "crash FUNCTION" does. */
static void misbehave(const char *function) {
  const char *at = strchr(FAULT, ' ');
  if (!at || strcmp(at + 1, function) != 0)
    return;
  if (strncmp(FAULT, "crash", 5) == 0)
    raise(SIGSEGV);
  if (strncmp(FAULT, "abort", 5) == 0)
    abort();
  if (strncmp(FAULT, "exit", 4) == 0)
    exit(0);
  if (strncmp(FAULT, "hang", 4) == 0)
    for (;;)
      pause();
}

static int supports(const llmc_target_call *call, const llmc_kernel *kernel) {
  (void)call;
  (void)kernel;
  misbehave("supports");
  if (is("seven"))
    return 7;
  if (is("silent"))
    return 0;
  return 1;
}

static int describe(const llmc_target_call *call, llmc_properties *properties) {
  (void)call;
  misbehave("describe");
  properties->row_granule = is("granule") ? 0 : 1;
  return 1;
}

static int packed_bytes(const llmc_target_call *call, const llmc_weight_shape *shape,
                        uint64_t *bytes) {
  if (is("liar"))
    return llmc_refuse(call, "there is no room for them");
  *bytes = is("empty") ? 0 : (uint64_t)shape->rows * (shape->columns + 4);
  return 1;
}

static int pack(const llmc_target_call *call, const llmc_weights *weights, uint8_t *out,
                uint64_t bytes) {
  (void)call;
  misbehave("pack");
  memset(out, weights->elements[0], (size_t)bytes);
  if (is("beyond"))
    out[bytes] = 0;
  return 1;
}

static int packed_rows_bytes(const llmc_target_call *call, const llmc_pack_rows *rows,
                             uint64_t *bytes) {
  (void)call;
  *bytes = (uint64_t)rows->tokens.value * rows->sub_rows * rows->columns;
  return 1;
}

static const llmc_variant *variants(const llmc_target_call *call, uint32_t *n_variants) {
  static const llmc_variant list[] = {{"one", 1, 1, 1024, 0}, {"one", 1, 1, 1024, 0}};
  (void)call;
  *n_variants = is("twins") ? 2 : 1;
  return is("no-variants") ? NULL : list;
}

static int emit_kernels(const llmc_target_call *call, const llmc_variant *variant,
                        const llmc_kernel *kernels, uint32_t n_kernels,
                        const llmc_blob_sink *blob) {
  (void)variant;
  (void)kernels;
  misbehave("emit_kernels");
  if (is("cannot-emit"))
    return llmc_refuse(call, "the encoder is on holiday");
  for (uint32_t i = 0; i < n_kernels; ++i) {
    const uint8_t code = (uint8_t)i;
    blob->code(blob->ctx, &code, 1, is("alignment") ? 48 : 16);
    if (!is("entries") || i > 0)
      blob->entry(blob->ctx, is("outside") ? n_kernels : i, 0);
  }
  return 1;
}

/* The machine with one string of its description replaced. */
static const char *machine_with(const char *from, const char *to) {
  static char text[sizeof small_machine + 256];
  const char *at = strstr((const char *)small_machine, from);
  if (!at)
    abort();
  snprintf(text, sizeof text, "%.*s%s%s", (int)(at - (const char *)small_machine),
           (const char *)small_machine, to, at + strlen(from));
  return text;
}

static const char *machine_text(void) {
  if (is("not-json"))
    return "machine: small";
  if (is("other-target"))
    return machine_with("\"target\": \"small\"", "\"target\": \"large\"");
  if (is("two-srams"))
    return machine_with("\"kind\": \"dram\"", "\"kind\": \"sram\"");
  if (is("same-memory"))
    return machine_with("\"name\": \"dram\"", "\"name\": \"cache\"");
  if (is("taken-machine"))
    return machine_with("\"name\": \"small\"", "\"name\": \"rnpu-soc\"");
  if (is("no-memory"))
    return machine_with("\"bytes\": { \"value\": 2097152", "\"bytes\": { \"value\": 0");
  if (is("stream"))
    return machine_with("\"dispatch\": \"kernel\",", "");
  return (const char *)small_machine;
}

#ifdef NO_ENTRY
#define EXPORT __attribute__((visibility("hidden")))
#else
#define EXPORT LLMC_PLUGIN_EXPORT
#endif

EXPORT const llmc_plugin *llmc_target_plugin(void);
EXPORT const llmc_plugin *llmc_target_plugin(void) {
  static const char *machine;
  static llmc_target target = {sizeof(llmc_target),
                               1,
                               "small",
                               NULL,
                               &machine,
                               .describe = describe,
                               .packed_bytes = packed_bytes,
                               .pack = pack,
                               .packed_rows_bytes = packed_rows_bytes,
                               .variants = variants,
                               .emit_kernels = emit_kernels};
  static const llmc_target *const targets[] = {&target};
  static llmc_plugin plugin = {sizeof(llmc_plugin),
                               LLMC_TARGET_PLUGIN_VERSION_MAJOR,
                               LLMC_TARGET_PLUGIN_VERSION_MINOR,
                               1,
                               LLMC_TARGET_PLUGIN_LAYOUT,
                               "small",
                               "1.0",
                               targets};
  misbehave("llmc_target_plugin");
  machine = machine_text();
  target.supports = is("no-supports") ? NULL : supports;
  if (is("no-name"))
    target.name = NULL;
  if (is("taken-target"))
    target.name = "rnpu";
  if (is("version"))
    plugin.version_minor += 7;
  if (is("struct-size"))
    plugin.struct_size = 24;
  if (is("layout"))
    plugin.layout[0] += 8;
  return is("null") ? NULL : &plugin;
}
