"""What people do with the console of a local stack, from the keyboard and by pointing."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Final, override
from uuid import uuid4

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import REBOUND, Running
from tests.support.checkout import COMMAND, environment
from tests.support.console import HOSTILE
from tests.support.emulated import variables_of
from wickiepay_cli.stacks import local_stack

pytest_plugins = ["tests.support.browser_fixture"]
pytestmark = [pytest.mark.browser, pytest.mark.stack]

DEPOSIT: Final = "functions/consumer/handlers/deposit.py"
SOUND: Final = '    return [set_resource(event, "deposit")]'
BROKEN: Final = """\
    from wickiepay.errors import PermanentFailure

    raise PermanentFailure("Deposits are not known yet.")"""

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


def test_from_the_keyboard_one_finds_what_failed_sees_why_and_once_it_is_mended_replays_it(
    opened: Page, running: Running
) -> None:
    running.edit(DEPOSIT, SOUND, BROKEN)
    uuid = running.trigger("deposit.status_change")
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
    expect(opened.locator("main")).to_contain_text("Deposits are not known yet.")

    running.edit(DEPOSIT, BROKEN, SOUND)
    keys.press("r")
    keys.type("the handler is mended")
    keys.press("Enter")
    expect(opened.locator("#timeline ~ div")).to_contain_text("the handler is mended")
    changed = opened.get_by_role("link", name="show it as it is now")
    expect(changed).to_be_visible()
    while not changed.evaluate("link => link === document.activeElement"):
        keys.press("Tab")
    keys.press("Enter")
    expect(opened.locator("main .state").first).to_have_text("processed")
    assert running.event(uuid)["replays"][-1]["why"] == "the handler is mended"


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


# --- A deployed stack ------------------------------------------------------------------------------
@pytest.fixture
def deployed(running: Running) -> Iterator[str]:
    """The address of the console of the same stack, as of one in an account: it is known by its outputs alone."""
    stack = local_stack.read(running.folder)
    assert stack
    command = [*COMMAND, "console", "--stack", stack.stack_name, "--print"]
    variables = environment(running.project, **variables_of(stack.aws))
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().removeprefix("Console: ").strip()
        finally:
            process.terminate()


def test_a_deployed_stack_is_looked_at_until_its_name_is_typed(page: Page, running: Running, deployed: str) -> None:
    page.goto(deployed)
    uuid = running.trigger("payment.completed")
    row(page, uuid, "processed")
    open_delivery(page, uuid)
    expect(page.locator("header")).to_contain_text("looking only")
    expect(page.locator("form")).to_have_count(0)

    def allow(name: str) -> None:
        page.get_by_role("link", name="Stack", exact=True).first.click()
        page.get_by_label("To change something").fill(name)
        page.get_by_role("button", name="Allow changes").click()

    allow("wickiepay")
    expect(page.locator("main")).to_contain_text("That is not the stack's name")
    allow("wickiepay-local")
    expect(page.locator("header")).to_contain_text("changes are asked for")

    page.get_by_role("link", name="On record").click()
    page.locator("tr", has_text=uuid).get_by_role("link").click()
    replay = page.locator("#replay")
    replay.get_by_label("Why").fill("A drill.")
    replay.get_by_role("button").click()
    expect(page.locator("main")).to_contain_text("On wickiepay-local this would have 1 event processed again")
    page.get_by_role("button", name="Yes, do it").click()
    expect(page.locator("#timeline ~ div")).to_contain_text("A drill.")


def test_on_call_one_finds_what_a_deployed_stack_refused(page: Page, running: Running, deployed: str) -> None:
    running.trigger("payment.expired", "--secret", "of another merchant")
    page.goto(deployed)
    page.get_by_role("link", name="On record").first.click()
    expect(page.get_by_role("region", name="Refused")).to_contain_text("signature_mismatch")


# --- Strangers -------------------------------------------------------------------------------------
def test_what_strangers_deliver_does_nothing_on_any_page(opened: Page, running: Running) -> None:
    """`page` fails for a dialog, a script's error, and a report of the content security policy."""
    url = json.loads((running.folder / "stack.json").read_text())["webhook_url"]
    for text in HOSTILE:
        body = json.dumps({"event": text, "data": {"uuid": text, "reference": text}})
        httpx.post(url, content=body, headers={"User-Agent": text.encode("unicode_escape").decode()}, trust_env=False)
    expect(opened.locator("#deliveries tbody tr", has_text="refused").nth(len(HOSTILE) - 1)).to_be_visible()
    for link in [each.get_attribute("href") for each in opened.locator("#deliveries tbody a").all()[: len(HOSTILE)]]:
        opened.goto(running.url + str(link))
        expect(opened.locator("h1")).to_have_text("One delivery")


def test_another_origins_page_changes_nothing(opened: Page, running: Running) -> None:
    """The browser has the console's cookie; the form of a foreign page is refused all the same."""
    console = running.url
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


def test_a_foreign_name_that_leads_here_gets_nothing(chromium: Browser, running: Running) -> None:
    """DNS rebinding. To the browser, a page of that name might read all that this name and port answer."""
    with chromium.new_context() as context, context.new_page() as page:  # `page` takes the browser's warning amiss
        address = str(httpx.URL(running.console).copy_with(host=REBOUND))
        answer = page.goto(address)
        assert answer
        assert (answer.status, context.cookies(address)) == (421, [])
        assert page.evaluate("fetch('/api/requests').then(answer => answer.status)") == 421


# --- For everybody ---------------------------------------------------------------------------------
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_from_using_a_page(scheme: str, opened: Page, running: Running, tmp_path: Path) -> None:
    uuid = running.trigger("payment.completed")
    row(opened, uuid, "processed")
    link = opened.locator("#deliveries tbody a").first.get_attribute("href")
    opened.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in (*PAGES, str(link)):
        opened.goto(running.url + path)
        opened.wait_for_timeout(300)  # rows arrive
        found = Axe().run(opened)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        picture = (path.strip("/").partition("?")[0].replace("/", "-") or "deliveries") + f"-{scheme}.png"
        opened.screenshot(path=Path(os.environ.get("PICTURES", tmp_path)) / picture)


@pytest.mark.parametrize(("width", "height"), [(320, 640), (600, 400)], ids=["a telephone", "1200 pixels at 200 %"])
def test_no_page_scrolls_sideways(width: int, height: int, opened: Page, running: Running) -> None:
    row(opened, running.trigger("payment.completed"), "processed")
    link = opened.locator("#deliveries tbody a").first.get_attribute("href")
    opened.set_viewport_size({"width": width, "height": height})
    for path in (*PAGES, str(link)):
        opened.goto(running.url + path)
        opened.wait_for_timeout(300)  # rows arrive
        wide = opened.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{path} is {wide} pixels wide"
