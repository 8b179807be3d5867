"""Write a generated population to disk, the same bytes for the same seed.

    python -m pipelines.credit.generate --customers 20000 --out population

Customers are made in blocks of a thousand, each from random numbers of its own, so memory does not
grow with the population.
"""

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.cli import main_guard
from pipelines.core.privacy import PUBLIC_KEY, PUBLIC_KEY_ID, Tokeniser
from pipelines.credit.config import CreditConfig
from pipelines.credit.synthetic import tables
from pipelines.credit.synthetic.people import BLOCK, make_people, stream
from pipelines.credit.synthetic.transactions import add_defects, make_hot, make_transactions
from pipelines.credit.synthetic.truth import default_probability, realise

AS_OF = date(2026, 3, 1)
"""Business day of generated data."""

TABLES = ("applications", "transactions", "tradelines", "outcomes", "fairness")
TRUTH = "truth"
_EPOCH = date(1970, 1, 1)


def write_population(
    customers: int, folder: Path, config: CreditConfig, as_of: date = AS_OF
) -> Path:
    """Write the tables of a population, each a Parquet file in a folder of its own.

    `truth` beside them holds the probability of default of every application. A complete folder is
    left as it is.

    Args:
        customers: how many.
        folder: where the tables go.
        config: `seed`, `merchant_categories` and `synthetic`.
        as_of: day of the newest applications.
    """
    asked = {
        "customers": customers, "as_of": as_of.isoformat(), "seed": config.seed,
        **config.synthetic.model_dump(),
    }  # fmt: skip
    place = folder / hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]
    if place.exists():
        return place
    draft = place.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    writers: dict[str, pq.ParquetWriter] = {}
    for block in range(-(-customers // BLOCK)):
        numbers = np.arange(block * BLOCK, min(customers, (block + 1) * BLOCK))
        for name, table in make_block(block, numbers, as_of, config):
            if name not in writers:
                (draft / name).mkdir(parents=True)
                writers[name] = pq.ParquetWriter(draft / name / "part-0.parquet", table.schema)
            writers[name].write_table(table)
    for writer in writers.values():
        writer.close()
    draft.rename(place)
    return place


def make_block(
    block: int, numbers: "np.ndarray[tuple[int], np.dtype[np.int64]]", as_of: date,
    config: CreditConfig,
) -> Iterator[tuple[str, pa.Table]]:  # fmt: skip
    """Name and rows of each table of one block."""
    settings, rng = config.synthetic, stream(config.seed, block)
    tokeniser = Tokeniser(PUBLIC_KEY, PUBLIC_KEY_ID)
    people = make_people(rng, numbers, (as_of - _EPOCH).days, settings)
    tokens = tables.customer_tokens(people, tokeniser)
    asked = tables.make_applications(rng, people)
    applications, ids = tables.application_table(asked, people, tokens)
    booked = make_transactions(rng, people, len(config.merchant_categories), settings)
    found = realise(people, booked).take(asked.row)
    p = default_probability(
        found, asked.ratio(people), people.employment[asked.row],
        settings.scenario == "interaction",
    )  # fmt: skip
    delivered = add_defects(rng, booked, settings)
    if block == 0 and settings.hot_rows:
        delivered = delivered.join(make_hot(people, settings.hot_rows))
    yield "applications", applications
    yield (
        "transactions",
        tables.transaction_table(delivered, people, tokens, config.merchant_categories),
    )
    yield "tradelines", tables.tradeline_table(rng, people, tokens, settings.bureau_share)
    yield "outcomes", tables.outcome_table(rng, p, ids, people.snapshot[asked.row])
    yield "fairness", tables.fairness_table(people, tokens)
    yield TRUTH, pa.table({"application_id": ids, "probability": p})


def main() -> int:
    """Command line; exit codes as for every job."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.credit.generate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--customers", type=int, default=20_000, help="how many (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--as-of", type=date.fromisoformat, default=AS_OF, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=CreditConfig().seed, help="(%(default)s)")
    given = parser.parse_args()
    config = CreditConfig(seed=given.seed)
    return main_guard(
        lambda: print(write_population(given.customers, given.out, config, given.as_of))
    )


if __name__ == "__main__":
    sys.exit(main())
