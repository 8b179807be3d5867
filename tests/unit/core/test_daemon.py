"""Workers look for modules in installed packages, and for garbage in what they made themselves."""

import gc
import sys
import zipfile

import pytest
from pyspark import daemon

from pipelines.core.daemon import drop_zips, ends_quietly, serve


def test_zips_and_jars_are_no_import_places(tmp_path, monkeypatch):
    kept = [str(tmp_path), *(place for place in sys.path if not place.endswith(".zip"))]
    files = [str(tmp_path / name) for name in ("pyspark.zip", "spark-core_2.13-4.1.1.jar")]
    for file in files:
        zipfile.ZipFile(file, "w").close()
    monkeypatch.setattr(sys, "path", [files[0], *kept, files[1]])
    monkeypatch.setattr(
        sys,
        "path_importer_cache",
        {**dict.fromkeys(files), f"{files[0]}/pyspark": None, kept[0]: None},
    )
    drop_zips()
    assert sys.path == kept
    assert list(sys.path_importer_cache) == [kept[0]]


def test_what_is_imported_before_the_fork_is_not_searched_for_garbage(monkeypatch):
    frozen = []
    monkeypatch.setattr(daemon, "manager", lambda: frozen.append(gc.get_freeze_count()))
    monkeypatch.setattr(daemon, "worker", daemon.worker)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = gc.get_freeze_count()
    try:
        serve(["colorsys"])
    finally:
        gc.unfreeze()
    assert frozen[0] > before
    assert "colorsys" in sys.modules


def test_a_worker_that_nobody_listens_to_ends_without_a_trace(capfd):
    def worker(sock, authenticated):
        raise BrokenPipeError(sock, authenticated)

    assert ends_quietly(worker)("socket", True) == 1
    assert capfd.readouterr() == ("", "")


def test_other_failures_of_a_worker_stay_failures():
    def worker(sock, authenticated):
        raise ValueError(sock)

    with pytest.raises(ValueError, match="socket"):
        ends_quietly(worker)("socket", True)
    assert ends_quietly(lambda sock, authenticated: 7)("socket", False) == 7
