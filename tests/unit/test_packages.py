"""The package of a function of the user's own, for the emulator: with what it needs and this interpreter has not."""

import io
import zipfile
from pathlib import Path

import pytest

from wickiepay_cli.errors import CommandError
from wickiepay_cli.local.packages import function_package


@pytest.fixture
def function(tmp_path: Path) -> Path:
    folder = tmp_path / "function"
    folder.mkdir()
    (folder / "app.py").write_text("import shared")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/__init__.py").touch()
    (folder / "shared").symlink_to("../shared")
    return folder


def names(package: bytes) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(package)).namelist())


def wheel(folder: Path) -> Path:
    path = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return path


def test_it_is_the_folder_with_what_is_linked_there(function: Path) -> None:
    (function / "requirements.txt").write_text("botocore>=1\n")
    assert names(function_package(function)) == {"app.py", "requirements.txt", "shared/__init__.py"}


@pytest.mark.thorough
def test_what_is_not_installed_here_is_packaged_too(function: Path, tmp_path: Path) -> None:
    (function / "requirements.txt").write_text(f"tiny @ {wheel(tmp_path).as_uri()}\n")
    packaged = names(function_package(function))
    assert {"app.py", "tiny.py", "shared/__init__.py"} <= packaged


@pytest.mark.thorough
def test_what_cannot_be_fetched_is_named(function: Path, tmp_path: Path) -> None:
    (function / "requirements.txt").write_text(f"tiny @ {(tmp_path / 'nothing-1.0.whl').as_uri()}\n")
    with pytest.raises(CommandError, match=r"pip cannot install what .*requirements\.txt names: ERROR: "):
        function_package(function)
