"""The hot key: its kernel alone, and the share of the job that the longest kernel task takes."""

import json
import time
from collections import Counter
from pathlib import Path

import numpy as np

from pipelines.seats.codes import EVENT, PASSENGER, REQUEST
from pipelines.seats.config import SeatsConfig, SyntheticSettings
from pipelines.seats.generate import DAY, _train_table
from pipelines.seats.kernel import allocate
from pipelines.seats.plans import read_plans
from pipelines.seats.synthetic.demand import draw_demand
from pipelines.seats.synthetic.trains import make_trains
from pipelines.seats.times import end_of_day, rule_set_on
from pipelines.seats.warm import warm_kernel


def hot_kernel_seconds(settings: SyntheticSettings) -> float:
    """Time of one kernel call on the requests of the hot key alone.

    Cancellations are not among them; they come to one in twenty requests.
    """
    config, count = SeatsConfig(), settings.hot_requests
    alone = settings.model_copy(update={"bookings": count, "trains": 1})
    names = list(config.rules.rule_sets)
    name = rule_set_on(DAY, names)
    rng = np.random.default_rng(7)
    trains, routes = make_trains(rng, 1, alone.stops, DAY, (name, config.rules.rule_sets[name]))
    departs = np.array([train["departs_at"] for train in trains], dtype=np.int64)
    demand = draw_demand(rng, routes, departs, DAY, alone)
    plan = read_plans(_train_table(trains), config, end_of_day(DAY)).plans[-1]
    order = np.argsort(demand.booked_at, kind="stable")
    requests, events = np.zeros(count, dtype=REQUEST), np.zeros(count, dtype=EVENT)
    sizes = demand.sizes[order]
    for field, values in (
        ("at", demand.booked_at[order]),
        ("first", np.cumsum(sizes) - sizes),
        ("from_seq", demand.start[order]),
        ("to_seq", demand.stop[order]),
        ("quota", demand.quota[order]),
        ("size", sizes),
    ):
        requests[field] = values
    events["at"], events["request"] = requests["at"], np.arange(count)
    passengers = np.zeros(int(sizes.sum()), dtype=PASSENGER)
    warm_kernel()
    began = time.perf_counter()
    allocate(plan, requests, passengers, events)
    return time.perf_counter() - began


def job_env(folder: Path) -> dict[str, str]:
    """Environment of a measured job: Spark's event log in a folder, and the JVM's full compiler.

    Local runs take the quick compiler alone, since most are short; a day of a million is not.
    """
    folder.mkdir(parents=True)
    settings = {
        "enabled": "true", "dir": folder.as_uri(), "compress": "false", "rolling.enabled": "false",
    }  # fmt: skip
    flags = " ".join(f"--conf spark.eventLog.{key}={value}" for key, value in settings.items())
    return {
        "PYSPARK_SUBMIT_ARGS": f"{flags} pyspark-shell",
        "SPARK_SUBMIT_OPTS": "-XX:TieredStopAtLevel=4",
    }


def longest_kernel_task(folder: Path) -> float:
    """Seconds of the longest task of the stage that runs the kernel: the one that shuffles most."""
    (log,) = folder.iterdir()
    spent: dict[int, float] = {}
    shuffled: Counter[int] = Counter()
    for line in log.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["Event"] == "SparkListenerTaskEnd":
            stage, info = event["Stage ID"], event["Task Info"]
            read = event["Task Metrics"]["Shuffle Read Metrics"]
            shuffled[stage] += read["Local Bytes Read"] + read["Remote Bytes Read"]
            seconds = (info["Finish Time"] - info["Launch Time"]) / 1000
            spent[stage] = max(spent.get(stage, 0.0), seconds)
    return spent[shuffled.most_common(1)[0][0]]
