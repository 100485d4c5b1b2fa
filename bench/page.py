"""docs/performance.md, made from the figures: every number on the page comes from a run of `make bench`."""

from pathlib import Path
from typing import Final

from bench.figures import Figures
from bench.gate import TOLERANCE, TOLERANCE_ELSEWHERE
from bench.sections_of_scale import front_door, growth, memory, packages, reads, servers, units
from bench.sections_of_speed import calls, cold, first_delivery, goals, logs, warm, worst_forged

FILE: Final = Path(__file__).parents[1] / "docs/performance.md"

HEAD: Final = """\
# Performance

What a delivery costs, beside what others cost and the goals. `make bench` measures all of it again and writes this
page, its plots and `bench/figures.json`; `make check` counts the most of it again, and fails where more is spent.
"""

HOW: Final = """\
## How it is measured

- The functions run from the very packages that are deployed, unpacked as Lambda unpacks them: nothing else is on their
  path but the interpreter's library, Lambda's runtime client and, where the layer bundles none, the SDK of Lambda's
  runtime (botocore with all its data). Their environment variables are the template's. Every file has its
  bytecode beside it, but for those in our functions' own packages: they are deployed without, and compiled each time.
- The careful listener is what somebody writes on Powertools who knows what costs time: Logger, Metrics and idempotency,
  clients at import from one session, no resolver and no Tracer. The typical one follows Powertools' documentation.
- Instructions are counted by callgrind. *Cold* is from the start of the process to the first answer: the interpreter's
  start, all imports, the clients, the signing secret, the first delivery. The interpreter's end is in no count: Lambda
  waits for none of it. *Warm* is the mean of ten deliveries, after some to warm up. Ours is counted twice.
- AWS is a stub on loopback that answers as AWS would, over TLS; rows say where it was without. Its certificate stands
  behind all the authorities that botocore trusts, so whoever connects reads them all. What names cost is in no row.
- A delivery is an event of a payment of 1 KiB, signed raw. Counts of instructions are those of one build of the
  interpreter; their ratios carry over to other machines better than they do.
- Bare calls are made by botocore's own clients, which validate what they are asked. A listener can be below them: ours
  leave out what botocore does at each call for other services and for its user agent, and validate in the tests only.
- The rows about ten threads compare the consumer with itself on one thread: they show that its calls wait at the same
  time, and that the threads cost no CPU. The rows about memory show that nothing stays of a delivery.
- The first forged request in ten seconds makes ingest read the secret again, at most in both versions: it may have been
  rotated.
- The consumer needs more memory than ingest for Powertools, and for ten threads with a connection and a heap each. The
  row with one heap for all of them (`MALLOC_ARENA_MAX=1`) shows what that would save. It varies from run to run, on
  both sides of the goal, and nobody is billed for it: the function has 256 MB. So the template does not set it.
- Seconds are those of the machine that this was run on, and gate nothing. No price and no limit hangs on them: cost and
  capacity are reckoned from instructions.
"""


def write(figures: Figures, file: Path = FILE) -> None:
    file.write_text(render(figures))


def render(figures: Figures) -> str:
    speed = (goals, cold, first_delivery, warm, worst_forged, calls)
    door = (front_door,) if "front_door" in figures else ()
    sections = (HEAD, *speed, units, growth, reads, logs, memory, packages, servers, *door, HOW)
    return "\n".join(section if isinstance(section, str) else section(figures) for section in sections) + _end(figures)


def _end(figures: Figures) -> str:
    machine = figures["machine"]
    return (
        f"- Held by `make check`: every call, the packages, and the ratios of cold, warm and forged requests of ours. "
        f"A ratio may be {TOLERANCE:.0%} above the committed one, {TOLERANCE_ELSEWHERE:.0%} on another build of the "
        "interpreter.\n"
        f"- Two counts of the same differed by at most {figures['spread']:.2%}. Counted with Python "
        f"{machine['python']} ({machine['compiler']}) on {machine['architecture']}.\n"
    )
