"""What template.yaml guarantees, as checks: each takes a template and yields what is wrong with it.

A check is any public function of the modules that are named here, and its name is what it guarantees. The template has
to pass all of them (`tests/contract/test_template.py`); that none of them passes whatever it is given is shown by
breaking copies of the template (`tests/contract/test_template_mutations.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from inspect import isfunction
from typing import Final

from tests.support.cloudformation import Template
from tests.support.template_checks import (
    alarms,
    dashboard,
    entrance,
    functions,
    names,
    outputs,
    parameters,
    permissions,
    queries,
    queues,
    rollout,
    stores,
    versions,
)

type Check = Callable[[Template], Iterator[str]]

MODULES: Final = (
    *(parameters, names, entrance, functions, queues, stores, permissions, versions, rollout),
    *(alarms, dashboard, queries, outputs),
)

CHECKS: Final[Mapping[str, Check]] = {
    name: function
    for module in MODULES
    for name, function in vars(module).items()
    if isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
}
"""Name → check."""
