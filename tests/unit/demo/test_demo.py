"""The chapters of the demo are the jobs of the house, and its index says what manifests say."""

import json
import re
from pathlib import Path

import pytest

from pipelines.core.catalogue import load_catalogue
from pipelines.demo import cli
from pipelines.demo.chapters import CHAPTERS
from pipelines.demo.page import Outcome, build_index, read_outcome
from pipelines.produce.domains import DOMAINS
from tests.unit.demo.toy import TOY

ROOT = Path(__file__).resolve().parents[3]


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
