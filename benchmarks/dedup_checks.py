"""Acceptance rows of the dedup job that this benchmark can measure (docs: dedup, acceptance)."""

from harness.results import Results

# name of the row, figure, least, most; figures that were not measured stay "not measured".
LIMITS: tuple[tuple[str, str, float | None, float | None], ...] = (
    ("D3 minhash, records/s/core", "minhash ours", 30_000, None),
    ("D18 identity_100000 precision", "identity_100000 sangam precision", 0.98, None),
    ("D18 identity_100000 recall", "identity_100000 sangam recall", 0.95, None),
    ("D18 identity_100000 F1", "identity_100000 sangam f1", 0.985, None),
    ("D18 identity_100000 reduction", "identity_100000 sangam reduction_ratio", 0.999, None),
    ("D24 febrl3 with id, F1", "febrl3 with id sangam f1", 0.9995, None),
    ("D25 febrl3 without id, F1", "febrl3 without id sangam f1", 0.9995, None),
    ("D25 febrl3 without id, errors", "febrl3 without id sangam errors", None, 6),
    ("D26 febrl4 with id, F1", "febrl4 with id sangam f1", 0.9998, None),
    ("D26 febrl4 with id, errors", "febrl4 with id sangam errors", None, 2),
    ("D26 febrl4 without id, F1", "febrl4 without id sangam f1", 0.999, None),
    ("D27 FNIR", "biometrics fnir", None, 0.00035),
    ("D27 FPIR", "biometrics fpir", None, 0.00057),
    ("D27 reviews per million", "biometrics reviews_per_million", None, 570),
    ("D28 identity_1000000, seconds", "identity_1000000 sangam seconds", None, 120),
    ("D28 identity_1000000, peak MiB", "identity_1000000 sangam peak memory", None, 8192),
    ("D17 increment equals full run", "incremental identity_1000000 equals the full run", 1, None),
)
DECIMALS = 4


def hold_against_limits(results: Results) -> None:
    """Fill the acceptance rows from the figures of this run."""
    for name, figure, least, most in LIMITS:
        value = results.value(figure)
        if value is not None and least is not None and least < 1:
            value = round(value, DECIMALS)  # the rows are stated at four decimals
        results.check(name, value, least, most)
    ours, spark = "identity_100000 sangam seconds", "identity_100000 splink-spark seconds"
    duckdb, large = "identity_100000 splink-duckdb seconds", "identity_1000000 sangam seconds"
    results.check("D22 time at 1,000,000 / at 100,000", _divide(results, large, ours), None, 13)
    results.check("D29 splink-spark / sangam, seconds", _divide(results, spark, ours), 10, None)
    results.check("D29 sangam / splink-duckdb, seconds", _divide(results, ours, duckdb), None, 3)
    whole, more = (
        f"incremental identity_1000000 {what} seconds" for what in ("full run on all", "increment")
    )
    results.check("D17 increment / full run, seconds", _divide(results, more, whole), None, 0.1)
    results.check("D18 F1 minus the better Splink arm's", _lead(results), 0, None)


def _divide(results: Results, part: str, whole: str) -> float | None:
    above, below = results.value(part), results.value(whole)
    return None if above is None or not below else above / below


def _lead(results: Results) -> float | None:
    ours = results.value("identity_100000 sangam f1")
    arms = ("splink-duckdb", "splink-spark", "splink-accurate")
    peers = [results.value(f"identity_100000 {arm} f1") for arm in arms]
    known = [peer for peer in peers if peer is not None]
    return ours - max(known) if ours is not None and known else None
