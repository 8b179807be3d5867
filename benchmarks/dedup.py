"""Measure the dedup job against Splink, recordlinkage and GoldenMatch, on the same data and cores.

    make bench-dedup                                                 all sections, about 20 minutes
    make bench-dedup ARGS="--sections speed --sizes 10000,100000 --rounds 6"
    make bench-dedup ARGS="--sections speed --sizes 1000000 --skip splink-spark,splink-accurate"
    make bench-dedup ARGS="--sections biometrics"                    captures, three seeds
    make bench-dedup ARGS="--sections incremental --keep"            1 % of new records

The clock runs from the first read to clusters on disk. Starting a session is not in it, nor are
our evaluation and our HTML report; all three are told apart. --keep leaves the figures of sections
measured before in the file, so that sections may run one by one. Memory is the largest sum over all
processes of a program. Runs alternate A B C, C B A, ... after a warm-up; medians are printed.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dedup_arms import OURS, Bench  # noqa: E402
from dedup_checks import hold_against_limits  # noqa: E402
from dedup_data import febrl_data, identity_data  # noqa: E402
from dedup_incremental import run_incremental  # noqa: E402
from dedup_sections import (  # noqa: E402
    run_biometrics,
    run_febrl_rows,
    run_minhash,
    run_speed,
)
from harness.arguments import (  # noqa: E402
    add_cores,
    add_data,
    add_peers,
    bench_parser,
    numbers,
    settings_of,
    some_of,
)
from harness.process import scratch_folder  # noqa: E402
from harness.results import Results  # noqa: E402

from pipelines.core.jars import driver_memory  # noqa: E402
from pipelines.core.machine import memory_bytes  # noqa: E402
from pipelines.dedup.sources import FEBRL_FILES  # noqa: E402

SECTIONS = ("speed", "minhash", "febrl", "biometrics", "incremental")
ARMS = (
    "sangam", "splink-duckdb", "splink-spark", "splink-accurate", "splink", "recordlinkage",
    "goldenmatch",
)  # fmt: skip
PACKAGES = ("pyspark", "delta-spark", "numpy", "numba", "pandas", "pyarrow", "rapidfuzz")
WARM_UP_RECORDS = 10_000


def main() -> int:
    """Run the chosen sections, print the table, write the results."""
    given = parse()
    memory = driver_memory(memory_bytes())
    results = Results(settings_of(given) | {"driver_memory": memory})
    with scratch_folder() as scratch:
        bench = Bench(
            python=sys.executable,
            peers_python=given.peers_python,
            cores=given.cores,
            memory=memory,
            scratch=scratch,
        )
        run_sections(results, bench, given)
    if given.keep:
        results.take_over(given.out)
    hold_against_limits(results)
    results.print()
    results.write(given.out, PACKAGES)
    return 1 if any(OURS in name for name in results.skipped) else 0


def run_sections(results: Results, bench: Bench, given: argparse.Namespace) -> None:
    """Run the sections in a fixed order."""
    arms = [arm for arm in ARMS if arm not in given.skip]
    if "speed" in given.sections:
        warm_up = identity_data(WARM_UP_RECORDS, given.seed, given.data)
        inputs = [identity_data(size, given.seed, given.data) for size in given.sizes]
        run_speed(results, bench, warm_up, inputs, arms, given.rounds)
    if "minhash" in given.sections:
        run_minhash(results, bench, ROOT / "benchmarks" / "dedup_minhash.py")
    if "febrl" in given.sections:
        sets = [febrl_data(name, given.data) for name in FEBRL_FILES]
        run_febrl_rows(results, bench, sets, arms)
    if "biometrics" in given.sections:
        seeds = range(given.seed, given.seed + given.rounds)
        run_biometrics(results, bench, given.captures, seeds)
    if "incremental" in given.sections:
        data = identity_data(given.increment, given.seed, given.data)
        run_incremental(results, bench, data, given.data)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = bench_parser("dedup", __doc__, 3, SECTIONS, first=3)
    add = parser.add_argument
    add("--sizes", type=numbers, default=[100_000], help="records of section speed (%(default)s)")
    add("--skip", type=some_of(ARMS), default=[], help="of " + ", ".join(ARMS))
    add("--seed", type=int, default=7, help="of the synthetic registers (%(default)s)")
    add("--captures", type=int, default=100_000, help="records of biometrics (%(default)s)")
    add("--increment", type=int, default=1_000_000, help="records of incremental (%(default)s)")
    add("--keep", action="store_true", help="leave figures of sections that do not run in --out")
    add_cores(parser)
    add_data(parser)
    add_peers(parser, "bench-dedup")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
