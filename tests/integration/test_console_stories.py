"""What people do with the console of a local stack, from the keyboard and by pointing."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Final, override
from uuid import uuid4

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.browser import Running
from tests.support.console import HOSTILE

pytest_plugins = ["tests.support.browser_fixture"]
pytestmark = [pytest.mark.browser, pytest.mark.stack]

PAGES: Final = ("/", "/history", "/send", "/books", "/books/doctor", "/announcements", "/stack")


@pytest.fixture
def opened(page: Page, running: Running) -> Page:
    page.goto(running.console)
    return page


def row(page: Page, uuid: str, state: str) -> None:
    """Waits until a delivery stands like this."""
    expect(page.locator("#deliveries tbody tr", has_text=uuid).locator(".state").first).to_have_text(state)


def open_delivery(page: Page, uuid: str) -> None:
    page.locator("#deliveries tbody tr", has_text=uuid).locator("a").first.click()


# --- Stories ---------------------------------------------------------------------------------------
def test_a_delivery_appears_by_itself_and_ends_processed(opened: Page, running: Running) -> None:
    row(opened, running.trigger("payment.completed"), "processed")


def test_from_the_keyboard_one_finds_what_failed_sees_why_and_replays_it(opened: Page, running: Running) -> None:
    uuid = running.trigger("channel.payment.confirmed", "--set", "data.displayCurrency.amount=none")
    row(opened, uuid, "failed")
    running.trigger("payment.completed")
    keys = opened.keyboard
    keys.press("/")
    keys.type("failed")
    expect(opened.locator("#count")).to_contain_text("1 shown")
    keys.press("Escape")
    keys.press("j")
    keys.press("Enter")
    expect(opened.locator("h1")).to_have_text("One delivery")
    expect(opened.locator("main")).to_contain_text("amount")
    keys.press("r")
    keys.type("the amount is known now")
    keys.press("Enter")
    expect(opened.locator("#timeline ~ div")).to_contain_text("the amount is known now")
    assert running.event(uuid)["replays"][-1]["why"] == "the amount is known now"


def test_of_a_wrong_secret_the_signature_says_so(opened: Page, running: Running) -> None:
    uuid = running.trigger("payment.completed", "--secret", "of another merchant")
    row(opened, uuid, "refused")
    open_delivery(opened, uuid)
    expect(opened.locator("section", has=opened.locator("#signature"))).to_contain_text("secret")
    assert "of another merchant" not in opened.content()


def test_a_conflict_is_accepted_with_a_reason(opened: Page, running: Running) -> None:
    uuid = str(uuid4())
    running.wickiepay("trigger", "--scenario", "conflict", "--uuid", uuid)
    opened.locator("#deliveries tbody tr", has_text="conflict").locator("a").first.click()
    accept = opened.locator("form[action='/accept']")
    accept.get_by_label("a second credit is meant").check()
    accept.locator("input[name=why]").fill("the merchant confirmed it")
    accept.get_by_role("button").click()
    expect(opened.locator("main")).to_contain_text("accepted")


def test_a_delivery_is_edited_signed_and_sent(opened: Page, running: Running) -> None:
    uuid = running.trigger("payment.created")
    row(opened, uuid, "processed")
    open_delivery(opened, uuid)
    opened.get_by_role("link", name="Edit, sign, send").click()
    body = json.loads(opened.locator("#json").input_value())
    body["event"] = "payment.completed"
    body["data"]["status"] = "COMPLETE"
    opened.locator("#json").fill(json.dumps(body))
    opened.get_by_role("button", name="Sign and send").click()
    expect(opened.locator("main")).to_contain_text("200")
    opened.goto(running.console)
    expect(opened.locator("#deliveries tbody tr", has_text=uuid)).to_have_count(2)


# --- Strangers -------------------------------------------------------------------------------------
def test_what_strangers_deliver_does_nothing_on_any_page(opened: Page, running: Running) -> None:
    """`page` fails for a dialog, a script's error, and a report of the content security policy."""
    url = json.loads((running.folder / "stack.json").read_text())["webhook_url"]
    for text in HOSTILE:
        body = json.dumps({"event": text, "data": {"uuid": text, "reference": text}})
        httpx.post(url, content=body, headers={"User-Agent": text.encode("unicode_escape").decode()}, trust_env=False)
    expect(opened.locator("#deliveries tbody tr", has_text="refused").nth(len(HOSTILE) - 1)).to_be_visible()
    for link in [each.get_attribute("href") for each in opened.locator("#deliveries tbody a").all()[: len(HOSTILE)]]:
        opened.goto(running.console.partition("/?")[0] + str(link))
        expect(opened.locator("h1")).to_have_text("One delivery")


def test_another_origins_page_changes_nothing(opened: Page, running: Running) -> None:
    """The browser has the console's cookie; the form of a foreign page is refused all the same."""
    console = running.console.partition("/?")[0]
    form = f"<form method=post action={console}/scenario><input name=scenario value=duplicates></form>"

    class Foreign(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"{form}<script>document.forms[0].submit()</script>".encode())

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Tells nothing."""

    with HTTPServer(("127.0.0.1", 0), Foreign) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        with opened.expect_response(f"{console}/scenario") as answer:
            opened.goto(f"http://localhost:{server.server_port}/", wait_until="commit")
        server.shutdown()
        serving.join()
    assert answer.value.status in {401, 403}


# --- For everybody ---------------------------------------------------------------------------------
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_from_using_a_page(scheme: str, opened: Page, running: Running, tmp_path: Path) -> None:
    uuid = running.trigger("payment.completed")
    row(opened, uuid, "processed")
    link = opened.locator("#deliveries tbody a").first.get_attribute("href")
    opened.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in (*PAGES, str(link)):
        opened.goto(running.console.partition("/?")[0] + path)
        opened.wait_for_timeout(300)  # rows arrive
        found = Axe().run(opened)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        picture = (path.strip("/").partition("?")[0].replace("/", "-") or "deliveries") + f"-{scheme}.png"
        opened.screenshot(path=Path(os.environ.get("PICTURES", tmp_path)) / picture)


def test_at_320_pixels_no_page_scrolls_sideways(opened: Page, running: Running) -> None:
    opened.set_viewport_size({"width": 320, "height": 640})
    for path in PAGES:
        opened.goto(running.console.partition("/?")[0] + path)
        width = opened.evaluate("document.documentElement.scrollWidth")
        assert width <= 320, f"{path} is {width} pixels wide"
