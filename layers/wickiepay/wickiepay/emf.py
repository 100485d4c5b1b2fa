"""One line of JSON that is a log line and carries its metrics: CloudWatch's embedded metric format (EMF).

CloudWatch takes metrics from any line that names them below `_aws`, so they need no other line and no call. The fields
are those that Powertools' Logger and Metrics write for the other functions. Powertools takes much longer
(docs/performance.md), and a forged delivery must cost little.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import os
import sys
from collections.abc import Container, Mapping
from datetime import datetime
from functools import cache

_encode = json.JSONEncoder(separators=(",", ":")).encode


class EmfLog:
    """Writes EMF lines of a `service`, with metrics in `namespace`, to standard output."""

    def __init__(self, service: str, namespace: str, emitted: Container[str]) -> None:
        """Of the metrics that a line could carry, those in `emitted` are."""
        self._beginning = f'{{"level":"INFO","service":{_encode(service)},"timestamp":"'
        self._namespace = namespace
        self._emitted = emitted
        self._counting = cache(self._counting_each)

    def write(self, message: str, facts: Mapping[str, object], counts: tuple[str, ...], at: datetime) -> None:
        """Logs `message` with `facts` and the time stamp `at`, and adds one to each metric of `counts`."""
        line = _encode({"message": message, "xray_trace_id": _trace(), **facts})[1:-1]
        counting = self._counting(counts)
        end = f',"_aws":{{"Timestamp":{int(at.timestamp() * 1000)},{counting}' if counting else "}"
        sys.stdout.write(f'{self._beginning}{at.isoformat(timespec="milliseconds")}",{line}{end}\n')

    def _counting_each(self, counts: tuple[str, ...]) -> str:
        """The end of a line that adds one to each of `counts`, or "" if none is emitted.

        There are few such ends, so all are cached.
        """
        counts = tuple(name for name in counts if name in self._emitted)
        if not counts:
            return ""
        metrics = [{"Name": name, "Unit": "Count"} for name in counts]
        about = {"Namespace": self._namespace, "Dimensions": [["service"]], "Metrics": metrics}
        values = {name: [1] for name in counts}
        return f'"CloudWatchMetrics":[{_encode(about)}]}},{_encode(values)[1:]}'


def _trace() -> str | None:
    """The id of the request's X-Ray trace, or None."""
    return os.environ.get("_X_AMZN_TRACE_ID", "").partition(";")[0].removeprefix("Root=") or None
