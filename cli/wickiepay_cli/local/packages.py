"""The zip files that functions and their layer are deployed as, built from the checkout and this environment alone."""

import io
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path


def function_package(folder: Path) -> bytes:
    """The code of a function: all of `folder`."""
    return _zip(_files(folder))


def layer_package(folder: Path) -> bytes:
    """A layer as `sam build` makes it: below `python/` all of `folder` and what its requirements.txt names.

    That is taken from where it is installed for the running interpreter, so nothing is fetched. Raises
    `importlib.metadata.PackageNotFoundError` where it is not.
    """
    requirements = (folder / "requirements.txt").read_text().splitlines()
    installed = [name for name, pinned, _ in (line.partition("==") for line in requirements) if pinned]
    files = [*_files(folder), *(file for name in installed for file in _installed_files(name))]
    return _zip((path, f"python/{name}") for path, name in files)


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path, path.relative_to(folder).as_posix()


def _installed_files(name: str) -> Iterator[tuple[Path, str]]:
    for file in distribution(name).files or ():
        if file.parts[0] != ".." and "__pycache__" not in file.parts:  # `..` leads to scripts
            yield Path(str(file.locate())), file.as_posix()


def _zip(files: Iterator[tuple[Path, str]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for path, name in files:
            package.write(path, name)
    return buffer.getvalue()
