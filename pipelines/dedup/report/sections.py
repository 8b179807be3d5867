"""The sections on a whole run: a title says what was found, a caption how to read the picture."""

from collections.abc import Callable
from functools import partial

import pandas as pd

from pipelines.core.charts import draw_bars
from pipelines.core.report import Block, Chart, Columns, Details, Kpi, Section, Table
from pipelines.core.report_parts import show_count, show_percent, show_seconds
from pipelines.dedup.report import charts
from pipelines.dedup.report.data import DedupReport
from pipelines.dedup.score import bits_of

DIRECTIONS = (("for one person", "for"), ("against", "against"))
SLICE_COLUMNS: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "records": ("records", show_count),
    "true_pairs": ("true pairs", show_count),
    "precision": ("precision", show_percent),
    "recall": ("recall", show_percent),
    "fpir": ("FPIR", partial(show_percent, digits=3)),
    "fnir": ("FNIR", partial(show_percent, digits=3)),
}


def head_kpis(data: DedupReport) -> list[Kpi]:
    """Return the figures of the head line; a figure without a value is a dash."""
    get = data.metrics.get
    expected = "" if data.is_labelled else "expected"
    spans = {name: _interval(data, name) or expected for name in ("precision", "recall")}
    return [
        Kpi("Duplicates found", show_count(get("duplicates_found")), is_lead=True),
        Kpi(
            "Estimated in all",
            show_count(get("duplicates_estimated")),
            "by the model",
            is_lead=True,
        ),
        Kpi("Precision", show_percent(get("precision")), spans["precision"], is_lead=True),
        Kpi("Recall", show_percent(get("recall")), spans["recall"], is_lead=True),
        Kpi("Reviews per million", show_count(get("reviews_per_million")), is_lead=True),
        Kpi("Records", show_count(get("records"))),
        Kpi("Quarantined", show_count(get("quarantined"))),
        Kpi("Candidate pairs", show_count(get("candidate_pairs"))),
        Kpi("Clusters", show_count(get("clusters"))),
        Kpi("F1", show_percent(get("f1")), expected),
        Kpi("FPIR", show_percent(get("fpir"), 3), _interval(data, "fpir", 3)),
        Kpi("FNIR", show_percent(get("fnir"), 3), _interval(data, "fnir", 3)),
        Kpi("Run time", show_seconds(data.total_seconds)),
    ]


def _interval(data: DedupReport, name: str, digits: int = 2) -> str:
    low, high = data.metrics.get(f"{name}_low"), data.metrics.get(f"{name}_high")
    if low is None or high is None:
        return ""
    return f"{100 * low:.{digits}f} to {show_percent(high, digits)}"


def accuracy_section(data: DedupReport) -> Section:
    """Precision, recall and F1 over the threshold, and how the scores spread."""
    match, review = bits_of(data.match_posterior), bits_of(data.review_posterior)
    legend = (("precision", "for"), ("recall", "review"), ("F1", "ink"))
    bands = (("no match", "neutral"), ("review", "review"), ("match", "for"))
    recall, precision = data.metrics.get("recall"), data.metrics.get("precision")
    word = "Recall" if data.is_labelled else "Expected recall"
    place = f"at posterior {data.match_posterior:.7g}"
    title = f"{word} {show_percent(recall)}, precision {show_percent(precision)} {place}"
    source = (
        "Counted against the truth that came with the data; no threshold was picked with it."
        if data.is_labelled
        else "No truth was given: these are expected values under the fitted model."
    )
    in_review = data.histogram.loc[data.histogram["band"] == "REVIEW", "pairs"].sum()
    stored = data.histogram["pairs"].sum()
    blocks: list[Block] = []
    if len(data.thresholds):
        figure = charts.draw_thresholds(data.thresholds, match, review)
        caption = "Precision: found pairs that are right. Recall: true pairs that are found."
        blocks.append(Chart("thresholds", _plateau(data), figure, caption, legend))
    if stored:
        figure = charts.draw_histogram(data.histogram, match, review)
        found = f"{show_count(in_review)} of {show_count(stored)} scored pairs wait for a person"
        caption = "Each step on the left is ten times the one below it."
        blocks.append(Chart("scores", found, figure, caption, bands))
    return Section("accuracy", "Accuracy", title, [Columns(blocks)], source)


def _plateau(data: DedupReport) -> str:
    best = data.thresholds["f1"].max()
    near = data.thresholds[data.thresholds["f1"] >= best - 0.001]["threshold"]
    return (
        f"F1 stays within 0.1 points of its best from {near.min():+.0f} to {near.max():+.0f} bits"
    )


def weights_section(data: DedupReport) -> Section:
    """What each comparator is worth at each level."""
    top = data.weights.loc[data.weights["bits"].idxmax()]
    name = _words(top["comparator"]).capitalize()
    title = f"{name} speaks loudest: {top['bits']:+.1f} bits for “{top['label']}”"
    caption = (
        "A dot is one level of agreement, 0 for differing values. Right of zero it speaks for one "
        "person, left of it against; a missing value says nothing."
    )
    frame = data.weights.assign(comparator=data.weights["comparator"].map(_words))
    figure = charts.draw_weights(frame)
    columns = ("comparator", "level", "meaning", "m", "u", "bits")
    details = Details("All levels with m and u", [Table(columns, _weight_rows(frame), "lrlrrr")])
    lead = "The weight is log2(m/u): m is the share of a level among matches, u among other pairs."
    chart = Chart("weights", "Weight of each level", figure, caption, DIRECTIONS)
    return Section("weights", "Weights", title, [chart, details], lead)


def _weight_rows(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    shown = frame.assign(
        level=frame["level"].map(str),
        m=frame["m"].map("{:.4f}".format),
        u=frame["u"].map("{:.3g}".format),
        bits=frame["bits"].map("{:+.2f}".format),
    )
    columns = ["comparator", "level", "label", "m", "u", "bits"]
    return list(shown[columns].itertuples(index=False, name=None))


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def blocking_section(data: DedupReport) -> Section:
    """How candidates were found: key families, and bucket sizes before and after splitting."""
    blocks: list[Block] = []
    if len(data.buckets):
        blocks.append(_buckets_chart(data))
    frame = data.families.sort_values("pairs", ascending=False)
    frame = frame.assign(family=frame["family"].map(_words))
    sides: list[Block] = []
    if len(frame) and frame["completeness"].notna().all():
        sides.append(_recall_chart(frame))
    if len(frame):
        figure = charts.draw_family_pairs(frame)
        caption = "A pair seen by several families is compared once."
        sides.append(Chart("families", "Pairs each key family saw", figure, caption))
    blocks.append(Columns(sides))
    found = data.metrics.get("pair_completeness")
    pairs = show_count(data.metrics.get("candidate_pairs"))
    title = f"{pairs} pairs were compared"
    if found is not None:
        title = f"{pairs} compared pairs hold {show_percent(found)} of the true ones"
    reduction = data.metrics.get("reduction_ratio")
    saved = f" {show_percent(reduction, 4)} of all pairs were never formed." if reduction else ""
    return Section("blocking", "Candidates", title, blocks, f"Plan: {data.plan}.{saved}")


def _recall_chart(frame: pd.DataFrame) -> Chart:
    best = frame.loc[frame["only_completeness"].idxmax()]
    share = show_percent(best["only_completeness"], 1)
    title = f"“{best['family']}” alone sees {share} of the true pairs"
    legend = (("seen by the family", "for_soft"), ("seen by no other family", "for"))
    caption = "What is dark would be lost if the family were removed."
    return Chart("recall", title, charts.draw_recall(frame), caption, legend)


def _buckets_chart(data: DedupReport) -> Chart:
    filled = data.buckets[["buckets_before", "buckets_after"]] > 0
    high = data.buckets["high"]
    largest = [high[filled[name]].max() for name in ("buckets_before", "buckets_after")]
    made = [data.buckets[name].sum() for name in ("pairs_before", "pairs_after")]
    title = f"Splitting took {show_count(made[0])} pairs down to {show_count(made[1])}"
    caption = (
        f"The largest buckets went from up to {show_count(largest[0])} records to at most "
        f"{show_count(largest[1])}. No bucket is dropped; {show_count(data.pairs_skipped)} pairs "
        "beyond the last window were not formed."
    )
    legend = (("before splitting", "neutral"), ("after", "for"))
    return Chart("buckets", title, charts.draw_buckets(data.buckets), caption, legend)


def input_section(data: DedupReport) -> Section:
    """Completeness of the fields."""
    frame: pd.DataFrame = data.completeness.sort_values("share", ascending=False)
    names, shares = frame["field"].map(_words).tolist(), frame["share"].tolist()
    labels = [show_percent(share, 1) for share in shares]
    unit = "share of records with a value"
    figure = draw_bars(names, shares, labels, x_label=unit, role="neutral")
    title = f"{_words(names[-1]).capitalize()} is the emptiest field: {labels[-1]} filled"
    caption = "After cleaning: an impossible date, a bad phone or a bad pincode counts as empty."
    chart = Chart("completeness", "Filled share by field", figure, caption)
    return Section("input", "Fields", title, [chart])


def slices_section(data: DedupReport) -> Section:
    """Error rates per slice, one table a kind."""
    frame = data.slices
    groups = frame.groupby("kind", sort=False)
    blocks = [_slice_table(str(kind), part) for kind, part in groups]
    title = "Error rates by state and kind of duplicate"
    rates = frame.dropna(subset=["recall"])
    if len(rates):
        worst = rates.loc[rates["recall"].idxmin()]
        title = f"Recall is lowest for {worst['name']}: {show_percent(worst['recall'])}"
    lead = "A slice never decides a pair. A dash means there is nothing to count."
    return Section("slices", "Slices", title, blocks, lead)


def _slice_table(kind: str, part: pd.DataFrame) -> Table:
    known = [name for name in SLICE_COLUMNS if part[name].notna().any()]
    columns = [part["name"].astype(str).tolist()]
    for name in known:
        show = SLICE_COLUMNS[name][1]
        columns.append([show(None if pd.isna(value) else float(value)) for value in part[name]])
    heads = (kind, *(SLICE_COLUMNS[name][0] for name in known))
    return Table(heads, list(zip(*columns, strict=True)), "l" + "r" * len(known))
