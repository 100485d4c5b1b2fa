"""What checkov is told to overlook: as little as can be, and each with its reason."""

import re
from typing import Final

import yaml

from wickiepay_cli.local.stack_file import PROJECT

CONFIGURATION: Final = (PROJECT / ".checkov.yaml").read_text()
SKIPPED: Final = yaml.safe_load(CONFIGURATION)["skip-check"]


def test_each_check_that_is_skipped_has_its_reason_beside_it() -> None:
    reasons = dict(re.findall(r"^  - (CKV\w+) # (.{40,})$", CONFIGURATION, re.MULTILINE))
    assert list(reasons) == SKIPPED


def test_nothing_is_skipped_where_it_is_not_seen() -> None:
    assert "checkov:skip" not in (PROJECT / "template.yaml").read_text()
    settings = {"framework", "file", "skip-download", "compact", "quiet", "skip-check"}
    assert set(yaml.safe_load(CONFIGURATION)) == settings


def test_the_template_is_what_is_scanned() -> None:
    assert yaml.safe_load(CONFIGURATION)["file"] == ["template.yaml"]
