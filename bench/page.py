"""docs/performance.md, made from the figures: every number on the page comes from a run of `make bench`."""

from pathlib import Path
from typing import Final

from bench.figures import Figures
from bench.gate import TOLERANCE, TOLERANCE_ELSEWHERE
from bench.sections_of_scale import growth, memory, packages, reads, servers, units
from bench.sections_of_speed import calls, cold, goals, logs, warm

FILE: Final = Path(__file__).parents[1] / "docs/performance.md"

HEAD: Final = """\
# Performance

What a delivery costs, beside what others cost and beside the goals. `make bench` measures it all anew and writes this
page, its plots and `bench/figures.json`; `make check` counts the most of it again, and fails where more is spent.
"""

HOW: Final = """\
## How it is measured

- The functions run from the very packages that are deployed, unpacked as Lambda unpacks them: nothing else is on their
  path but the interpreter's library and, where the layer bundles none, the SDK of Lambda's runtime (botocore with all
  its data and with compiled files, which favours what uses it). Their environment variables are the template's.
- Instructions are counted by callgrind. *Cold* is the whole process: the interpreter's start, all imports, the clients,
  the first delivery (the signing secret is fetched for it), and the interpreter's end, as in the bare interpreter
  itself. *Warm* is the mean of ten deliveries, after some to warm up. Everything is counted twice.
- AWS is a stub on loopback that answers as AWS would. It speaks HTTP and not TLS, and its address is given: what
  handshakes and names cost is in no row.
- The goals of cold starts leave botocore's code as it is. To compile its patterns later, and to stand in for jmespath,
  dateutil and its search for credentials, would save an eighth of a cold ingest, but would change other people's
  packages for the whole process.
- A delivery is an event of a payment of 1 KiB, signed raw. Counts of instructions are those of one build of the
  interpreter; their ratios carry over to other machines better than they do.
- Bare calls are made by botocore's own clients. A listener can be below them: ours leave out what botocore does at each
  call for other services, and for its user agent.
- Seconds are those of the machine that this was run on, and gate nothing.
"""


def write(figures: Figures, file: Path = FILE) -> None:
    file.write_text(render(figures))


def render(figures: Figures) -> str:
    sections = (HEAD, goals, cold, warm, calls, units, growth, reads, logs, memory, packages, servers, HOW)
    return "\n".join(section if isinstance(section, str) else section(figures) for section in sections) + _end(figures)


def _end(figures: Figures) -> str:
    machine = figures["machine"]
    return (
        f"- Held by `make check`: every call, and the ratios of cold, warm and forged requests of ours. A ratio may be "
        f"{TOLERANCE:.0%} above the committed one, {TOLERANCE_ELSEWHERE:.0%} on another build of the interpreter.\n"
        f"- Two counts of the same differed by {figures['spread']:.2%} at the most. Counted with Python "
        f"{machine['python']} ({machine['compiler']}) on {machine['architecture']}.\n"
    )
