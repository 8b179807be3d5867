"""The two interactive sections: why a pair is a match, and what holds a cluster together."""

from pathlib import Path

from pipelines.core.report import Block, Chart, Columns, Fragment, Note, Section
from pipelines.dedup.report.data import DedupReport
from pipelines.dedup.report.explain import clusters_payload, pairs_payload
from pipelines.dedup.report.explorer_charts import draw_graph, draw_waterfall
from pipelines.dedup.score import bits_of

HERE = Path(__file__).parent
TABLE = '<h3>{}</h3><div class="scroll" tabindex="0"><table id="{}" class="{}"></table></div>'
STEPS = (
    ("prior", "neutral"),
    ("for one person", "for"),
    ("against", "against"),
    ("limit", "review"),
    ("total", "ink"),
)
LINKS = (("chosen", "for"), ("link", "neutral"), ("weakest bridge", "against"))


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _script(name: str) -> str:
    """Both scripts draw waterfalls; a block keeps the shared names of each to itself."""
    return f"{{\n{_read('waterfall.js')}{_read(name)}}}\n"


def _waterfall(data: DedupReport, name: str, title: str, caption: str) -> Chart:
    limits = bits_of(data.match_posterior), bits_of(data.review_posterior)
    return Chart(name, title, draw_waterfall(name, *limits), caption, STEPS)


def pairs_section(data: DedupReport) -> Section:
    """Sampled pairs with both records side by side and their evidence as a waterfall."""
    payload = pairs_payload(data)
    title = "Why two records are, or are not, one person"
    if not payload:
        return Section("pairs", "Pairs", title, [Note("This run scored no pair.")])
    caption = (
        "From the prior at the top to the total at the bottom; one bit doubles the odds. "
        f"The dashed lines are review ({bits_of(data.review_posterior):.1f}) "
        f"and match ({bits_of(data.match_posterior):.1f} bits)."
    )
    words = "Both records, side by side" if data.is_public else "Both records, values masked"
    values = Fragment("pair-values", TABLE.format(words, "pairs-table", "plain"))
    blocks: list[Block] = [
        Fragment("pairs", _read("pairs.html.j2"), _script("pairs.js"), payload),
        Columns([values, _waterfall(data, "pair", "Evidence, step by step", caption)]),
    ]
    lead = f"{len(payload)} sampled pairs, up to {data.max_pairs} of each band."
    return Section("pairs", "Pairs", title, blocks, lead)


def clusters_section(data: DedupReport) -> Section:
    """The explorer of sampled clusters."""
    payload = clusters_payload(data)
    if not payload:
        nothing = Note("No two records were joined, so there is no cluster to show.")
        return Section("clusters", "Clusters", "No cluster of two or more records", [nothing])
    title = f"The largest sampled cluster holds {payload[0]['size']} records"
    taps = "Numbers are bits. Tap two records, or choose them above, for the strongest path."
    links = Chart("cluster", "Who is linked to whom", draw_graph(), taps, LINKS)
    direct = "Their direct link, or the weakest link on the path where they have none."
    blocks: list[Block] = [
        Fragment("clusters", _read("clusters.html.j2"), _script("clusters.js"), payload),
        Columns([links, _waterfall(data, "link", "Evidence on the chosen link", direct)]),
        Fragment("cluster-members", TABLE.format("Members", "clusters-table", "dense")),
    ]
    lead = f"{len(payload)} clusters. A bridge is a link without which a cluster falls apart."
    return Section("clusters", "Clusters", title, blocks, lead)
