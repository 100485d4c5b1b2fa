"""What the listener announces is what docs/examples/announcement.schema.json and docs/bus.md say that it is."""

import hashlib
import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

import handlers
from tests.support.deployed import SETTINGS
from wickiepay.bus import DETAIL_VERSION, MAX_DETAIL_BYTES, Announcement
from wickiepay.effects import Refuse, describe
from wickiepay.event import parse
from wickiepay.routing import discover, router
from wickiepay_cli.sending.samples import event_types, sample

DOCS: Final = Path(__file__).parents[2] / "docs"
SCHEMA: Final = json.loads((DOCS / "examples/announcement.schema.json").read_text())
VALIDATOR: Final = Draft202012Validator(SCHEMA)
RECEIVED_AT: Final = "2026-01-15T10:25:01.000000Z"

discover(handlers)

type ReadByExample = Callable[[dict[str, Any]], Any]

of_every_type = pytest.mark.parametrize("event_type", event_types())


def announced(body: bytes, replay_id: str | None = None) -> dict[str, Any]:
    """The detail that subscribers get of the event in `body`."""
    event = parse(body)
    handler = router.get(event.name)
    effects = (
        [describe(effect, stands=True) for effect in handler(event, SETTINGS) if not isinstance(effect, Refuse)]
        if handler
        else []
    )
    outcome = "PROCESSED" if handler else "IGNORED"
    detail: dict[str, Any] = json.loads(Announcement(event, RECEIVED_AT, outcome, effects, replay_id).detail())
    return detail


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@of_every_type
@pytest.mark.parametrize("replay_id", [None, "replay-7"])
def test_an_announcement_of_every_type_is_valid(event_type: str, replay_id: str | None) -> None:
    VALIDATOR.validate(announced(sample(event_type), replay_id))


@of_every_type
def test_every_field_that_is_announced_is_described(event_type: str) -> None:
    assert announced(sample(event_type)).keys() == SCHEMA["properties"].keys()


SOME_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.text(min_size=1, max_size=100),
    st.dictionaries(st.sampled_from(["uuid", "id", "status"]) | st.text(), SOME_JSON),
    SOME_JSON,
)
def test_whatever_is_accepted_is_announced_validly(name: str, data: dict[str, Any], timestamp: object) -> None:
    VALIDATOR.validate(announced(json.dumps({"event": name, "data": data, "timestamp": timestamp}).encode()))


def test_what_is_too_large_is_announced_without_its_data_and_validly() -> None:
    body = json.dumps({"event": "payment.completed", "data": {"uuid": "1", "filler": "a" * MAX_DETAIL_BYTES}}).encode()

    detail = announced(body)
    VALIDATOR.validate(detail)
    assert detail.keys() == set(SCHEMA["required"])


SPOILED: Final[list[dict[str, Any]]] = [
    {"version": "2"},
    {"uuid": ""},
    {"event_key": None},
    {"event": "x" * 101},
    {"occurred_at": "2026-01-15T10:25:00Z"},
    {"received_at": None},
    {"record_key": ""},
    {"revision": "soon"},
    {"outcome": "FAILED"},
    {"effects": [{}]},
    {"effects": [{"effect": "credit", "amount": 1}]},
    {"data_sha256": "0" * 63},
    {"data": None},
    {"data": {"amount": 100}},
    {"data": {"transactions": [{"amount": 1.5}]}},
]


@pytest.mark.parametrize("spoiled", SPOILED, ids=repr)
def test_what_is_no_announcement_is_not_valid(spoiled: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(announced(sample("payment.completed")) | spoiled)


# --- examples/subscriber -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def read_by_example() -> ReadByExample:
    """Reads a detail as the example of a subscriber does."""
    path = DOCS.parent / "examples/subscriber/order_updates/announcement.py"
    spec = importlib.util.spec_from_file_location("announcement_of_example", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda detail: module.announced(json.dumps({"detail": detail}))


@of_every_type
@pytest.mark.parametrize("more", [{}, {"a_field": [{"of": "later"}]}], ids=["today", "later"])
def test_the_example_reads_what_is_announced(
    event_type: str, more: dict[str, Any], read_by_example: ReadByExample
) -> None:
    detail = announced(sample(event_type))
    read = read_by_example(detail | more).model_dump(mode="json", exclude_unset=True)
    assert read == detail


@pytest.mark.parametrize("field", SCHEMA["required"])
def test_the_example_misses_what_is_required(field: str, read_by_example: ReadByExample) -> None:
    detail = announced(sample("payment.completed"))
    del detail[field]
    with pytest.raises(ValidationError):
        read_by_example(detail)


@pytest.mark.parametrize("spoiled", SPOILED, ids=repr)
def test_the_example_refuses_what_is_no_announcement(spoiled: dict[str, Any], read_by_example: ReadByExample) -> None:
    with pytest.raises(ValidationError):
        read_by_example(announced(sample("payment.completed")) | spoiled)


@pytest.mark.parametrize("field", SCHEMA["required"])
def test_what_is_required_is_missed(field: str) -> None:
    detail = announced(sample("payment.completed"))
    del detail[field]

    assert not VALIDATOR.is_valid(detail)


def test_the_version_is_that_of_the_code() -> None:
    assert SCHEMA["properties"]["version"]["const"] == DETAIL_VERSION


@of_every_type
def test_a_subscriber_can_check_the_hash(event_type: str) -> None:
    detail = announced(sample(event_type))

    canonical = json.dumps(detail["data"], sort_keys=True, separators=(",", ":")).encode()
    assert hashlib.sha256(canonical).hexdigest() == detail["data_sha256"]


# --- docs/bus.md ---------------------------------------------------------------------------------


def test_the_page_has_a_row_for_each_field_in_the_order_of_the_schema() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (DOCS / "bus.md").read_text(), re.MULTILINE)

    assert rows == list(SCHEMA["properties"])


def test_the_example_on_the_page_is_what_is_announced() -> None:
    [example] = re.findall(r"^```json\n(.*?)^```$", (DOCS / "bus.md").read_text(), re.MULTILINE | re.DOTALL)
    shown = json.loads(example)

    assert shown["detail"] == announced(sample("payment.completed"))
    assert (shown["source"], shown["detail-type"]) == ("wickiepay", "payment.completed")
