"""What Lambda lays out around a function, from the very packages that are deployed: its code, the layer, the SDK.

Nothing but these is to be found on a function's path, and the interpreter's own library: the interpreter runs without
its site-packages (-S), and writes no .pyc files, as Lambda's folders are read-only.
"""

import compileall
import io
import os
import py_compile
import re
import shutil
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from samtranslator.yaml_helper import yaml_parse

from tests.support.certificates import certificate_for
from tests.support.cloudformation import Stack, translate
from wickiepay_cli.local.packages import function_package, layer_package
from wickiepay_cli.project import PROJECT

HERE: Final = Path(__file__).parent
FUNCTIONS: Final = {
    "ingest": "IngestFunction",
    "consumer": "ConsumerFunction",
    "relay": "RelayFunction",
    "pre_traffic": "PreTrafficFunction",
}
QUEUE_URL: Final = "https://sqs.us-east-1.amazonaws.com/123456789012/EventQueue"
RUNTIME_SDK: Final = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six.py")
"""What Lambda's Python runtime brings with it; used where the layer does not bundle its own."""

LIBRARIES: Final = ("aws_lambda_powertools", "aws_xray_sdk", "wrapt", "typing_extensions.py", "jmespath")
"""The contents of the layer of a function on Powertools."""

POWERTOOLS: Final = ("careful", "typical")
"""The peers that use it."""

RUNTIME_CLIENT: Final = ("awslambdaric", "snapshot_restore_py.py", "simplejson", "runtime_client.*.so")

ALWAYS: Final = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "ASIAEXAMPLEEXAMPLE00",
    "AWS_SECRET_ACCESS_KEY": "of-a-role",
    "AWS_SESSION_TOKEN": "of-a-role",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
    "_X_AMZN_TRACE_ID": "Root=1-69690000-000000000000000000000000;Parent=0000000000000000;Sampled=0",
    "LANG": "C.UTF-8",
    "TZ": ":UTC",
    "LAMBDA_TASK_ROOT": "/var/task",
    # Not Lambda's: what makes one run like another.
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "NO_PROXY": "*",
    "AWS_EC2_METADATA_DISABLED": "true",
    "HOME": "/nonexistent",
}

_OPT: Final = re.compile(r"/opt(?=/|$|:)")

type Environment = dict[str, str]


@dataclass(frozen=True, slots=True)
class Packages:
    """The zip files that are deployed."""

    layer: bytes
    functions: Mapping[str, bytes]

    @classmethod
    def of_project(cls) -> "Packages":
        functions = {name: function_package(PROJECT / "functions" / name) for name in FUNCTIONS}
        return cls(layer_package(PROJECT / "layers/wickiepay"), functions)

    def sizes(self) -> dict[str, int]:
        return {"layer": len(self.layer), **{name: len(package) for name, package in self.functions.items()}}

    def compiled(self) -> int:
        """How many .pyc files are in them."""
        return sum(
            name.endswith(".pyc") for package in (self.layer, *self.functions.values()) for name in _names(package)
        )


@dataclass(frozen=True, slots=True)
class Place:
    """The environment of a function: its path, in order, and its environment variables."""

    launcher: Path
    path: tuple[Path, ...]
    variables: Environment

    def environment(self, endpoint_url: str) -> Environment:
        return {
            **self.variables,
            "PYTHONPATH": os.pathsep.join(map(str, self.path)),
            "AWS_ENDPOINT_URL": endpoint_url,
        }


class LambdaFolder:
    """The unpacked packages below `root`."""

    def __init__(self, root: Path, packages: Packages) -> None:
        self.root = root
        self.launcher = root / "launch.pyc"
        self.watching = root / "watching"
        for name, package in packages.functions.items():
            _unpack(package, root / "task" / name)
        _unpack(packages.layer, root / "opt")
        _copy(root / "sdk", RUNTIME_SDK)
        _copy(root / "libraries", LIBRARIES)
        _copy(root / "runtime_client", RUNTIME_CLIENT)
        _link_all_but(root / "opt_without_sdk/python", root / "opt/python", RUNTIME_SDK)
        self._compile()
        self.bundles_sdk = (root / "opt/python/botocore").exists()
        self.certificate, self._trusted = root / "server.pem", root / "trusted.pem"
        self.certificate.write_bytes(made := certificate_for("localhost"))
        self._trusted.write_bytes(files("botocore").joinpath("cacert.pem").read_bytes() + made)

    def _compile(self) -> None:
        """Nothing is compiled while it is counted: neither the peers and their libraries, nor what runs a function."""
        shutil.copytree(HERE / "peers", self.root / "peers", ignore=shutil.ignore_patterns("__pycache__"))
        self.watching.mkdir()
        shutil.copy(HERE / "attribution.py", self.watching)
        for folder in ("peers", "watching", "sdk", "libraries", "runtime_client"):
            compileall.compile_dir(self.root / folder, quiet=2)
        py_compile.compile(str(HERE / "launch.py"), str(self.launcher), doraise=True)

    def ours(self, function: str, *, stock_sdk: bool = False, **overridden: str) -> Place:
        """One of our functions, as it is deployed; or on the runtime's SDK, with all that AWS ships in it."""
        variables = variables_of(FUNCTIONS[function], self.root / "opt")
        path = [self.root / "task" / function, self.root / "opt/python"]
        if stock_sdk:
            variables.pop("AWS_DATA_PATH", None)
            path[1] = self.root / "opt_without_sdk/python"
        if stock_sdk or not self.bundles_sdk:
            path.append(self.root / "sdk")
        return self._place(path, variables | overridden)

    def peer(self, name: str) -> Place:
        """A function to compare with, on the libraries and the SDK that it would find; its variables are ingest's."""
        variables = variables_of(FUNCTIONS["ingest"], self.root / "opt")
        variables.pop("AWS_DATA_PATH", None)
        libraries = [self.root / "libraries"] if name in POWERTOOLS else []
        return self._place([self.root / "peers", *libraries, self.root / "sdk"], variables)

    def bare_calls(self) -> Place:
        """The calls alone, on the SDK and the environment that ingest has."""
        ingest = self.ours("ingest")
        return self._place([self.root / "peers", *ingest.path[1:]], ingest.variables)

    def runtime_client(self) -> Place:
        return self._place([self.root / "peers"], {})

    def _place(self, path: Sequence[Path], variables: Environment) -> Place:
        """The runtime's own folder is behind all others, and whoever speaks TLS trusts the stub as he trusts AWS."""
        always = {**ALWAYS, "AWS_CA_BUNDLE": str(self._trusted)}
        return Place(self.launcher, (*path, self.root / "runtime_client"), always | variables)


def variables_of(function: str, opt: Path) -> Environment:
    """The environment variables that the template gives to a function, with the layer where it is unpacked here."""
    source = yaml_parse((PROJECT / "template.yaml").read_text())
    stack = Stack(translate(source, {}), {"EventQueue": QUEUE_URL})
    given: dict[str, Any] = stack.resources[function]["Properties"]["Environment"]["Variables"]
    return {name: _OPT.sub(str(opt), str(value)) for name, value in given.items()}


def interpreter() -> str:
    """The interpreter itself, outside of any virtual environment."""
    found: str = getattr(sys, "_base_executable", sys.executable)
    return os.path.realpath(found)


def _names(package: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(package)) as files:
        return files.namelist()


def _unpack(package: bytes, folder: Path) -> None:
    """Files keep the times that the package gives them, as on Lambda: whether a .pyc counts may hang on it."""
    with zipfile.ZipFile(io.BytesIO(package)) as files:
        for file in files.infolist():
            unpacked = files.extract(file, folder)
            modified = time.mktime((*file.date_time, 0, 0, -1))
            os.utime(unpacked, (modified, modified))


def _copy(folder: Path, names: tuple[str, ...]) -> None:
    """Copies, because a single file has its bytecode elsewhere: a link to it would be compiled at each start."""
    folder.mkdir(parents=True)
    installed = Path(str(distribution("botocore").locate_file("")))
    for name in names:
        for found in installed.glob(name):
            copy = shutil.copytree if found.is_dir() else shutil.copy2
            copy(found, folder / found.name)


def _link_all_but(folder: Path, original: Path, left_out: tuple[str, ...]) -> None:
    folder.mkdir(parents=True)
    for entry in sorted(original.iterdir()):
        if entry.name not in left_out:
            (folder / entry.name).symlink_to(entry)
