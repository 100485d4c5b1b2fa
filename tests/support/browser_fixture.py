"""Chromium, and a local stack with its console, as `make run` starts them."""

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, expect, sync_playwright

from tests.support.browser import REBOUND, Running
from tests.support.checkout import COMMAND, checkout, environment

PATIENCE_MS: Final = 20_000
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS: Final = (
    f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("These tests need Chromium: make browser INSTALL=1 installs Debian's, as root.")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A new window. In the end its console must have told of no error, and no dialog may have opened."""
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(f"an exception: {error}"))

    def refuse(dialog: Dialog) -> None:
        trouble.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", refuse)
    page.on("console", lambda message: trouble.extend([message.text] * _is_trouble(message)))
    yield page
    context.close()
    assert trouble == []


def _is_trouble(message: ConsoleMessage) -> bool:
    """Whether a script failed, or the page's policy forbade something. Refused requests are the tests' own business."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    project, folder = checkout(tmp_path_factory.mktemp("checkout")), tmp_path_factory.mktemp("local")
    told = folder / "told"
    variables = environment(project, WICKIEPAY_LOCAL=str(folder), PORT="0")
    with (
        told.open("w") as problems,
        subprocess.Popen(
            [*COMMAND, "listen"], env=variables, stdout=subprocess.PIPE, stderr=problems, text=True
        ) as process,
    ):
        assert process.stdout
        try:
            found = next(found for line in process.stdout if (found := re.match(r"Console: (\S+)", line)))
            yield Running(project, folder, told, found[1])
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
