"""The end of a run says nothing of the tasks it cuts short, and leaves no socket behind."""

import atexit
from types import SimpleNamespace

from pipelines.core import spark


def ended(monkeypatch, address, set_level):
    """What a run does when it ends, given where counts are told and how the log level is set."""
    last = []
    monkeypatch.setattr(atexit, "register", last.append)
    server = SimpleNamespace(server_address=address)
    spark._end_quietly.__wrapped__(
        SimpleNamespace(_accumulatorServer=server, setLogLevel=set_level)
    )
    (end,) = last
    end()


def test_spark_falls_silent_and_its_socket_goes(monkeypatch, tmp_path):
    socket, levels = tmp_path / "counts.sock", []
    socket.touch()
    ended(monkeypatch, str(socket), levels.append)
    assert (levels, socket.exists()) == (["OFF"], False)


def test_a_jvm_that_is_gone_does_not_keep_the_socket(monkeypatch, tmp_path):
    def refused(level):
        raise ConnectionRefusedError(level)

    socket = tmp_path / "counts.sock"
    socket.touch()
    ended(monkeypatch, str(socket), refused)
    assert not socket.exists()


def test_a_port_is_no_file(monkeypatch):
    levels = []
    ended(monkeypatch, ("127.0.0.1", 4040), levels.append)
    assert levels == ["OFF"]
