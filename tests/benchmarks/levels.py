"""Measure a level generator: python tests/benchmarks/levels.py [MODEL] [-n 1000] [--seed 0].

Prints what came valid out of the network, what repair had to mend, copies and duplicates, and how
close the levels are to levels that were never trained on. Ends non-zero if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

from engine_plugin.levels.store import evaluate_levels
from engine_plugin.runtime.generator import load_generator

MOST_DUPLICATES = 0.02


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="blast/generator")
    parser.add_argument("-n", "--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    generator = load_generator(arguments.model)
    generator.generate(1)
    started = time.perf_counter()
    generator.generate(100, seed=arguments.seed)
    milliseconds = 10 * (time.perf_counter() - started)

    figures = evaluate_levels(arguments.model, arguments.count, arguments.seed)
    figures["milliseconds_per_level"] = round(milliseconds, 2)
    print(json.dumps(figures, indent=1))
    held = (
        figures["valid"] == 1.0
        and figures["copies"] == 0
        and max(figures["duplicates"], figures["duplicates_drawn"]) <= MOST_DUPLICATES
    )
    print(
        f"{figures['levels']} levels: valid {figures['valid']:.1%} "
        f"(as drawn {figures['raw_valid']:.1%}, repaired {figures['repaired']:.1%}), "
        f"copies {figures['copies']:.1%}, duplicates drawn {figures['duplicates_drawn']:.1%}: "
        f"{'targets met' if held else 'TARGETS MISSED'}"
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
