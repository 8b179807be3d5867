"""Collects from the tables of a run what its page shows."""

from collections.abc import Sequence

import pandas as pd
import pyarrow.compute as pc

from pipelines.core.report import Check
from pipelines.core.report_parts import run_page, show_count, verdicts
from pipelines.core.summary import RunSummary
from pipelines.seats.codes import BERTH_TYPES
from pipelines.seats.config import SeatsConfig
from pipelines.seats.plans import Plans
from pipelines.seats.report.data import SeatsReport, TrainPicture
from pipelines.seats.result import Run
from pipelines.seats.tables import DayLake


def report_input(result: Run, config: SeatsConfig, summary: RunSummary) -> SeatsReport:
    """Everything the page needs, from the tables as written."""
    lake = result.lake
    return SeatsReport(
        **run_page(summary, result.source.name, result.reasons),
        statuses=status_counts(lake),
        classes=result.classes,
        segments=segment_sums(lake),
        picture=picture_of(lake, result.plans, result.classes),
        least_slice=config.least_slice,
        checks=[*verdicts(result.quality.rows), *map(_counted, result.violations.items())],
    )


def status_counts(lake: DayLake) -> pd.DataFrame:
    """Passengers by quota, status and reason of the status."""
    names = ["quota", "status", "code"]
    rows = lake.staged_rows("rail_allocation", ["quota", "status", "why_last.code"])
    counts = rows.group_by(names).aggregate([([], "count_all")])
    counts = counts.rename_columns([*counts.column_names[:-1], "passengers"])
    return counts.to_pandas().sort_values(names).reset_index(drop=True)


def segment_sums(lake: DayLake) -> pd.DataFrame:
    """Demand, allocated and places by class and segment, where there are places."""
    keys, figures = ["travel_class", "segment"], ["demand", "allocated", "places"]
    rows = lake.staged_rows("rail_segment_metrics", [*keys, *figures])
    sums = rows.group_by(keys).aggregate([(name, "sum") for name in figures])
    sums = sums.rename_columns([name.removesuffix("_sum") for name in sums.column_names])
    return sums.filter(pc.field("places") > 0).to_pandas()


def picture_of(lake: DayLake, plans: Plans, classes: pd.DataFrame) -> TrainPicture | None:
    """The class with most people in its chart; the first by name among equals."""
    charted = classes[classes["is_charted"]]
    if charted.empty:
        return None
    people = charted["confirmed"] + charted["rac"]
    row = charted.loc[people.idxmax()]
    names = [plans.name(key) for key in range(len(plans.plans))]
    key = names.index((row["train_id"], row["service_date"], row["travel_class"]))
    is_picture = (
        (pc.field("train_id") == row["train_id"])
        & (pc.field("service_date") == row["service_date"])
        & (pc.field("travel_class") == row["travel_class"])
    )
    chart = lake.staged_rows("rail_chart", where=is_picture)
    berths = berth_rows(plans, key)
    stations = plans.trains[plans.train_of[key]].stations
    journeys = journey_rows(chart.to_pandas(), berths, stations)
    return TrainPicture(
        str(row["train_id"]), str(row["service_date"]), str(row["travel_class"]), stations,
        berths, journeys,
    )  # fmt: skip


def berth_rows(plans: Plans, key: int) -> pd.DataFrame:
    """Places of a class in the order of the coaches; an RAC berth has two."""
    plan, names = plans.plans[key], plans.coaches[key]
    rows = [(b, "FULL") for b in plan.berths]
    rows += [(b, place) for b in plan.rac_berths for place in ("A", "B")]
    found = [
        (names[b["coach"]], int(b["bay_no"]), int(b["berth_no"]), BERTH_TYPES[b["kind"]], place)
        for b, place in rows
    ]
    columns = ["coach_id", "bay", "berth_no", "berth_type", "place"]
    frame = pd.DataFrame(found, columns=columns)
    return frame.sort_values(["coach_id", "berth_no", "place"]).reset_index(drop=True)


def journey_rows(
    chart: pd.DataFrame, berths: pd.DataFrame, stations: Sequence[str]
) -> pd.DataFrame:
    """Bars of the picture; groups are numbered by the token of their PNR, which is not shown."""
    place_of = {(row.coach_id, row.berth_no, row.place): row.Index for row in berths.itertuples()}
    chart = chart.sort_values(["pnr", "passenger_no"])
    return pd.DataFrame(
        {
            "place": [place_of[r.coach_id, r.berth_no, r.place] for r in chart.itertuples()],
            "from_seq": chart["from_seq"].to_numpy(),
            "to_seq": chart["to_seq"].to_numpy(),
            "label": [f"{stations[r.from_seq]}-{stations[r.to_seq]}" for r in chart.itertuples()],
            "group": pd.factorize(chart["pnr"])[0],
            "is_rac": (chart["place"] != "FULL").to_numpy(),
        }
    )


def _counted(violation: tuple[str, int]) -> Check:
    """A rule of the second counter, which allows no violation."""
    name, count = violation
    return Check(name.replace("_", " "), "ERROR", show_count(count), "0", count, count == 0)
