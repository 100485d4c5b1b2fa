"""python -m wickiepay_build FOLDER INTO [--installed]."""

import argparse
import sysconfig
from pathlib import Path

from wickiepay_build.layer import make_layer
from wickiepay_build.packages import downloaded


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="wickiepay_build", description="Makes the folder that the layer is deployed as."
    )
    parser.add_argument("folder", type=Path, help="where the code is")
    parser.add_argument("into", type=Path, help="the folder to make")
    parser.add_argument(
        "--installed", action="store_true", help="take packages from where this Python has them, and fetch nothing"
    )
    wanted = parser.parse_args()
    if wanted.installed:
        make_layer(wanted.folder, Path(sysconfig.get_path("purelib")), wanted.into)
    else:
        with downloaded(wanted.folder / "requirements.txt") as site:
            make_layer(wanted.folder, site, wanted.into)


if __name__ == "__main__":
    main()
