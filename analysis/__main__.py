"""`python -m analysis`: prints what the pages say, and writes them."""

import json
from pathlib import Path

import analysis

PROJECT = Path(__file__).parents[1]

figures = json.loads((PROJECT / "bench/figures.json").read_text())
print(analysis.printed(figures, PROJECT))
analysis.write_pages(figures, PROJECT)
