"""Point-in-time features: the vectors V1 to V7, and every feature against the naive oracle."""

import random
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pickle import PicklingError

import pytest
from pyspark.sql import functions as F

from pipelines.credit.config import SaltSettings
from tests.spark.credit.oracle import naive_features
from tests.spark.credit.rows import AS_OF, CONFIG, days_of, features_of, transaction

BALANCE_DAY = date(2026, 4, 1)
JANUARY = transaction(1, date(2026, 1, 5), 5, monthly_balance_paise=1_000_000)
GAP = [JANUARY, transaction(30, date(2026, 3, 9), 5, monthly_balance_paise=4_000_000)]
FIVE = [transaction(i, 30 + i, 500 + i) for i in range(5)]
THREE = [transaction(i, 10 + i, amount) for i, amount in enumerate((10_000, 20_000, 30_000))]
INFLOW = [
    transaction(i, day, amount, direction="CREDIT")
    for i, (day, amount) in enumerate(
        (
            (date(2025, 12, 5), 5_000_000),
            (date(2026, 1, 5), 5_000_000),
            (date(2026, 2, 5), 8_000_000),
        )
    )
]
SHOPS = [
    transaction(i, 20 + i, 5, kind="UPI", merchant_category=shop)
    for i, shop in enumerate(["GROCERY"] * 6 + ["FUEL"] * 3 + ["MEDICAL"] * 3 + ["UNHEARD_OF"])
]
LARGE = [transaction(i, 10, 10**12 - i) for i in range(3)]
CASES = {
    "window": [
        transaction(i, day, 10**i)
        for i, day in enumerate(
            (date(2024, 2, 29), date(2024, 3, 1), date(2026, 2, 28), date(2026, 3, 1))
        )
    ],
    "five": FIVE,
    "five_and_later": FIVE + [
        transaction(100 + i, -i, 10**9, credit_utilization=9.0, kind="EMI_BOUNCE") for i in range(3)
    ],
    "days_180": [transaction(1, date(2025, 9, 2), 5), transaction(2, 1, 5)],
    "days_179": [transaction(1, date(2025, 9, 3), 5), transaction(2, 1, 5)],
    "three": THREE, "one": THREE[:1], "large": LARGE, "inflow": INFLOW, "two_months": INFLOW[1:],
    "shops": SHOPS, "one_shop": SHOPS[:2], "borrower": [transaction(1, 1, 5)],
}  # fmt: skip
BALANCES = {
    "even": [
        JANUARY,
        *(transaction(10 + i, date(2026, 2, 3 + i), 5, monthly_balance_paise=9_000_000) for i in range(8)),
        transaction(30, date(2026, 3, 9), 5, monthly_balance_paise=2_000_000),
    ],
    "gap": GAP,
    "two_accounts": [
        *GAP,
        transaction(40, date(2026, 3, 9), 5, account_id="c1.1", monthly_balance_paise=600_000),
    ],
}  # fmt: skip
SINCE = {"a": date(2025, 1, 31), "b": date(2025, 3, 1), "c": None, "d": date(2000, 1, 1)}
LINES = (
    "tradeline_id string, customer_id string, reported_date date, opened_date date, sanctioned_limit_paise long,"
    " outstanding_balance_paise long, days_past_due array<int>, status string"
)
OLD, NEW = date(2026, 1, 1), date(2026, 2, 1)
REPORTS = [
    ("l1", "borrower", OLD, OLD, 100, 90, [90] * 36, "ACTIVE"), ("l1", "borrower", NEW, OLD, 100, 50, [30, 0, 29] + [0] * 20 + [60, 60], "ACTIVE"),
    ("l1", "borrower", AS_OF, OLD, 100, 99, [99] * 36, "ACTIVE"), ("l2", "borrower", NEW, OLD, 300, 50, [0], "ACTIVE"),
    ("l3", "borrower", NEW, OLD, 900, 900, [], "CLOSED"),
]  # fmt: skip


def rows_of(cases):
    """Rows of every case under a customer of its name."""
    return [
        row | {"customer_id": name, "account_id": row["account_id"].replace("c1", name)}
        for name, rows in cases.items()
        for row in rows
    ]


def random_rows(rng, customers=8, rows=160):
    made = []
    for number in range(rows):
        customer = f"c{rng.randrange(customers)}"
        day = AS_OF - timedelta(days=rng.choice([0, 1, 29, 200, 729, 730, 731, rng.randrange(800)]))
        made.append(transaction(
            number, day, rng.randrange(1, 10**9), customer_id=customer, account_id=f"{customer}.{rng.randrange(3)}",
            booked_at=datetime(day.year, day.month, day.day, rng.randrange(3), tzinfo=UTC), direction=rng.choice(["CREDIT", "DEBIT"]),
            monthly_balance_paise=rng.choice([None, rng.randrange(-(10**9), 10**9)]),
            credit_utilization=rng.choice([None, round(rng.random() * 2, 3)]),
            kind=rng.choice(["UPI", "EMI_BOUNCE", "CARD", "SALARY"]), merchant_category=rng.choice([None, "GROCERY", "FUEL", "RENT"]),
        ))  # fmt: skip
    return made


RANDOM_PEOPLE = [f"c{i}" for i in range(24)]
RANDOM_ROWS = random_rows(random.Random(0), customers=24, rows=480)


@pytest.fixture(scope="module")
def found(spark):
    """Features of all cases, of random customers, and of people without a transaction, at once.

    The rows come in any order.
    """
    people = [*((name, None) for name in (*CASES, *RANDOM_PEOPLE)), *SINCE.items()]
    rows = [*rows_of(CASES), *RANDOM_ROWS]
    mixed = random.Random(0).sample(rows, len(rows))
    lines = spark.createDataFrame(REPORTS, LINES)
    return features_of(spark, mixed, people=people, tradelines=lines)


def test_v1_the_window_is_730_complete_days(found):
    assert found["window"]["total_volume_paise"] == 10 + 100
    assert found["window"]["transaction_count"] == 2


def test_k4_rows_on_or_after_as_of_change_nothing(found):
    one, other = (found[name].asDict() for name in ("five", "five_and_later"))
    assert one.pop("customer_id") != other.pop("customer_id")
    assert one == other


@pytest.mark.parametrize(("case", "is_short"), [("days_180", False), ("days_179", True)])
def test_v1b_short_history(found, case, is_short):
    assert found[case]["is_short_history"] is is_short


def test_v1c_months_on_book(found):
    assert [found[c]["months_on_book"] for c in "abcd"] == [13, 12, None, 120]


def test_v3_v4_c10_k6_balances_weigh_by_month_not_by_transaction(spark):
    people = [(name, None) for name in BALANCES]
    april = features_of(spark, rows_of(BALANCES), BALANCE_DAY, people)
    assert april["even"]["avg_balance_paise"] == 4_000_000
    naive = [row["monthly_balance_paise"] for row in BALANCES["even"]]
    assert sum(naive) / len(naive) == 7_500_000
    assert april["gap"]["avg_balance_paise"] == 2_000_000
    later = april["two_accounts"]["avg_balance_paise"]
    assert later == 2_200_000, "a later account counts from its first month"


def test_v5_and_k5_volatility_of_three_and_of_one(found):
    three, one = found["three"], found["one"]
    assert (three["transaction_count"], three["total_volume_paise"]) == (3, 60_000)
    assert three["spending_volatility"] == 10_000.0
    assert one["spending_volatility"] is None
    assert one["is_single_transaction"]


def test_k21_large_amounts_are_exact(spark, found):
    day = days_of(spark, LARGE).collect()[0]
    assert int(day["sum_sq_paise"]) == sum((10**12 - i) ** 2 for i in range(3))
    assert found["large"]["spending_volatility"] == 1.0


def test_v6_regularity(found):
    assert found["inflow"]["inflow_regularity"] == pytest.approx(0.809256, abs=1e-6)
    assert found["inflow"]["outflow_regularity"] is None
    assert found["two_months"]["inflow_regularity"] is None


def test_v7_diversity(found):
    assert found["shops"]["upi_merchant_diversity"] == pytest.approx(0.347067, abs=1e-6)
    alone = found["one_shop"]["upi_merchant_diversity"]
    assert (alone, str(alone)) == (0.0, "0.0")


def test_no_history(found):
    stranger = found["a"]
    counts = (stranger["transaction_count"], stranger["total_volume_paise"])
    assert (stranger["is_no_history"], *counts) == (True, 0, 0)
    assert stranger["avg_balance_paise"] is stranger["max_utilization"] is None
    assert not stranger["has_bureau"]


def test_bureau_takes_the_newest_report_before_as_of(found):
    borrower = found["borrower"]
    assert (borrower["dpd30_months"], borrower["open_tradelines"]) == (2, 2)
    assert borrower["bureau_utilization"] == 0.25


def test_c2_every_feature_equals_the_oracle_for_any_order(found):
    for customer in RANDOM_PEOPLE:
        wanted = naive_features(
            [r for r in RANDOM_ROWS if r["customer_id"] == customer],
            AS_OF,
            CONFIG.merchant_categories,
        )
        for name, value in wanted.items():
            assert found[customer][name] == (
                pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
            ), name


def test_c8_salted_equals_unsalted(spark):
    rows = random_rows(random.Random(9), customers=2, rows=300)
    for row in rows:
        row["transaction_date"] = (
            date(2026, 2, 3) if row["transaction_amount_paise"] % 2 else date(2026, 2, 4)
        )
    plain = days_of(spark, rows)
    salted = days_of(
        spark,
        rows,
        hot=F.col("transaction_date") == "2026-02-03",
        salt=SaltSettings(hot_rows=1, buckets=5),
    )
    # Customer and day come first and are unique, so nothing else is put in order.
    assert sorted(plain.collect()) == sorted(salted.collect()) != []


def test_copies_fold_and_contradictions_leave(spark):
    one, two = transaction(1, 10, 500), transaction(2, 10, 700)
    rows = [
        one,
        dict(one),
        dict(one),
        two,
        {**two, "transaction_amount_paise": 701},
        transaction(3, 10, 900),
    ]
    found = days_of(spark, rows).collect()[0]
    assert (
        found["txn_count"],
        found["sum_paise"],
        found["duplicate_count"],
        found["conflict_count"],
    ) == (2, 1400, 2, 2)


def test_the_last_balance_of_a_day_wins_ties_by_transaction(spark):
    noon = datetime(2026, 2, 1, 12, tzinfo=UTC)
    rows = [
        transaction(n, date(2026, 2, 1), 5, booked_at=noon, monthly_balance_paise=n)
        for n in (3, 9, 5)
    ]
    rows.append(transaction(99, date(2026, 2, 1), 5, monthly_balance_paise=-7))
    last = days_of(spark, rows).collect()[0]["balances"]
    assert [(b["transaction_id"], b["balance_paise"]) for b in last] == [("T9", 9)]


def explained(df):
    """Logical and physical plan."""
    mode = df.sparkSession._jvm.org.apache.spark.sql.execution.ExplainMode.fromString("extended")
    return df._jdf.queryExecution().explainString(mode)


def test_c4_k7_the_plan_prunes_partitions_and_joins_semi(spark, tmp_path):
    from pipelines.credit.features import window_days

    days_of(spark, [transaction(1, 1, 5), transaction(2, 900, 5)]).write.partitionBy(
        "transaction_month"
    ).parquet(str(tmp_path / "d"))
    who = spark.createDataFrame([("c1",)], "customer_id string")
    window = window_days(spark.read.parquet(str(tmp_path / "d")), who, AS_OF, CONFIG.window)
    plan = explained(window)
    assert "LeftSemi" in plan
    assert "PartitionFilters: [isnotnull(transaction_month" in plan
    assert "InMemoryRelation" not in plan
    assert window.count() == 1
    kept = spark.read.parquet(str(tmp_path / "d")).persist()
    naive = explained(kept.join(who, "customer_id"))
    assert "InMemoryRelation" in naive, "the naive form keeps the whole history"
    assert "PartitionFilters: [isnotnull(transaction_month" not in naive
    kept.unpersist()


def test_k2_no_function_that_travels_holds_a_session(spark):
    from pyspark.serializers import CloudPickleSerializer

    from pipelines.credit.customer_days import _aggregate_task

    pickled = CloudPickleSerializer()
    assert pickled.dumps(partial(_aggregate_task, categories=CONFIG.merchant_categories))
    with pytest.raises(PicklingError, match="CONTEXT_ONLY_VALID_ON_DRIVER"):
        pickled.dumps(lambda row: spark.sparkContext.parallelize([row]))
