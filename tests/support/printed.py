"""The output of the functions."""

import io
import json
import sys
from typing import Any

import pytest


class Printed:
    """All that the functions have printed in a test: log lines and metrics."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def text(self) -> str:
        self._text += self._capsys.readouterr().out
        return self._text

    def logs(self) -> list[dict[str, Any]]:
        return [line for line in self._lines() if "level" in line]

    def metrics(self) -> dict[str, list[float]]:
        """Metric → its values, in the order of printing."""
        values: dict[str, list[float]] = {}
        for line in self._lines():
            for about in line.get("_aws", {}).get("CloudWatchMetrics", []):
                for metric in about["Metrics"]:
                    values.setdefault(metric["Name"], []).extend(line[metric["Name"]])
        return values

    def units(self) -> dict[str, str]:
        """Metric → its unit."""
        printed = [about for line in self._lines() for about in line.get("_aws", {}).get("CloudWatchMetrics", [])]
        return {metric["Name"]: metric["Unit"] for about in printed for metric in about["Metrics"]}

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


class PresentStdout(io.TextIOBase):
    """Loggers hold on to the stdout that they were made with; pytest gives each test one of its own."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)
