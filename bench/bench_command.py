"""Measures everything, and writes the pages that say so; with --gate, counts again what make check holds."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

import analysis
from bench import callgrind, figures, gate, page, plots
from bench.command_starts import command_starts
from bench.counting import Counter
from bench.front_door import front_door
from bench.goals import results
from bench.lambda_folder import LambdaFolder, Packages
from bench.markdown import number
from bench.measuring import Bench
from bench.whole_run import measure
from wickiepay_cli.project import PROJECT

console: Final = Console()


@contextmanager
def unpacked() -> Iterator[tuple[Packages, LambdaFolder, Path]]:
    """The packages, what Lambda would make of them, and room for the runs. Names of one length: counts hang on it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        packages = Packages.of_project()
        yield packages, LambdaFolder(Path(folder) / "lambda", packages), Path(folder) / "runs"


def whole() -> int:
    if not callgrind.present():
        console.print("There is no valgrind here: it counts the instructions (apt-get install valgrind).")
        return 1
    with unpacked() as (packages, folder, scratch):
        measured = measure(packages, folder, scratch, console.print)
    figures.save(measured)
    show()
    return 0


def show() -> None:
    """The pages, the plots and the goals, from the figures as they are kept; and what the model makes of them."""
    kept = figures.load()
    page.write(kept)
    plots.draw(kept)
    analysis.write_pages(kept, PROJECT)
    console.print(analysis.printed(kept, PROJECT), markup=False, highlight=False)
    show_goals(kept)


def show_goals(measured: figures.Figures) -> None:
    table = Table("figure", "measured", "goal", "", "for comparison")
    for result in results(measured):
        value = "-" if result.value is None else number(result.value)
        table.add_row(
            result.goal.name, value, f"≤ {result.goal.limit:g} {result.goal.unit}", result.verdict, result.comparison
        )
    console.print(table)


def gated() -> int:
    committed = figures.load()
    with unpacked() as (packages, folder, scratch):
        compared = list(gate.compare_calls(committed, Bench(folder, scratch).calls()))
        compared.append(gate.compare_sizes(committed, packages.sizes()))
        if callgrind.present():
            counter = Counter(folder, scratch)
            ratios = figures.ratios(counter.count(counter.ours()))
            compared += gate.compare_ratios(committed, ratios, figures.machine())
            compared += command_starts(scratch / "starts")
        else:
            console.print("There is no valgrind here: calls are counted, instructions are not.")
    table = Table("count", "committed", "now", "at most", "")
    for each in compared:
        verdict = "improved" if each.improved else "" if each.passes else "worse"
        table.add_row(each.name, *map(number, (each.committed, each.counted, each.limit)), verdict)
    console.print(table)
    if any(each.improved for each in compared):
        console.print("Some counts are better than committed: `make bench` makes that the measure.")
    if all(each.passes for each in compared):
        return 0
    console.print("More is spent than bench/figures.json allows. If that is meant, `make bench` and commit.")
    return 1


def run() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--gate", action="store_true", help="count again what is gated, and compare")
    parser.add_argument(
        "--page", action="store_true", help="write the page and its plots anew, from the figures as they are"
    )
    parser.add_argument(
        "--front-door", action="store_true", help="measure the front door alone anew, and keep the rest"
    )
    arguments = parser.parse_args()
    if arguments.front_door:
        figures.save({**figures.load(), "front_door": front_door()})
    if arguments.page or arguments.front_door:
        show()
        return 0
    return gated() if arguments.gate else whole()
