import json
import re
from html import escape
from pathlib import Path

import pytest

from pipelines.core import charts
from pipelines.core.report import Badge, Check, Fragment, Kpi, Link, Report, Section, Table
from pipelines.core.report_parts import (
    counts_section,
    flatten,
    quality_section,
    setup_section,
    show_count,
    show_percent,
    show_seconds,
    steps_section,
)

EVIL = "</script><script>alert(1)</script>"


def page(*sections: Section, title: str = "Nothing") -> str:
    return Report("test", title, "", [Kpi("a", "1", is_lead=True)], sections).render()


def embedded(html: str, name: str) -> object:
    found = re.search(rf'<script type="application/json" id="data-{name}">(.*?)</script>', html)
    assert found
    return json.loads(found.group(1))


def test_values_never_become_markup() -> None:
    table = Table((EVIL,), [(EVIL,), (Badge(EVIL),)], "l", title=EVIL)
    fragment = Fragment("part", "<p></p>", "", {"name": EVIL})
    html = page(Section("a", EVIL, EVIL, [table, fragment], EVIL), title=EVIL)
    assert "<script>alert" not in html
    assert escape(EVIL) in html
    assert embedded(html, "part") == {"name": EVIL}


def test_the_page_loads_nothing_from_outside() -> None:
    html = page(steps_section({"read": 1.0}))
    without_scripts = re.sub(r"<script>.*?</script>", "", html, flags=re.S)
    assert "default-src 'none'" in without_scripts
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:|//)|url\(|@import", without_scripts)
    assert html.count(charts.runtime_script()) == 1
    assert html.startswith("<!DOCTYPE html>")


def test_a_cell_can_lead_to_another_file() -> None:
    html = page(Section("a", "a", "a", [Table(("page",), [(Link("<b>", 'x.html"><i>'),)], "l")]))
    assert '<a href="x.html&#34;&gt;&lt;i&gt;">&lt;b&gt;</a>' in html


def test_figures_keep_the_order_of_their_keys() -> None:
    # Bokeh defines an object where it is met first; sorted keys would put references before it.
    figure = charts.draw_bars(["a"], [1.0], ["1 s"], x_label="seconds")
    packed = charts.pack_figure(figure, "chart-steps")
    shown = embedded(page(steps_section({"a": 1.0})), "figures")
    assert isinstance(shown, list)
    assert list(shown[0]) == list(packed)
    assert list(shown[0]["doc"]["roots"][0]["attributes"]) != sorted(
        shown[0]["doc"]["roots"][0]["attributes"]
    )


@pytest.mark.parametrize(
    ("counts", "title"),
    [
        ({"in": 10, "out": 7, "rejected": 2, "late": 1}, "Every record read is accounted for"),
        ({"in": 10, "out": 7, "rejected": 2}, "1 records are missing from the counts"),
        ({"in": 10, "out": 12}, "2 records are extra in the counts"),
    ],
)
def test_counts_are_added_up(counts: dict[str, int], title: str) -> None:
    assert counts_section(counts, {}).title == title


def test_counts_show_the_change_since_the_last_run() -> None:
    section = counts_section({"in": 150, "out": 150}, {"A": 1, "B": 3}, {"in": 100})
    html = page(section)
    assert "+50.0 %" in html
    assert html.index(">B<") < html.index(">A<")


def test_failed_checks_come_first_and_say_so() -> None:
    good = Check("rows", "ERROR", "5", "at least 1", 0, True)
    bad = Check("names", "ERROR", "5 %", "at most 1 %", 9, False)
    section = quality_section([good, bad])
    table = section.blocks[0]
    assert section.title == "1 of 2 quality checks failed"
    assert isinstance(table, Table)
    assert table.rows[0][0] == "names"
    assert table.rows[0][-1] == Badge("failed", "bad")
    assert quality_section([good]).title == "All 1 quality checks passed"


def test_setup_shows_nested_keys_dotted() -> None:
    assert flatten({"a": {"b": 1, "c": {"d": [2, 3]}}}) == {"a.b": "1", "a.c.d": "2, 3"}
    assert "em.rounds" in page(setup_section({"em": {"rounds": 9}}, {"commit": "abc"}))


def test_numbers_are_written_for_people() -> None:
    assert [show_seconds(s) for s in (None, 0.74, 12.34, 245)] == [
        "–", "740 ms", "12.3 s", "4 min 05 s",
    ]  # fmt: skip
    assert (show_count(1234567), show_count(None)) == ("1,234,567", "–")
    assert (show_percent(0.99985, 2), show_percent(None)) == ("99.98 %", "–")
    assert [charts.short_count(n) for n in (1, 999, 4096, 2e6)] == ["1", "999", "4k", "2M"]


def test_both_schemes_name_the_same_roles_and_share_no_colour() -> None:
    # The page exchanges light strings for dark ones: a colour in both would be exchanged twice.
    assert charts.LIGHT.keys() == charts.DARK.keys()
    assert len({*charts.LIGHT.values(), *charts.DARK.values()}) == 2 * len(charts.LIGHT)


def test_write_makes_the_folder(tmp_path: Path) -> None:
    report = Report("test", "T", "", [], [Section("a", "A", "A", [])])
    assert report.write(tmp_path / "new" / "report.html").stat().st_size > 1_000_000
