// Entries and their steps.
#ifndef LLMC_DIALECTS_PLAN_PLANSTEPS
#define LLMC_DIALECTS_PLAN_PLANSTEPS

def Plan_SymbolArrayAttr : TypedArrayAttrBase<FlatSymbolRefAttr, "symbols">;
def Plan_TensorArrayAttr : TypedArrayAttrBase<Plan_TensorAttr, "tensors">;
def Plan_PeakArrayAttr : TypedArrayAttrBase<Plan_PeakAttr, "peaks of regions">;

def EntryOp : Plan_Record<"entry", [SingleBlock, NoTerminator, NoRegionArguments, Plan_Refers]> {
  let summary = "What the runtime can be asked to do";
  let description = [{
    `chunk` is the most tokens of a call, `pos_max` the last position it may start from (without states positions are 0), `row` the parameter
    that picks the first row of a kept buffer and `row_max` its most. Token ids are below `vocab`. An entry uses every region whole, but
    those in `peak`. `est_cycles` comes with the kernels' blobs. Steps run in order; the last one, and no other, is `plan.end`.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<StrAttr>:$name, Plan_EntryKindAttr:$kind,
                       ConfinedAttr<I64Attr, [IntPositive, IntMaxValue<4294967295>]>:$chunk, DefaultValuedAttr<Plan_U32, "0">:$pos_max,
                       OptionalAttr<FlatSymbolRefAttr>:$row, DefaultValuedAttr<Plan_U32, "0">:$row_max, DefaultValuedAttr<Plan_U32, "0">:$vocab,
                       DefaultValuedAttr<Plan_SymbolArrayAttr, "{}">:$targets, DefaultValuedAttr<Plan_SymbolArrayAttr, "{}">:$states,
                       DefaultValuedAttr<Plan_TensorArrayAttr, "{}">:$inputs, DefaultValuedAttr<Plan_TensorArrayAttr, "{}">:$outputs,
                       DefaultValuedAttr<Plan_PeakArrayAttr, "{}">:$peak, DefaultValuedAttr<Plan_U64, "0">:$est_cycles,
                       DefaultValuedAttr<Plan_U64, "0">:$max_cycles, OptionalAttr<StrAttr>:$variant);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name (`name` $name^)? `` $kind `chunk` $chunk (`pos_max` $pos_max^)? (`row` $row^ `max` $row_max)? (`vocab` $vocab^)? (`on` $targets^)?
    (`states` $states^)? (`inputs` $inputs^)? (`outputs` $outputs^)? (`peak` $peak^)? (`est_cycles` $est_cycles^)? (`max_cycles` $max_cycles^)?
    (`variant` $variant^)? attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
}

class Plan_Step<string mnemonic, list<Trait> traits = []>
    : Plan_Op<mnemonic, !listconcat([ParentOneOf<["EntryOp", "LoopOp"]>], traits)>;

def EndOp : Plan_Step<"end"> {
  let summary = "Waits for everything and ends the entry";
  let assemblyFormat = "attr-dict";
}

def DispatchOp : Plan_Step<"dispatch", [Plan_Refers]> {
  let summary = "Submits a kernel";
  let description = [{ As many operands as the kernel has arguments, in its target's order. }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, FlatSymbolRefAttr:$queue, Plan_SymbolArrayAttr:$args);
  let assemblyFormat = "$kernel `on` $queue `args` $args attr-dict";
}

def CopyOp : Plan_Step<"copy", [Plan_Refers]> {
  let summary = "Submits a copy between two operands";
  let description = [{ The step `dma` of the file; `shape` is a plan.dma. }];
  let arguments = (ins FlatSymbolRefAttr:$source, FlatSymbolRefAttr:$destination, FlatSymbolRefAttr:$shape, FlatSymbolRefAttr:$queue);
  let assemblyFormat = "$source `to` $destination `by` $shape `on` $queue attr-dict";
}

def PrefetchOp : Plan_Step<"prefetch", [Plan_Refers]> {
  let summary = "Starts a read from a paged region";
  let arguments = (ins FlatSymbolRefAttr:$source, FlatSymbolRefAttr:$destination, Plan_U32:$bytes);
  let assemblyFormat = "$source `to` $destination `bytes` $bytes attr-dict";
}

def WaitOp : Plan_Step<"wait", [Plan_Refers]> {
  let summary = "Waits until at most `outstanding` of the last submissions are under way";
  let description = [{ To `queue`, or without one to the source of prefetches. }];
  let arguments = (ins OptionalAttr<FlatSymbolRefAttr>:$queue, Plan_U32:$outstanding);
  let assemblyFormat = "(`on` $queue^)? `outstanding` $outstanding attr-dict";
}

def BarrierOp : Plan_Step<"barrier"> {
  let summary = "Waits until nothing is outstanding";
  let assemblyFormat = "attr-dict";
}

def CacheCleanOp : Plan_Step<"cache_clean", [Plan_Refers]> {
  let summary = "Writes what the CPU cached of an operand back to memory";
  let arguments = (ins FlatSymbolRefAttr:$operand, FlatSymbolRefAttr:$queue);
  let assemblyFormat = "$operand `on` $queue attr-dict";
}

def CacheInvalidateOp : Plan_Step<"cache_invalidate", [Plan_Refers]> {
  let summary = "Drops what the CPU cached of an operand";
  let arguments = (ins FlatSymbolRefAttr:$operand, FlatSymbolRefAttr:$queue);
  let assemblyFormat = "$operand `on` $queue attr-dict";
}

def LoopOp : Plan_Step<"loop", [SingleBlock, NoTerminator, NoRegionArguments, Plan_Refers]> {
  let summary = "Steps that run a bounded number of times";
  let description = [{ `counter` is a loop parameter and counts the rounds done. Either `times` or, where a parameter gives the number, `times_param`. }];
  let arguments = (ins FlatSymbolRefAttr:$counter, OptionalAttr<Plan_U16>:$times, OptionalAttr<FlatSymbolRefAttr>:$times_param);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$counter (`times` $times^)? (`times_param` $times_param^)? attr-dict-with-keyword $body";
  let hasVerifier = 1;
}

def KvCommitOp : Plan_Step<"kv_commit", [Plan_Refers]> {
  let summary = "At the end of the entry the position becomes the length of the KV cache";
  let arguments = (ins FlatSymbolRefAttr:$state);
  let assemblyFormat = "$state attr-dict";
}

def GatherOp : Plan_Step<"gather", [Plan_Refers]> {
  let summary = "Copies rows of a table, picked by ids";
  let description = [{
    Row ids[i] of `table` goes to row i of `destination`. An id of `bound` or more is an error. From a paged region each row is a read, as
    of a prefetch.
  }];
  let arguments = (ins FlatSymbolRefAttr:$table, FlatSymbolRefAttr:$ids, FlatSymbolRefAttr:$destination, Plan_U32:$row_bytes, Plan_U32:$bound);
  let assemblyFormat = "$table `by` $ids `to` $destination `row_bytes` $row_bytes `bound` $bound attr-dict";
}

def HostCallOp : Plan_Step<"host_call", [Plan_Refers]> {
  let summary = "Calls the platform's hook";
  let arguments = (ins Plan_U16:$function, Plan_SymbolArrayAttr:$args);
  let assemblyFormat = "$function `args` $args attr-dict";
}

def YieldOp : Plan_Step<"yield"> {
  let summary = "Gives the caller a turn: poll returns once in between";
  let assemblyFormat = "attr-dict";
}

def MarkOp : Plan_Step<"mark"> {
  let summary = "A number for the trace";
  let arguments = (ins Plan_U16:$id);
  let assemblyFormat = "$id attr-dict";
}

#endif
