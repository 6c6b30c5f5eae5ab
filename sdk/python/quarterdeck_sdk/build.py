"""`quarterdeck-build`: makes a component of a module."""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

KINDS = ("approver", "distributor", "progress-parser", "recovery")


def main() -> None:
    """Runs componentize-py for the world of the policy's kind."""
    parser = argparse.ArgumentParser(prog="quarterdeck-build", description=__doc__)
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--out", "-o", type=Path, help="the component [default: MODULE.wasm]")
    parser.add_argument("source", type=Path, metavar="MODULE.py")
    arguments = parser.parse_args()
    source: Path = arguments.source
    if not source.is_file():
        parser.error(f"there is no file {source}")
    out: Path = (arguments.out or source.with_suffix(".wasm")).absolute()
    out.parent.mkdir(parents=True, exist_ok=True)

    if importlib.util.find_spec("componentize_py") is None:
        sys.exit(f"{parser.prog}: componentize-py is missing: run `{sys.executable} -m pip install componentize-py==0.25.0`")

    package = Path(__file__).parent
    with tempfile.TemporaryDirectory() as resources:
        if arguments.kind == "progress-parser":
            # A resource is looked for in a module of its interface's name.
            Path(resources, "parse_progress.py").write_text(f"from {source.stem} import Parser\n")
        command = [
            # The package has a console script and no `__main__`.
            *(sys.executable, "-c", "import sys, componentize_py; sys.exit(componentize_py.script())"),
            *("--quiet", "--wit-path", str(package / "wit"), "--world", arguments.kind),
            # A verdict depends on its request alone, so there is nothing behind WASI.
            *("componentize", "--stub-wasi", "--output", str(out)),
            *("--python-path", str(source.parent), "--python-path", str(package.parent)),
            *("--python-path", resources, source.stem),
        ]
        status = subprocess.run(command, check=False).returncode
    if status == 0:
        print(f"{out} ({out.stat().st_size} bytes)")
    sys.exit(status)
