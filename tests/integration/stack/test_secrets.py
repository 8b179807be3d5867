"""No key in the repository: what looks like one, in any file that git has or would take."""

import re
import subprocess

import pytest

from pipelines.core.config import PROJECT_ROOT

NAMED = re.compile(
    rb"(?i)(?:password|passwd|secret|access[_-]?key|api[_-]?key|token[_-]?key)[\w\x80-\xff]*[\"']?"
    rb"\s*[:=]\s*[\"']?([A-Za-z0-9+/_-]{16,})"
)
SHAPED = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b"
    rb"|://[^/\s:@{}<$]+:[^/\s:@{}<$]+@"
)
HEADS = (b"passw", b"secret", b"access", b"api", b"token", b"-----begin", b"akia", b"ghp_", b"gho_",
         b"ghu_", b"ghs_", b"ghr_", b"://")  # fmt: skip
"""How a match begins, in small letters: to look for these first is ten times as quick."""
TOLD_PUBLIC = re.compile(rb"(?i)test|bench|synthetic|example|public|wrong|_")
"""Fixed keys of tests and benchmarks say so themselves; a name has underscores, a key here none."""


def keys_in(content: bytes) -> list[bytes]:
    small, found = content.lower(), []
    for head in HEADS:
        at = small.find(head)
        while at >= 0:
            if (named := NAMED.match(content, at)) and not TOLD_PUBLIC.search(named[1]):
                found.append(named[1])
            if shaped := SHAPED.match(content, at):
                found.append(shaped[0])
            at = small.find(head, at + 1)
    return found


def test_no_file_holds_a_key() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=PROJECT_ROOT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    found = {}
    for name in listed.stdout.splitlines():
        file = PROJECT_ROOT / name
        if name == "tests/integration/stack/test_secrets.py" or not file.is_file():
            continue
        if keys := keys_in(file.read_bytes()):
            found[name] = keys
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        "SANGAM_S3_SECRET_INGEST=9f8a7b6c5d4e3f2a1b0c",
        'password: "Zx81kPq0Lm77Rt5Y"',
        "token_key = '0123456789abcdef0123'",
        "-----BEGIN RSA PRIVATE KEY-----",
        "https://user:hunter2@host/path",
    ],
)
def test_a_key_is_seen(text: str) -> None:
    assert keys_in(text.encode())


@pytest.mark.parametrize(
    "text",
    ["SANGAM_S3_SECRET_INGEST=", "secret_key: str = field(repr=False)", "KEY=${SANGAM_KEY:?}"],
)
def test_a_name_is_no_key(text: str) -> None:
    assert not keys_in(text.encode())


def test_what_the_native_stack_and_people_keep_is_ignored() -> None:
    for name in (".env", ".sangam/stack/env", ".sangam/token.key"):
        told = subprocess.run(
            ["git", "check-ignore", "-q", name], cwd=PROJECT_ROOT, check=False
        ).returncode
        assert told in (0, 128), f"git would take {name}"
