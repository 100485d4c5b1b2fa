"""The sections of docs/performance.md about what is billed, kept and taken up."""

from collections.abc import Sequence
from typing import Any

from bench.figures import Figures
from bench.front_door import DELIVERIES, PAGES, ROUNDS
from bench.markdown import millions, milliseconds, number, table


def units(figures: Figures) -> str:
    def row(name: str, units: Any) -> Sequence[str]:  # noqa: ANN401  a part of the figures
        ingest, consumer = units["ingest"], units["consumer"]
        parts = (ingest["table"], ingest["indexes"], consumer["event_table"], consumer["ledger"], consumer["indexes"])
        return (name, *map(str, parts), str(units["total"]))

    heads = ("event of 1 KiB", "record", "its indexes", "mark", "ledger", "its indexes", "all")
    rows = [
        row("payment.completed, the first event of its payment", figures["write_units"]),
        row("the same after payment.created", figures["later_write_units"]),
        row("channel.payment.confirmed, which credits", figures["credited_write_units"]),
    ]
    sizes = figures["event_bytes"]
    return (
        f"{table('## DynamoDB write units', heads, rows)}\n"
        "From the items and conditions that are really written, by DynamoDB's published rules; the indexes are the "
        f"template's. A finished record is {number(sizes['items']['EventTable'])} bytes, the queue's message "
        f"{number(sizes['message'])}, the announcement {number(sizes['announcement'])}. The consumer reads "
        f"{number(figures['read_units']['consumer'])} unit an event.\n"
    )


def growth(figures: Figures) -> str:
    growth = figures["growth"]
    stored = [
        (number(p["events"]), *(millions(p[k]) for k in ("first", "duplicate", "consumer_event")))
        for p in growth["stored"]
    ]
    one = [(number(p["events"]), millions(p["first"])) for p in growth["of_one_payment"]]
    heads = ("events on record", "first delivery", "duplicate", "consumer, an event")
    body = [
        (number(p["bytes"]), millions(p["first"]), millions(p["consumer_event"]), str(p["write_units"]))
        for p in growth["body"]
    ]
    return (
        f"{table('## Growth, in million instructions', heads, stored)}\n"
        f"{table('', ('events of one payment', 'first delivery'), one)}\n"
        f"{table('', ('bytes of body', 'first delivery', 'consumer, an event', 'write units'), body)}\n"
        "The events on record are real ones in an emulator's tables, and the instructions are those of the function "
        "alone. So the rows show that it asks for the same and reads as much however many there are; it would do so "
        "for more. What the table itself does then is DynamoDB's promise, and not measured here.\n"
        "\n![Growth](performance-growth.png)\n"
    )


def reads(figures: Figures) -> str:
    reads = figures["growth"]["reads"]
    rows = [
        (name, *(number(reads[key][part]) for part in ("wanted", "index_entries", "records")))
        for name, key in (("`wickiepay events list`", "events_list"), ("relay", "relay"))
    ]
    heads = ("", "events returned or sent", "index entries read", "records read")
    return table("## What the relay and the command read", heads, rows)


def memory(figures: Figures) -> str:
    rows = [
        (name, *(number(memory[key] / 1024) for key in ("after_1000", "after_10000", "peak")))
        for name, memory in sorted(figures["memory_kib"].items())
    ]
    heads = ("MiB", "after 1,000 deliveries (consumer: batches of 10)", "after 10,000", "most ever")
    return f"{table('## Memory', heads, rows)}\nOver TLS, and with Lambda's runtime client in the same process.\n"


def packages(figures: Figures) -> str:
    rows = [(name, number(size)) for name, size in sorted(figures["zip_bytes"].items())]
    return (
        f"{table('## Packages', ('', 'bytes, zipped'), rows)}\n"
        f"There are {number(figures['compiled_files'])} compiled files (.pyc) in them. The SDK is {figures['sdk']}.\n"
    )


def servers(figures: Figures) -> str:
    rows = [
        (name, found, "")
        if isinstance(found, str)
        else (name, number(found["requests_per_second"]), milliseconds(found["cpu_seconds"]))
        for name, found in sorted(figures["listeners"].items())
    ]
    rows.append(
        ("**ingest**, in process, two calls over TLS", "", milliseconds(figures["in_pairs"]["first"]["ingest"]))
    )
    heads = ("", "requests a second, one after another", "CPU of a request, ms")
    return (
        f"{table('## Beside the example listeners of the provider', heads, rows)}\n"
        "The examples verify and print. They store nothing, queue nothing and know no duplicates.\n"
    )


def front_door(figures: Figures) -> str:
    door = figures["front_door"]
    rows = [
        (
            name,
            *(milliseconds(door[row][part]) for part in ("seconds", "slow_seconds")),
            number(door[row]["a_second"]),
        )
        for name, row in (("nobody looks", "alone"), (f"{PAGES} pages of the console follow", "pages"))
    ]
    heads = ("", "a delivery, ms", "one in twenty, at least", "deliveries a second, one after another")
    ratio = door["pages"]["seconds"] / door["alone"]["seconds"]
    return (
        f"{table("## The local stack's front door", heads, rows)}\n"
        f"With the pages a delivery takes {number(ratio)} times as long. The API behind the door answers at once here; "
        f"the local stack's own takes some twenty milliseconds. Medians of {ROUNDS} turns of {DELIVERIES} "
        "deliveries, without pages and with them by turns.\n"
    )
