"""The tree of errors is complete: each that answers a delivery has its code, its outcome and its HTTP status."""

import inspect
from collections import Counter
from typing import TYPE_CHECKING

import pytest

import ingest
from wickiepay import errors
from wickiepay.errors import DeliveryError, ListenerError

if TYPE_CHECKING:
    from collections.abc import Iterator


def leaves_of(root: type[ListenerError]) -> "Iterator[type[ListenerError]]":
    for branch in root.__subclasses__():
        yield from leaves_of(branch) if branch.__subclasses__() else [branch]


ALL = sorted(leaves_of(ListenerError), key=lambda error: error.__name__)
OF_DELIVERIES = [error for error in ALL if issubclass(error, DeliveryError)]


def test_every_error_grows_on_the_tree() -> None:
    defined = {cls for _, cls in inspect.getmembers(errors, inspect.isclass) if cls.__module__ == errors.__name__}

    assert all(issubclass(error, ListenerError) for error in defined)


@pytest.mark.parametrize("error", OF_DELIVERIES)
def test_every_error_of_a_delivery_has_a_code_of_its_own(error: type[DeliveryError]) -> None:
    assert "code" in vars(error)
    assert error.code.replace("_", "").isalpha()


def test_no_two_errors_share_a_code() -> None:
    assert max(Counter(error.code for error in OF_DELIVERIES).values()) == 1


@pytest.mark.parametrize("error", OF_DELIVERIES)
def test_every_error_of_a_delivery_says_what_became_of_it(error: type[DeliveryError]) -> None:
    assert error.outcome in ingest.OF_OUTCOME


def test_every_error_of_a_delivery_has_an_http_status_and_nothing_else_has() -> None:
    assert set(ingest.STATUS) == set(OF_DELIVERIES)


@pytest.mark.parametrize("error", OF_DELIVERIES)
def test_only_what_another_try_can_mend_is_a_5xx(error: type[DeliveryError]) -> None:
    assert (ingest.STATUS[error] == 503) == issubclass(error, errors.Unavailable)
    assert 400 <= ingest.STATUS[error] < 500 or ingest.STATUS[error] == 503
