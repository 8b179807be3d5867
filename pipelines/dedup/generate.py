"""Seeded synthetic identities with known truth: `synthetic:N[,seed=7]`.

    python -m pipelines.dedup.generate --records 100000 --seed 7 --out DIR
    python -m pipelines.dedup.generate --records 1000000 --out DIR --modalities demographic

Equal arguments give equal bytes, at any number of workers. Nothing here is a real person: names
and addresses are put together from tables, and the identity numbers cannot exist. Without captures
there are no identity changes, for they consist of captures alone.
"""

import argparse
import multiprocessing
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.core.errors import ConfigError, SangamError
from pipelines.core.machine import usable_cores
from pipelines.dedup.synthetic.config import SyntheticConfig
from pipelines.dedup.synthetic.people import Block
from pipelines.dedup.synthetic.writer import Layout, write_block, write_part, write_truth

MAX_FINGERS = 10

Modalities = Literal["all", "demographic"]


@dataclass(frozen=True)
class SyntheticSet:
    """What was written.

    Attributes:
        enrolments: folder of the Parquet parts.
        entities: enrolment_id, entity_id, kind (first, exact, noisy, moved, identity_change).
        pairs: id_a, id_b, kind of every true pair.
        records, people: how many.
    """

    enrolments: Path
    entities: Path
    pairs: Path
    records: int
    people: int


def write_synthetic(
    records: int,
    folder: Path,
    seed: int = 7,
    modalities: Modalities = "all",
    fingers: int = 2,
    workers: int | None = None,
    config: SyntheticConfig | None = None,
) -> SyntheticSet:
    """Write a synthetic register and its truth.

    Under equal shares the demographics are the same with and without captures.

    Args:
        records: rows of the register.
        folder: where `enrolments/` and `truth/` go; an older set there is replaced.
        seed: 0 to 2^63 - 1.
        modalities: `demographic` leaves the column of captures out.
        fingers: fingers per record, thumbs first.
        workers: processes; the usable processors when None. The bytes do not depend on it.
        config: shares and sizes; those of `SyntheticConfig.usual` when None.

    Raises:
        ConfigError: an argument is out of its range.
    """
    _check(records, seed, modalities, fingers, workers)
    is_plain = modalities == "demographic"
    config = config or SyntheticConfig.usual(has_captures=not is_plain)
    part_records = config.plain_part_records if is_plain else config.part_records
    layout = Layout(
        folder=Path(folder),
        config=config,
        fingers=0 if is_plain else fingers,
        parts=-(-records // part_records),
        blocks=_plan_blocks(records, seed, config),
    )
    _clear(layout)
    tasks = max(len(layout.blocks), layout.parts)
    _run(layout, min(workers or usable_cores(), tasks))
    entities, pairs = write_truth(layout)
    shutil.rmtree(layout.work)
    people = sum(block.people for block in layout.blocks)
    return SyntheticSet(layout.folder / "enrolments", entities, pairs, records, people)


def _check(records: int, seed: int, modalities: str, fingers: int, workers: int | None) -> None:
    """Refuse arguments out of range, by name."""
    if records < 1:
        raise ConfigError(f"records is {records}; ask for at least 1")
    if not 0 <= seed < 2**63:
        raise ConfigError(f"seed is {seed}; use 0 to 2^63 - 1")
    if modalities not in ("all", "demographic"):
        raise ConfigError(f"modalities is {modalities!r}; use all or demographic")
    if not 1 <= fingers <= MAX_FINGERS:
        raise ConfigError(f"fingers is {fingers}; use 1 to {MAX_FINGERS}")
    if workers is not None and workers < 1:
        raise ConfigError(f"workers is {workers}; use at least 1")


def _plan_blocks(records: int, seed: int, config: SyntheticConfig) -> tuple[Block, ...]:
    """Blocks of equal size; later records are shared out so that their total is exact."""
    blocks = []
    for number, first in enumerate(range(0, records, config.block_records)):
        last = min(first + config.block_records, records)
        before, upto = (round(config.later.share * edge) for edge in (first, last))
        people = last - first - (upto - before)
        blocks.append(Block(seed, number, first - before, people, first, upto - before))
    return tuple(blocks)


def _clear(layout: Layout) -> None:
    """Remove an older set of the same folder; other files there are left alone."""
    shutil.rmtree(layout.work, ignore_errors=True)
    for old in layout.folder.glob("enrolments/part-*.parquet"):
        old.unlink()
    for name in ("enrolments", "truth", layout.work.name):
        (layout.folder / name).mkdir(parents=True, exist_ok=True)


def _run(layout: Layout, workers: int) -> None:
    """Write all blocks, then all parts; in this process where one worker is enough."""
    steps: tuple[tuple[Callable[[Layout, int], None], int], ...] = (
        (write_block, len(layout.blocks)),
        (write_part, layout.parts),
    )
    if workers == 1:
        for step, count in steps:
            for number in range(count):
                step(layout, number)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        for step, count in steps:
            list(pool.map(step, [layout] * count, range(count)))


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Write a synthetic identity register.")
    parser.add_argument("--records", type=int, required=True, help="rows of the register")
    parser.add_argument("--seed", type=int, default=7, help="equal seed, equal bytes (default 7)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--modalities", default="all", help="all or demographic (default all)")
    parser.add_argument("--fingers", type=int, default=2, help="1 to 10 (default 2, the thumbs)")
    parser.add_argument("--workers", type=int, help="processes (default: usable processors)")
    given = parser.parse_args(arguments)
    try:
        made = write_synthetic(
            given.records, given.out, given.seed, given.modalities, given.fingers, given.workers
        )
    except SangamError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{made.records} records of {made.people} people in {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
