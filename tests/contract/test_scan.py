"""Where checkov's exceptions are: in .checkov.yaml alone."""

from wickiepay_cli.local.stack_file import PROJECT


def test_the_template_skips_no_check_by_itself() -> None:
    assert "checkov:skip" not in (PROJECT / "template.yaml").read_text()
