"""check_stats.py FILE NAME=VALUE ...: the statistics of a run have their documented names, agree with each other, and
hold these values."""

import json
import sys

STABLE = ("prefill_tokens", "decode_tokens", "decode_cycles_per_token", "sram_peak_bytes", "sram_capacity_bytes",
          "dram_bytes_per_token", "compulsory_bytes_per_token")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        stats = json.load(file)
    missing = [name for name in STABLE if name not in stats]
    assert not missing, f"not there: {missing}"
    assert len(stats["generated_ids"]) == stats["decode_tokens"]
    assert len(stats["prompt_ids"]) == stats["prefill_tokens"]
    assert 0 < stats["sram_peak_bytes"] <= stats["sram_capacity_bytes"]
    if stats["decode_steps"]:
        off_chip = sum(memory["read_bytes_per_token"] + memory["written_bytes_per_token"]
                       for memory in stats["memories"] if memory["off_chip"])
        assert abs(off_chip - stats["dram_bytes_per_token"]) < 1e-6 * off_chip
        assert stats["dram_bytes_per_token"] >= stats["compulsory_bytes_per_token"] > 0
        assert stats["decode_cycles_per_token"] >= stats["bound_cycles_per_token"] > 0
        energy = stats["energy_joules_per_token"]
        assert 0 < energy["low"] < energy["nominal"] < energy["high"]
        assert all(0 <= share <= 1 for share in stats["utilization"].values())
    for setting in sys.argv[2:]:
        name, value = setting.split("=")
        assert str(stats[name]) == value, f"{name} is {stats[name]}, expected {value}"


main()
