"""Every command of README and cookbook is one that the programs of this repository take."""

import argparse
import importlib
import re
import runpy
import sys
import zipfile
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import pipelines
from pipelines.core.config import load_config
from pipelines.core.errors import ConfigError
from pipelines.demo.chapters import CHAPTERS
from pipelines.demo.cli import Shop
from tests.cookbook import PAGES, ROOT, read_commands, write_files

COMMANDS = [(page.relative_to(ROOT), words) for page in PAGES for words in read_commands(page)]
COOKBOOK = ROOT / "docs" / "cookbook"


class Parsed(BaseException):
    """The arguments were taken; raised so that nothing runs."""


@pytest.fixture
def parse_only(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = argparse.ArgumentParser.parse_args

    def parse(self: Any, args: Any = None, namespace: Any = None) -> Any:
        raise Parsed(self, taken(self, args, namespace))

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)


def taken_by(run: Callable[[], Any]) -> None:
    """Let a program read its flags and, for a job, its settings; `--help` ends it well too."""
    with pytest.raises((Parsed, SystemExit)) as stopped:
        run()
    if isinstance(stopped.value, SystemExit):
        assert stopped.value.code == 0
        return
    parser, given = stopped.value.args
    model = next((a.const for a in parser._actions if "--help-config" in a.option_strings), None)
    if model:
        module, name = model.split(":")
        job = Path(parser.prog).stem
        load_config(getattr(importlib.import_module(module), name), job, None, given.sets, {})


def check_job(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", list(words))
    taken_by(lambda: runpy.run_path(str(ROOT / words[0]), run_name="__main__"))


def check_module(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if words[0] == "pytest":
        assert all((ROOT / word).exists() for word in words[1:])
        return
    monkeypatch.setattr(sys, "argv", list(words))
    name = words[0] if words[0] != "pipelines" else "pipelines.__main__"
    taken_by(importlib.import_module(name).main)


@cache
def long_flags(package: str, jar: str, *classes: str) -> set[str]:
    """Words inside the classes that read a program's flags: asking the program would start a JVM."""
    home = Path(str(find_spec(package).submodule_search_locations[0]))
    found: set[str] = set()
    for file in home.glob(jar):
        with zipfile.ZipFile(file) as content:
            for name in classes:
                found |= set(
                    re.findall(
                        r"[A-Za-z][A-Za-z-]+", content.read(f"{name}.class").decode("latin-1")
                    )
                )
    return found


def check_spark_submit(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    script = next(at for at, word in enumerate(words) if word.endswith(".py"))
    known = long_flags(
        "pyspark", "jars/spark-launcher*.jar", "org/apache/spark/launcher/SparkSubmitOptionParser"
    )
    flags = words[:script]
    assert [flag for flag in flags[::2] if flag.removeprefix("--") not in known] == []
    settings = [
        value for flag, value in zip(flags[::2], flags[1::2], strict=True) if flag == "--conf"
    ]
    assert all(re.match(r"spark\.[\w.]+=.", setting) for setting in settings)
    check_job(words[script:], monkeypatch)


def check_flink(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert words[0] == "run"
    client = "org/apache/flink/client/cli/"
    known = long_flags(
        "pyflink", "lib/flink-dist*.jar", f"{client}CliFrontendParser", f"{client}GenericCLI"
    )
    script = next(at for at, word in enumerate(words) if word.endswith(".py"))
    flags = [word.removeprefix("--") for word in words[:script] if word.startswith("--")]
    assert set(flags) <= known
    job = words[script].removeprefix("/opt/sangam/")
    check_job([job, *words[script + 1 :]], monkeypatch)


def check_make(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    targets = [word for word in words if "=" not in word and word != "&&"]
    rules = (ROOT / "Makefile").read_text()
    assert [
        name for name in targets if not re.search(rf"^{re.escape(name)}:.* ## ", rules, re.M)
    ] == []
    given = [word.removeprefix("ARGS=") for word in words if word.startswith("ARGS=")]
    if given:
        recipe = rules.partition(f"\n{targets[0]}:")[2]
        (script,) = re.findall(r"python (benchmarks/\w+\.py) \$\(ARGS\)", recipe)[:1]
        monkeypatch.syspath_prepend(ROOT / "benchmarks")
        monkeypatch.setattr("harness.arguments.PEERS_PYTHON", "python")
        check_job([script, *given[0].split()], monkeypatch)


def check_files(words: Sequence[str], _: pytest.MonkeyPatch) -> None:
    """Other programs: the files of this repository that they are given exist."""
    named = [
        word for word in words if re.match(r"(schemas|docker|docs|conf|requirements|\.env)", word)
    ]
    assert [name for name in named if not (ROOT / name).exists() and name != words[-1]] == []


def test_there_are_commands():
    assert len(COMMANDS) > 30


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=lambda part: str(part)[:60])
def test_a_command_is_taken(page, words, parse_only, monkeypatch, capsys):
    """Flags and settings are parsed by the program itself; nothing is started."""
    monkeypatch.chdir(ROOT)
    head, *rest = words
    if head in ("python", "python3.11") and rest[0] == "-m":
        if rest[1] != "venv":
            check_module(rest[1:], monkeypatch)
    elif head == "python":
        check_job(rest, monkeypatch)
    else:
        checks = {"spark-submit": check_spark_submit, "flink": check_flink, "make": check_make}
        others = {
            "cp",
            "docker",
            "export",
            "git",
            ".",
            "cluster-env/bin/python",
            "cluster-env/bin/venv-pack",
        }
        assert head in {*checks, *others}, f"{page}: nobody checks {head!r}"
        checks.get(head, check_files)(rest, monkeypatch)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.job)
@pytest.mark.parametrize("is_on_stack", [False, True], ids=["files", "stack"])
def test_the_demo_gives_flags_that_its_jobs_take(
    chapter, is_on_stack, parse_only, monkeypatch, tmp_path
):
    check_job(Shop(tmp_path).commands(chapter, is_on_stack)[-1][1:], monkeypatch)


def test_a_wrong_flag_or_setting_is_noticed(parse_only, monkeypatch, capsys):
    for words in (
        ["jobs/dedup.py", "--inputs", "x"],
        ["jobs/dedup.py", "--set", "seeds=3"],
    ):
        with pytest.raises((AssertionError, ConfigError)):
            check_job(words, monkeypatch)
    with pytest.raises(AssertionError):
        check_spark_submit(["--executors", "3", "jobs/dedup.py"], monkeypatch)
    with pytest.raises(AssertionError):
        check_flink(["run", "--pyExec", "x", "--python", "jobs/upi_fraud.py"], monkeypatch)
    for words in (["dedupe"], ["bench-seats", "ARGS=--sections nights"]):
        with pytest.raises(AssertionError):
            check_make(words, monkeypatch)


def test_links_lead_to_files_that_are_there():
    for page in (*PAGES, *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_job_of_the_cookbook_has_the_common_command_line(tmp_path, monkeypatch, capsys):
    write_files(COOKBOOK / "add-a-job.md", tmp_path)
    monkeypatch.setattr(pipelines, "__path__", [*pipelines.__path__, str(tmp_path / "pipelines")])
    main = importlib.import_module("pipelines.value_count.cli").main

    def call(*flags: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["value_count.py", *flags])
        try:
            code = main("Count.")
        except SystemExit as stop:
            code = int(str(stop.code))
        return code, "".join(capsys.readouterr())

    assert call("--help-config")[1].startswith('column = "state"')
    assert call()[0] == 2
    code, said = call("--input", "people.parquet", "--set", "missing_limit=2")
    assert (code, "--set missing_limit=2: key 'missing_limit'" in said) == (2, True)
    importlib.import_module("pipelines.value_count.pipeline")
