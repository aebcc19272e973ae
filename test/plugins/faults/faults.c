/* A plugin that takes every kernel and writes a byte of code for each. FAULT says what it does
 * wrong; "none" is right. Without it the environment's LLMC_FAULT does, a deed and a function:
 * "crash pack". */
#include "llmc/target_plugin.h"
#include "runtime/base/device.h"

#include "small_machine.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef FAULT
#define FAULT asked_fault()
static const char *asked_fault(void) {
  const char *asked = getenv("LLMC_FAULT");
  return asked ? asked : "none";
}
#endif

void throw_error(void);

static int is(const char *fault) { return strcmp(FAULT, fault) == 0; }

/* Whether FAULT is something that `function` does. */
static int is_in(const char *function) {
  const char *at = strchr(FAULT, ' ');
  return at && strcmp(at + 1, function) == 0;
}

static void misbehave(const char *function) {
  if (!is_in(function))
    return;
  if (strncmp(FAULT, "crash ", 6) == 0)
    raise(SIGSEGV);
  if (strncmp(FAULT, "abort ", 6) == 0)
    abort();
  if (strncmp(FAULT, "exit ", 5) == 0)
    exit(0);
  if (strncmp(FAULT, "throw ", 6) == 0)
    throw_error();
  if (strncmp(FAULT, "stumble ", 8) == 0) { /* once */
    static int stumbled;
    if (!stumbled++)
      throw_error();
  }
  if (strncmp(FAULT, "wait ", 5) == 0) { /* for a signal, of who reads this */
    printf("%ld\n", (long)getpid());
    fflush(stdout);
  }
  if (strncmp(FAULT, "hang ", 5) == 0 || strncmp(FAULT, "wait ", 5) == 0)
    for (;;)
      pause();
}

__attribute__((constructor)) static void construct(void) { misbehave("constructor"); }
__attribute__((destructor)) static void destruct(void) { misbehave("destructor"); }

static int check_machine(const llmc_target_call *call) {
  (void)call;
  misbehave("check_machine");
  return 1;
}

static int supports(const llmc_target_call *call, const llmc_kernel *kernel) {
  misbehave("supports");
  if (is("crash odd") && kernel->matmul && kernel->matmul->k.value == 17)
    raise(SIGSEGV);
  if (is("trample supports")) /* on an object of llmc, which falls over it afterwards */
    memset(call->reason->ctx, 0x41, sizeof(void *));
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
  misbehave("packed_bytes");
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
  misbehave("packed_rows_bytes");
  *bytes = (uint64_t)rows->tokens.value * rows->sub_rows * rows->columns;
  return 1;
}

static const llmc_variant *variants(const llmc_target_call *call, uint32_t *n_variants) {
  static const llmc_variant list[] = {{"one", 1, 1, 1024, 0}, {"one", 1, 1, 1024, 0}};
  (void)call;
  misbehave("variants");
  *n_variants = is("twins") ? 2 : 1;
  return is("no-variants") ? NULL : list;
}

static int emit_kernels(const llmc_target_call *call, const llmc_variant *variant,
                        const llmc_kernel *kernels, uint32_t n_kernels,
                        const llmc_blob_sink *blob) {
  (void)variant;
  (void)kernels;
  misbehave("emit_kernels");
  if (is("misuse emit_kernels")) /* llmc reads what is no table */
    return call->host->lower_llvm(call, kernels, n_kernels, (const llmc_isa_table *)64, blob);
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

static int disassemble(const llmc_target_call *call, const uint8_t *code, uint64_t size,
                       const llmc_sink *text) {
  (void)call;
  (void)code;
  (void)size;
  misbehave("disassemble");
  text->write(text->ctx, "byte", 4);
  return 1;
}

/* A device that does nothing, at once. */
static llmc_status done_by(const char *function) {
  const llmc_status done = {LLMC_OK, LLMC_AT_NOWHERE, 0};
  misbehave(function);
  return done;
}

static llmc_status match(void *ctx, const llmc_target_info *target) {
  (void)ctx;
  (void)target;
  return done_by("match");
}

static llmc_status load(void *ctx, uint32_t kernel, const void *code, size_t code_size) {
  (void)ctx;
  (void)kernel;
  (void)code;
  (void)code_size;
  return done_by("load");
}

static llmc_status submit(void *ctx, const llmc_dispatch *dispatch) {
  (void)ctx;
  (void)dispatch;
  return done_by("submit");
}

static llmc_status poll(void *ctx, uint32_t queue, uint32_t tag) {
  (void)ctx;
  (void)queue;
  (void)tag;
  return done_by("poll");
}

static void close_device(void *handle) {
  (void)handle;
  misbehave("close");
}

static int open_device(const llmc_target_call *call, const char *variant,
                       llmc_opened_device *device) {
  static const llmc_device table = {.struct_size = sizeof(llmc_device),
                                    .abi = LLMC_DEVICE_ABI,
                                    .match = match,
                                    .load = load,
                                    .submit = submit,
                                    .poll = poll};
  (void)call;
  (void)variant;
  misbehave("open_device");
  device->table = &table;
  device->isa = "none";
  device->close = close_device;
  return 1;
}

static int has_device(void) {
  static const char *const functions[] = {"open_device", "match", "load",
                                          "submit",      "poll",  "close"};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; ++i)
    if (is_in(functions[i]))
      return 1;
  return is("device");
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
                               .check_machine = check_machine,
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
  target.open_device = has_device() ? open_device : NULL;
  target.disassemble = is_in("disassemble") ? disassemble : NULL;
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
