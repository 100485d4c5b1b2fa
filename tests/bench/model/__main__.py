"""`python -m model`, with tests/bench on PYTHONPATH: prints what the pages say, and writes them."""

import json
from pathlib import Path

import model

PROJECT = Path(__file__).parents[3]

figures = json.loads((PROJECT / "tests/bench/figures.json").read_text())
print(model.printed(figures, PROJECT))
model.write_pages(figures, PROJECT)
