"""What template.yaml guarantees, and that it and the code say the same of each other."""

import pytest

from cloudformation import Template
from deployed import TEMPLATE
from template_checks import CHECKS, Check


@pytest.fixture(scope="module")
def template() -> Template:
    return Template(TEMPLATE)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_the_template_guarantees_that(check: Check, template: Template) -> None:
    assert not list(check(template))
