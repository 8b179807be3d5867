"""The page of a run as a file, and in a browser without a network."""

import json
import re
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path
from urllib.parse import unquote

import pytest

from pipelines.dedup.report import write_report
from tests.unit.dedup.report_pages import with_name
from tests.unit.dedup.report_sample import build_sample

EVIL = "<script>alert(1)</script>"
CHARTS = {
    "thresholds", "scores", "pair", "cluster", "link", "weights", "buckets", "recall", "families",
    "completeness", "steps",
}  # fmt: skip
PARTS = {"counts", "quality", "slices", "caveats", "setup"}
PROBE_HEAD = """<script>window.problems = [];
const complain = (...words) => problems.push(words.map(String).join(" "));
console.error = complain; console.warn = complain;
addEventListener("error", (event) => complain(event.message));
addEventListener("unhandledrejection", (event) => complain(event.reason));
addEventListener("securitypolicyviolation", (event) => complain(event.blockedURI));
</script>"""
PROBE_TAIL = """<script>
const hasCanvas = (node) => node.querySelector("canvas") !== null
  || [...node.querySelectorAll("*")].some((one) => one.shadowRoot && hasCanvas(one.shadowRoot));
const act = (id, value) => {
  const field = document.getElementById(id);
  field.value = value;
  field.dispatchEvent(new Event("change"));
  field.dispatchEvent(new Event("input"));
};
sangam.figure("pair").then(async (figure) => {
  act("pairs-band", "REVIEW");
  document.getElementById("pairs-next").click();
  act("clusters-search", "c00b1de5");
  act("clusters-from", "0");
  act("clusters-to", "6");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const charts = [...document.querySelectorAll(".chart")];
  const report = {
    problems, bare: charts.filter((chart) => !hasCanvas(chart)).map((chart) => chart.id),
    charts: charts.length, bars: figure.y_range.factors.length,
    path: document.getElementById("clusters-path").textContent,
    links: document.getElementById("clusters-links").children.length,
    names: document.getElementById("pairs-table").textContent,
    injected: document.querySelectorAll("td script").length,
    wide: document.documentElement.scrollWidth - innerWidth,
  };
  const shown = document.createElement("pre");
  shown.id = "probe";
  shown.textContent = btoa(encodeURIComponent(JSON.stringify(report)));
  document.body.append(shown);
});
</script>"""


@pytest.fixture(scope="module")
def evil_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public, labelled sample with a script for a name: the page all tests look at."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    return write_report(with_name(build_sample(), EVIL, "masked"), path)


def test_all_parts_are_present_within_five_megabytes(evil_page: Path) -> None:
    html = evil_page.read_text(encoding="utf-8")
    assert set(re.findall(r'id="chart-(\w+)"', html)) == CHARTS
    assert set(re.findall(r'<section id="(\w+)"', html)) >= PARTS
    assert evil_page.stat().st_size < 5_000_000
    for figure in ("35,174", "34,981", "1,152,340", "80,163", "99.76 %", "0.048 %", "14.8 s"):
        assert f"<dd>{figure}</dd>" in html


def test_a_script_in_a_name_stays_text(evil_page: Path) -> None:
    html = evil_page.read_text(encoding="utf-8")
    assert EVIL not in html
    found = re.search(r'id="data-pairs">(.*?)</script>', html)
    assert found
    assert json.loads(found.group(1))[0]["left"]["fields"]["given_name"] == EVIL


def test_the_page_works_offline_in_a_browser(evil_page: Path, tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if browser is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    page = tmp_path / "report.html"
    html = evil_page.read_text(encoding="utf-8")
    html = html.replace("<style>", PROBE_HEAD + "<style>", 1)
    page.write_text(html.replace("</body>", PROBE_TAIL + "</body>"), encoding="utf-8")
    found = open_page(browser, page, width=390)
    assert found["problems"] == []
    assert found["bare"] == []
    assert found["charts"] == len(CHARTS)
    assert found["bars"] > 8
    assert EVIL in str(found["names"])
    assert found["injected"] == 0
    assert str(found["path"]).startswith("Strongest path: 3 links, the weakest: 8.8 bits")
    assert found["links"] == 3
    assert found["wide"] <= 0


def open_page(browser: str, page: Path, width: int) -> dict[str, object]:
    switches = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=10000", "--dump-dom",
        f"--user-data-dir={page.parent / 'profile'}", f"--window-size={width},2000",
    ]  # fmt: skip
    command = [browser, *switches, page.as_uri()]
    run = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    shown = re.search(r'<pre id="probe">(.*?)</pre>', run.stdout)
    assert shown, run.stderr[-2000:]
    result: dict[str, object] = json.loads(unquote(b64decode(shown.group(1)).decode()))
    return result
