"""Every job refuses bad usage in the same words and with the same code, before an engine starts."""

import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
JOBS = {
    script.stem: re.findall(
        r"^from (pipelines\.\w+\.cli) import main$", script.read_text("utf-8"), re.M
    )[0]
    for script in sorted((ROOT / "jobs").glob("[a-z]*.py"))
}
NEEDED = {"ingest": ["--topic", "upi.transactions.v1"]}


@pytest.fixture(params=JOBS)
def call(request, tmp_path, monkeypatch, capsys):
    """Run a job in an empty folder where Kafka does not answer; returns code and error text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANGAM_KAFKA", "127.0.0.1:1")
    (tmp_path / "unknown.yaml").write_text("nonsense: 3\n")
    (tmp_path / "broken.yaml").write_text("a: [1\n")
    main = importlib.import_module(JOBS[request.param]).main

    def call(*flags: str) -> tuple[int, str]:
        monkeypatch.setattr(
            sys, "argv", [f"{request.param}.py", *NEEDED.get(request.param, ()), *flags]
        )
        try:
            code = main("About.")
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--frobnicate",), "unrecognized arguments: --frobnicate"),
        (("--set", "nonsense.key=1"), "--set nonsense.key=1: unknown key 'nonsense'. Keys here: "),
        (("--set", "noequals"), "--set noequals: expected --set section.key=value"),
        (("--as-of", "2026-13-40"), "--as-of: '2026-13-40' is no date of the form YYYY-MM-DD"),
        (("--config", "absent.yaml"), "absent.yaml: No such file or directory. Check --config."),
        (("--config", "unknown.yaml"), "unknown.yaml: unknown key 'nonsense'. Keys here: "),
        (("--config", "broken.yaml"), "broken.yaml: not valid YAML"),
        (("--log", "xml"), "--log: invalid choice: 'xml' (choose from 'text', 'json')"),
    ],
)
def test_bad_usage_ends_with_two_and_a_sentence(call, flags, said, tmp_path):
    code, told = call(*flags)
    assert code == 2
    assert said in told
    assert "Traceback" not in told
    assert {file.name for file in tmp_path.iterdir()} == {"unknown.yaml", "broken.yaml"}


@pytest.mark.parametrize(
    ("job", "flags", "needed"),
    [
        ("upi_fraud", ["--once"], "--stack"),
        ("upi_fraud", ["--job", "network"], "--stack"),
        ("viewer_analytics", ["--seconds", "3"], "--stack"),
        ("viewer_analytics", ["--job", "taste"], "--stack"),
        ("seat_allocation", ["--follow", "3"], "--intake"),
        ("credit_score", ["--scorecard", "card.json"], "score"),
    ],
)
def test_a_flag_without_its_partner_is_refused(job, flags, needed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [f"{job}.py", *flags])
    assert importlib.import_module(JOBS[job]).main("About.") == 2
    told = capsys.readouterr().err
    assert flags[0] in told
    assert needed in told


def test_a_file_that_is_no_table_is_named(tmp_path, monkeypatch, capsys):
    from pipelines.upi_fraud.cli import main

    (tmp_path / "payments.parquet").write_text("no table")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["upi_fraud.py", "--input", "payments.parquet"])
    assert main("About.") == 2
    assert "--input payments.parquet: cannot be read: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--truth", "--truth goes with --input FILE"),
        ("--model", "--model nowhere: no such folder; `python -m pipelines.upi_fraud.train"),
    ],
)
def test_what_a_fraud_run_cannot_use_is_named(flag, said, tmp_path, monkeypatch, capsys):
    from pipelines.upi_fraud.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["upi_fraud.py", flag, "nowhere"])
    assert main("About.") == 2
    assert said in capsys.readouterr().err


def test_a_flink_job_without_java_says_how_to_get_one(tmp_path, monkeypatch, capsys):
    from pipelines.core.flink import require_java
    from pipelines.upi_fraud.cli import main

    require_java.cache_clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setattr(sys, "argv", ["upi_fraud.py", "--input", "synthetic:100"])
    assert main("About.") == 5
    assert "holds no Java (no bin/java). Install a Java 17 runtime" in capsys.readouterr().err


@pytest.mark.parametrize("job", ["upi_fraud", "viewer_analytics", "ingest"])
def test_a_broker_that_is_away_ends_with_five_and_what_to_do(job, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANGAM_KAFKA", "127.0.0.1:1")
    monkeypatch.setenv("SANGAM_TOKEN_KEY", "k" * 32)
    monkeypatch.setenv("SANGAM_TOKEN_KEY_ID", "1")
    monkeypatch.setattr("pipelines.core.kafka.CONNECT_SECONDS", 0.1)
    flags = ["--set", "connect_seconds=0.1"] if job == "ingest" else ["--stack"]
    monkeypatch.setattr(sys, "argv", [f"{job}.py", *NEEDED.get(job, ()), *flags])
    assert importlib.import_module(JOBS[job]).main("About.") == 5
    told = capsys.readouterr().err
    assert "Kafka does not answer at 127.0.0.1:1" in told
    assert "make stack-native" in told


def test_a_bad_moment_of_dead_letters_is_named(capsys):
    from pipelines.ingest.dlq_cli import main

    with pytest.raises(SystemExit) as stop:
        main(["list", "--topic", "upi.transactions.v1", "--since", "yesterday"])
    assert stop.value.code == 2
    assert "'yesterday' is no moment of the form YYYY-MM-DDTHH:MM" in capsys.readouterr().err


def test_jobs_that_publish_by_a_runs_table_have_lakes_of_their_own():
    """Two jobs in one lake would write their runs, of two contracts, into the same table."""
    from pipelines.credit.request import Request as Credit
    from pipelines.dedup.request import Request as Dedup
    from pipelines.seats.request import Request as Seats

    assert len({Credit().lake, Dedup().lake, Seats().lake}) == 3
