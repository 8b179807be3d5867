"""The sections of the page: a title says what was found, a caption how to read the picture."""

import pandas as pd

from pipelines.core.report import Block, Chart, Columns, Kpi, Section, Table
from pipelines.core.report_parts import show_count, show_percent, show_seconds
from pipelines.seats.report import charts
from pipelines.seats.report.data import SeatsReport, TrainPicture

ACCEPTED = ("CONFIRMED", "RAC")
NEVER_VALID = (
    "QUOTA_NOT_ELIGIBLE", "TATKAL_GROUP_SIZE", "TOO_EARLY", "TATKAL_NOT_OPEN", "AFTER_CHART",
)  # fmt: skip
MEANINGS = {
    "FITS_QUOTA": "confirmed when booked: the quota had room on every segment",
    "FITS_RAC": "RAC when booked: the quota was full on one segment",
    "QUOTA_FULL": "waitlisted when booked",
    "PROMOTED": "confirmed after a cancellation",
    "PROMOTED_RAC": "RAC after a cancellation",
    "RELEASED": "confirmed at charting, from berths no quota used",
    "RELEASED_RAC": "RAC at charting",
    "NOT_CLEARED": "charting found no berth on one segment",
    "CANCELLED": "gave up",
    "WL_FULL": "refused: the waitlist had reached its cap",
    "QUOTA_NOT_ELIGIBLE": "refused: the group does not belong to the quota",
    "TATKAL_GROUP_SIZE": "refused: too many passengers for Tatkal",
    "TOO_EARLY": "refused: booking had not opened",
    "TATKAL_NOT_OPEN": "refused: Tatkal had not opened",
    "AFTER_CHART": "refused: the chart was made already",
}


def head_kpis(data: SeatsReport) -> list[Kpi]:
    """Return the figures of the head line."""
    get = data.metrics.get
    return [
        Kpi("Accepted", show_percent(get("accepted_fraction"), 1), "of all who travel", True),
        Kpi("Gap to the optimum", show_percent(get("optimum_gap"), 1), "passengers", True),
        Kpi("Seats in use", show_percent(get("load"), 1), "of seat-segments", True),
        Kpi("Sold twice", show_count(get("double_sold")), "seat-segments", True),
        Kpi("Requests", show_count(get("bookings"))),
        Kpi("Confirmed", show_count(get("confirmed")), "passengers"),
        Kpi("RAC", show_count(get("rac")), "passengers"),
        Kpi("Waitlisted", show_count(get("waitlisted")), "passengers"),
        Kpi("Demand per place", show_percent(get("utilisation"), 0)),
        Kpi("Split groups", show_count(get("split_groups"))),
        Kpi("Wishes met", show_percent(get("wishes_met"), 0)),
        Kpi("Fairness (Jain)", f"{get('jain') or 0:.3f}"),
        Kpi("Run time", show_seconds(data.total_seconds)),
    ]


def train_section(picture: TrainPicture) -> Section:
    """The seat by segment picture of one train."""
    held = int((picture.journeys["to_seq"] - picture.journeys["from_seq"]).sum())
    title = (
        f"Train {picture.train_id}, {picture.travel_class}: {show_percent(held / picture.cells, 0)}"
        f" of {show_count(picture.cells)} seat-segments are taken"
    )
    caption = (
        "A row is a berth, a bar one journey from boarding to leaving; bars of one group share a"
        " colour. Grey is empty. A and B, paler, are the halves of a side-lower berth under RAC."
    )
    chart = Chart("train", "Who sits where", charts.draw_train(picture), caption)
    lead = "The class with most passengers in its chart. No bar overlaps another of its row."
    return Section("train", "Train", title, [chart], lead)


def status_section(data: SeatsReport) -> Section:
    """How many got what, and why."""
    frame = data.statuses
    total = int(frame["passengers"].sum())
    served = int(frame.loc[frame["status"].isin(ACCEPTED), "passengers"].sum())
    title = f"{show_count(served)} of {show_count(total)} passengers have a place"
    reasons = frame.groupby(["status", "code"], as_index=False)["passengers"].sum()
    reasons = reasons.sort_values("passengers", ascending=False)
    rows = [
        (str(row.status).lower(), row.code, MEANINGS.get(row.code, ""), show_count(row.passengers))
        for row in reasons.itertuples()
    ]
    blocks: list[Block] = [
        Chart("statuses", "Passengers by status", charts.draw_statuses(frame)),
        Table(("status", "reason", "meaning", "passengers"), rows, "lllr", title="Last reasons"),
    ]
    return Section("status", "Status", title, [Columns(blocks)])


def quota_section(data: SeatsReport) -> Section:
    """Demand and acceptance per quota; small slices are left out."""
    valid = data.statuses[~data.statuses["code"].isin(NEVER_VALID)]
    valid = valid[valid["status"] != "CANCELLED"]
    accepted = valid["passengers"].where(valid["status"].isin(ACCEPTED), 0)
    sums = valid.assign(accepted=accepted).groupby("quota", as_index=False)
    quotas: pd.DataFrame = sums[["passengers", "accepted"]].sum()
    quotas = quotas.rename(columns={"passengers": "demand"})
    shown = quotas[quotas["demand"] >= data.least_slice]
    hidden = len(quotas) - len(shown)
    caption = "Passengers of valid requests who have not cancelled; dark is who got a place."
    if hidden:
        caption += f" {hidden} quotas with fewer than {data.least_slice} passengers are not shown."
    title = "What each quota was asked for, and gave"
    blocks: list[Block] = []
    if len(shown):
        rates = shown["accepted"] / shown["demand"]
        worst = shown.loc[rates.idxmin(), "quota"]
        title = f"{worst} is the tightest quota: {show_percent(rates.min(), 0)} got a place"
        blocks.append(Chart("quotas", "Demand by quota", charts.draw_quotas(shown), caption))
    return Section("quotas", "Quotas", title, blocks)


def load_section(data: SeatsReport) -> Section:
    """Demand and load along the route, and the distance to the optimum."""
    gap = show_percent(data.metrics.get("optimum_gap"), 1)
    distance = show_percent(data.metrics.get("optimum_gap_segments"), 1)
    title = (
        f"{gap} fewer passengers than hindsight could have taken, {distance} fewer seat-segments"
    )
    blocks: list[Block] = [
        Chart(
            "load",
            "Demand and load along the route",
            charts.draw_load(data.segments),
            "Dashed is demand, solid what was allotted, both per place; mean over the trains.",
        ),
        Chart(
            "gaps",
            "Distance of each class to its optimum",
            charts.draw_gaps(data.classes),
            "The optimum knows all requests ahead and ignores quotas, caps and groups.",
        ),
    ]
    lead = "First come, first served cannot refuse a long journey to keep the seat for short ones."
    return Section("load", "Load", title, [Columns(blocks)], lead)


def classes_section(data: SeatsReport, most: int = 20) -> Section:
    """The classes with the longest waitlists."""
    frame = data.classes.sort_values(["waitlisted", "train_id"], ascending=[False, True])
    rows = [
        (
            row.train_id, row.travel_class, show_count(row.demand), show_count(row.confirmed),
            show_count(row.rac), show_count(row.waitlisted), show_count(row.optimum),
            show_count(row.split_groups),
        )
        for row in frame.head(most).itertuples()
    ]  # fmt: skip
    columns = (
        "train", "class", "demand", "confirmed", "RAC", "waitlisted", "optimum", "split groups",
    )  # fmt: skip
    title = f"{show_count(int((frame['waitlisted'] > 0).sum()))} classes have a waitlist"
    return Section("classes", "Trains", title, [Table(columns, rows, "llrrrrrr")])
