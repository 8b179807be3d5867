"""The demo runs jobs as a user would, in processes of their own, and shows what became of them."""

import pytest

from pipelines.demo import cli
from pipelines.demo.chapters import Chapter
from tests.unit.demo.toy import ELSEWHERE, TOY

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


def test_a_job_whose_records_were_not_sent_does_not_run(house):
    outcome = cli.run_chapter(TOY, house / "pages", is_on_stack=True)
    assert outcome.exit_code == 2
    assert "There is no domain or topic 'toys'" in outcome.last_words
    assert not (house / "pages" / "lake").exists()
