"""Handlers register themselves, each event type once."""

import importlib
import sys
from pathlib import Path

import pytest

from wickiepay.effects import Effect
from wickiepay.errors import RegistrationError
from wickiepay.event import WebhookEvent
from wickiepay.routing import Router, Settings, discover


def handler(_event: WebhookEvent, _settings: Settings) -> list[Effect]:
    return []


def test_a_handler_is_found_under_each_of_its_names() -> None:
    router = Router()

    assert router.on("a", "b")(handler) is handler
    assert dict(router) == {"a": handler, "b": handler}
    assert len(router) == 2
    assert router.get("c") is None


@pytest.mark.parametrize("names", [(), ("",), ("a", "")])
def test_a_registration_for_nothing_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(RegistrationError, match="at least one"):
        Router().on(*names)


def test_a_second_handler_for_a_name_is_refused() -> None:
    router = Router()
    router.on("a")(handler)

    with pytest.raises(RegistrationError, match="a has a handler already"):
        router.on("b", "a")(lambda *_: [])


def test_discovery_imports_every_module_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "discovered_here"
    package.mkdir()
    for module in ("__init__", "one", "two"):
        (package / f"{module}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    discover(importlib.import_module("discovered_here"))

    assert {"discovered_here.one", "discovered_here.two"} <= set(sys.modules)
