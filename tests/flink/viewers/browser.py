"""A headless Chromium that is driven over its own protocol: what a page says, and how it looks."""

import asyncio
import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tornado.websocket import WebSocketClientConnection, websocket_connect

DESK, PHONE = (1280, 900), (390, 844)
TEXTS = """(() => {
  const found = [];
  const walk = (node) => {
    if (node.shadowRoot) walk(node.shadowRoot);
    for (const child of node.childNodes) {
      if (child.nodeType === 3) found.push(child.data.trim());
      else if (!['SCRIPT', 'STYLE'].includes(child.nodeName)) walk(child);
    }
  };
  walk(document.body);
  return JSON.stringify({
    text: found.filter(Boolean).join(' '),
    width: document.documentElement.scrollWidth,
  });
})()"""
"""Everything that can be read on the page, inside of components too, and how wide it is."""


@contextmanager
def chromium(folder: Path) -> Iterator[str]:
    """A browser of its own; gives the address of its only page. Skips where none is installed."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on PATH")
    process = subprocess.Popen(
        [found, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
         f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield _page_of(folder / "DevToolsActivePort")
    finally:
        process.terminate()
        process.wait(20)


def _page_of(file: Path, seconds: float = 60) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if file.exists() and (port := file.read_text().split()):
            with urllib.request.urlopen(f"http://127.0.0.1:{port[0]}/json/list") as answer:
                pages = [one for one in json.load(answer) if one["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
        time.sleep(0.1)
    raise AssertionError("Chromium does not answer")


def look(
    page: str, address: str, size: tuple[int, int], accept: Callable[[str], bool], picture: Path,
    seconds: float = 60,
) -> dict[str, Any]:  # fmt: skip
    """Open an address, wait until its text is accepted, take a picture; text and width."""
    return asyncio.run(_look(page, address, size, accept, picture, seconds))


async def _look(page, address, size, accept, picture, seconds):
    connection = await websocket_connect(page, max_message_size=50_000_000)
    width, height = size
    try:
        await _ask(connection, "Emulation.setDeviceMetricsOverride", width=width, height=height,
                   deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
        await _ask(connection, "Page.navigate", url=address)
        deadline = time.monotonic() + seconds
        while True:
            told = await _ask(connection, "Runtime.evaluate", expression=TEXTS)
            found = json.loads(told["result"].get("value", '{"text": ""}'))
            if accept(found["text"]):
                break
            assert time.monotonic() < deadline, f"the page says: {found['text'][:500]}"
            await asyncio.sleep(0.3)
        shot = await _ask(connection, "Page.captureScreenshot", captureBeyondViewport=True)
        picture.write_bytes(base64.b64decode(shot["data"]))
        return found
    finally:
        connection.close()


async def _ask(connection: WebSocketClientConnection, method: str, **given: Any) -> Any:
    number = time.monotonic_ns() % 1_000_000_000
    await connection.write_message(json.dumps({"id": number, "method": method, "params": given}))
    while True:
        told = json.loads(await connection.read_message())
        if told.get("id") == number:
            assert "error" not in told, told
            return told["result"]
