"""Runs the simulation: `python -m tests.sim --seed N --steps K --runs M [--mutant NAME]`."""

import argparse
import sys
import time
from collections import Counter
from contextlib import nullcontext

from tests.sim.mutants import MUTANTS, mutated
from tests.sim.run import simulate
from tests.sim.telling import telling
from tests.sim.weather import Weather


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def calm(seed: int) -> Weather:
    """Return the weather of a run in which nothing but users does anything."""
    return Weather(user_pause_s=(0.02, 0.5, 5.0, 60.0)[seed % 4])


def main() -> int:
    """Run, and print the story of the first failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--devices", type=int, default=3)
    parser.add_argument("--mutant", choices=sorted(MUTANTS))
    parser.add_argument("--twice", action="store_true", help="run each seed twice and compare")
    parser.add_argument("--keep-going", action="store_true", help="count failures and print the last line of each")
    parser.add_argument("--tell", action="store_true", help="tell what the engines did as well")
    parser.add_argument("--calm", action="store_true", help="no faults, only users")
    options = parser.parse_args()
    asked, hit, failures = Counter[str](), Counter[str](), 0
    began_s = time.process_time()
    with mutated(options.mutant) if options.mutant else nullcontext(), telling() if options.tell else nullcontext():
        for seed in range(options.seed, options.seed + options.runs):
            trace = simulate(seed, options.steps, options.devices, calm(seed) if options.calm else None)
            asked += trace.asked
            hit += trace.hit
            if (
                options.twice
                and simulate(seed, options.steps, options.devices, calm(seed) if options.calm else None).lines
                != trace.lines
            ):
                say(f"seed {seed} gives two histories")
                return 2
            if trace.failure is not None:
                failures += 1
                if not options.keep_going:
                    say(str(trace))
                    return 1
                say(f"seed {seed}: {str(trace.failure)[:300]}")
    took_s = time.process_time() - began_s
    never = sorted(asked.keys() - hit.keys())
    say(f"{options.runs} runs, {failures} failures, {took_s / options.runs:.2f} s each; never forced: {never}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
