"""The demo runs jobs as a user would, and its index says what their manifests say."""

import json
import re
from pathlib import Path

import pytest

from pipelines.core.catalogue import load_catalogue
from pipelines.core.report_parts import show_percent
from pipelines.demo import cli
from pipelines.demo.chapters import CHAPTERS, Chapter, Figure, OnStack
from pipelines.demo.page import Outcome, build_index, read_outcome
from pipelines.produce.domains import DOMAINS

ROOT = Path(__file__).resolve().parents[3]
ELSEWHERE = OnStack("toys", 3, ("--rows", "3"))
TOY = Chapter(
    "toy", "Is it there?", "One row.", ("--rows", "3"),
    (Figure("found", "rows found"), Figure("share", "share", show_percent), Figure("never", "not measured")),
    ELSEWHERE,
)  # fmt: skip
SCRIPT = """
import json, pathlib, sys
flags = dict(zip(sys.argv[1::2], sys.argv[2::2]))
folder, lake = pathlib.Path(flags["--report"]), pathlib.Path(flags["--lake"])
assert not lake.exists() and not (folder / "run.json").exists(), "something is left of an earlier demo"
lake.mkdir()
if flags["--rows"] == "0":
    print("Error: no rows", file=sys.stderr)
    print("Run again with --debug to see the traceback.", file=sys.stderr)
    sys.exit(2)
manifest = {"status": "done", "counts": {"in": 3, "out": 2, "rejected": 1, "dlq": 0, "late": 0},
            "metrics": {"found": 12345, "share": 0.987}, "git_sha": "0123456789abcdef",
            "machine": {"cores": 2, "memory_gib": 4.0, "system": "Linux"}, "versions": {"pyspark": "4.1.1"}}
(folder / "run.json").write_text(json.dumps(manifest))
(folder / "report.html").write_text("page")
print("done")
"""


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A project with one job."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "toy.py").write_text(SCRIPT)
    monkeypatch.setattr(cli, "PROJECT_ROOT", tmp_path)
    monkeypatch.setenv("CI", "true")
    return tmp_path


def broken() -> Chapter:
    return Chapter("toy", "Is it there?", "No row.", ("--rows", "0"), TOY.figures, ELSEWHERE)


def test_a_chapter_runs_twice_and_shows_what_its_manifest_says(house, capsys):
    folder = house / "pages"
    assert cli.run_demo([TOY], folder) == 0
    assert cli.run_demo([TOY], folder) == 0
    html = (folder / "index.html").read_text()
    assert '<a href="toy/report.html">report</a>' in html
    assert "12,345" in html
    assert "98.70 %" in html
    assert "0123456789ab" in html
    told = capsys.readouterr().out
    assert "1/1 toy: Is it there?" in told
    assert "rows found 12,345, share 98.70 %, not measured –" in told
    assert str(folder / "index.html") in told


def test_a_failed_job_is_shown_with_its_last_words_and_fails_the_demo(house):
    folder = house / "pages"
    assert cli.run_demo([TOY], folder) == 0
    assert cli.run_demo([broken()], folder) == 1
    html = (folder / "index.html").read_text()
    assert "Exit code 2: Error: no rows" in html
    assert "report.html" not in html, "the page of the earlier run is not this run's"
    assert "0 of 1 jobs ran to their end" in html
    assert "accounted for" not in html


def test_what_a_user_keeps_beside_the_pages_stays(house):
    folder = house / "pages" / "toy"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("keep")
    cli.run_chapter(TOY, folder, is_on_stack=False)
    assert (folder / "mine.txt").read_text() == "keep"


def test_a_run_that_ended_well_without_a_manifest_is_no_success(tmp_path):
    outcome = read_outcome(TOY, tmp_path, 0, 1.0)
    assert not outcome.is_done
    assert "it said nothing" in outcome.told()
    assert "failed" in build_index([outcome], is_on_stack=False).render()


def test_an_unknown_job_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["fraud"])
    assert stop.value.code == 2
    assert "upi_fraud" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "platform", "opens"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DISPLAY": ":0", "CI": "true"}, "linux", False),
        ({}, "darwin", True),
    ],
)
def test_a_page_opens_only_on_a_desktop(environment, platform, opens):
    assert cli.has_desktop(environment, platform) is opens


def test_the_chapters_are_the_jobs_of_the_house():
    scripts = {file.stem for file in (ROOT / "jobs").glob("[a-z]*.py")}
    assert {chapter.job for chapter in CHAPTERS} == scripts - {"ingest"}


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.job)
def test_the_figures_are_metrics_that_the_job_writes(chapter):
    package = re.search(
        r"from pipelines\.(\w+)\.cli", (ROOT / "jobs" / f"{chapter.job}.py").read_text()
    )
    assert package
    written = "".join(
        f.read_text() for f in sorted((ROOT / "pipelines" / package[1]).rglob("*.py"))
    )
    for figure in chapter.figures:
        assert f'"{figure.metric}"' in written, figure.metric


def test_links_stay_inside_the_folder():
    manifest = {"status": "done", "metrics": {"found": 1}, "counts": {"in": 1, "out": 1}}
    outcome = Outcome(TOY, 0, 1.0, json.loads(json.dumps(manifest)), has_page=True)
    html = build_index([outcome], is_on_stack=False).render()
    assert set(re.findall(r'href="([^"]*)"', html)) == {"#jobs", "#toy", "toy/report.html"}


def test_a_job_whose_records_were_not_sent_does_not_run(house):
    outcome = cli.run_chapter(TOY, house / "pages", is_on_stack=True)
    assert outcome.exit_code == 2
    assert "There is no domain or topic 'toys'" in outcome.last_words
    assert not (house / "pages" / "lake").exists()


def test_a_job_that_only_follows_topics_has_no_link():
    outcome = Outcome(TOY, 0, 1.0, {"status": "done", "metrics": {}, "counts": {}})
    html = build_index([outcome], is_on_stack=True).render()
    assert set(re.findall(r'href="([^"]*)"', html)) == {"#jobs", "#toy"}
    assert "3 records of toys sent to Kafka." in html
    assert "jobs/toy.py --rows 3" in html


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.job)
def test_what_a_chapter_sends_is_what_its_job_reads(chapter, tmp_path):
    told, topics = chapter.on_stack, load_catalogue().topics
    commands = cli.Shop(tmp_path).commands(chapter, is_on_stack=True)
    assert commands[0][2:] == ["pipelines", "produce", told.domain, "--records", str(told.records)]
    assert len(commands) == (2 if told.bronze is None else 3)
    read = told.bronze or next((f[8:] for f in told.flags if f.startswith("kafka://")), None)
    assert read in DOMAINS[told.domain].topics if read else "--stack" in told.flags
    assert read is None or read in topics
    assert commands[-1][-2:] == ["--report", str(tmp_path)]
