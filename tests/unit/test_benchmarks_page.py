"""docs/benchmarks.md says what benchmarks/results says, and nothing else."""

import importlib.util
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def load_page():
    spec = importlib.util.spec_from_file_location(
        "benchmarks_page", ROOT / "benchmarks" / "page.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


page = load_page()
TOLD = {
    "machine": {"cores": 2, "memory_gib": 23.5, "system": "Linux x86_64"},
    "git_sha": "0123456789abcdef0123", "git_dirty": False,
    "versions": {"python": "3.11.7", "splink": "5.0.0", "absent": None},
    "settings": {"rounds": 3, "sections": ["speed", "hot"], "skip": [], "load_at_start": 0.25},
    "earlier": [],
    "results": [
        {"name": "ours seconds", "value": 28.914737, "unit": "s", "runs": [29.5, 28.914737, 27.25]},
        {"name": "rate", "value": 123456.7, "unit": "records/s"},
        {"name": "share a|b", "value": 0.00041, "unit": "1"},
        {"name": "nothing", "value": None, "unit": "s"},
    ],
    "ratios": [{"name": "time of theirs / time of ours", "value": 2.5, "unit": "x"}],
    "acceptance": [
        {"name": "seconds", "value": 28.914737, "limit": "<= 30", "holds": True},
        {"name": "rate", "value": 1.0, "limit": ">= 2", "holds": False},
        {"name": "peer", "value": None, "limit": ">= 2", "holds": None},
    ],
    "skipped": {"their engine": "not installed"},
}  # fmt: skip


def test_the_committed_page_is_the_one_the_results_give():
    shown = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert shown == page.write_page(ROOT / "benchmarks" / "results"), (
        "run: python benchmarks/page.py"
    )


def test_a_chapter_tells_everything_of_its_file(tmp_path):
    (tmp_path / "toy.json").write_text(json.dumps(TOLD))
    text = page.write_page(tmp_path)
    for line in (
        "## toy",
        (
            "`make bench-toy`, 2 cores, 23.5 GiB, Linux x86_64; commit 0123456789ab; load 0.2 at the start;"
            " settings: rounds 3, sections speed hot."
        ),
        "| time of theirs / time of ours | 2.5 x |",
        "| seconds | 28.91 | <= 30 | holds |",
        "| rate | 1 | >= 2 | **missed** |",
        "| peer | – | >= 2 | not measured |",
        "| ours seconds | 28.91 | s | 27.25 to 29.5, 3 runs |",
        "| rate | 123,457 | records/s |  |",
        "| share a/b | 0.0004 | 1 |  |",
        "| nothing | – | s |  |",
        "Left out: their engine: not installed",
        "Versions: python 3.11.7, splink 5.0.0.",
    ):
        assert line in text.splitlines(), line


def test_figures_taken_over_are_told_with_their_own_run(tmp_path):
    earlier = {"machine": TOLD["machine"], "git_sha": "fedcba9876543210", "git_dirty": True,
               "settings": {"rounds": 1}}  # fmt: skip
    (tmp_path / "toy.json").write_text(json.dumps(TOLD | {"earlier": [earlier]}))
    line = "Some figures are of an earlier run, 2 cores, 23.5 GiB, Linux x86_64; commit fedcba987654 with local changes; settings: rounds 1."
    assert line in page.write_page(tmp_path).splitlines()


def test_a_figure_keeps_the_number_of_its_run(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from harness.results import Results

    def measure(**figures: float) -> str:
        results = Results({"figures": len(figures)})
        for name, value in figures.items():
            results.add(name, value, "s")
        results.take_over(tmp_path / "toy.json")
        results.write(tmp_path / "toy.json", ())
        return page.write_page(tmp_path)

    assert "earlier run" not in measure(a=1, b=2, c=3)
    text = measure(a=4)
    assert "Figures with [1] are of an earlier run, " in text
    assert re.findall(r"^\| (. .*?) \| s", text, re.M) == ["b [1] | 2", "c [1] | 3", "a | 4"]
    text = measure(b=5, c=6)
    assert re.findall(r"^\| (. .*?) \| s", text, re.M) == ["a [2] | 4", "b | 5", "c | 6"]
    assert "Figures with [1] are" not in text, "no figure is left of it"


def test_a_file_that_is_not_there_yet_has_no_chapter(tmp_path):
    assert page.write_page(tmp_path) == page.HEAD.rstrip() + "\n"
