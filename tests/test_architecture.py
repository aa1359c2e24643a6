"""Imports point downwards only: read off the syntax tree, and seen in a fresh process."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import driftlab

PACKAGE = Path(driftlab.__file__).parent

# Who may import whom. A room is a folder or a module directly in driftlab/; it is free within itself. "raw" is the
# whole room, "raw.frame" that module only. A room may stand here before it exists; none may exist without it.
# What all may import: it knows nothing of cameras, models or windows.
BASE = {"atomic", "csv_file", "errors", "json_file", "parallel", "steps"}
TABLE: dict[str, set[str]] = {
    "raw": set(),
    "isp": {"raw.frame"},
    "model": set(),
    "history": set(),
    "gpu": {"isp.stage"},
    "session": {"isp.settings"},
    "data": {"raw", "isp", "model", "mask_file"},
    "analysis": {"raw.frame", "isp", "model", "data"},
    "drift": {"raw.frame", "isp", "model", "data", "analysis"},
    "report": {"raw.frame", "isp", "model", "data", "analysis"},
    "picture": set(),
    "mask_file": set(),
    "journal": set(),
    "inference": {"raw.frame", "isp", "model"},
    "engine": {"raw.frame", "isp", "gpu"},
    "demo": {"raw", "isp", "model", "picture"},
}
TABLE = {room: allowed | BASE for room, allowed in TABLE.items()} | {room: set() for room in BASE}
TABLE["bench"] = {*TABLE, "gui"}  # it moves the window's sliders, by `gui.hand`; PySide6 itself stays foreign to it
TABLE["cli"] = {*TABLE, "gui"} - {"history"}
TABLE["gui"] = {*TABLE} - {"bench", "cli", "gui"}
TABLE["__main__"] = {"cli"}

# What only one room may import.
FOREIGN = {"PySide6": "gui", "wgpu": "gpu"}

# What the package itself defines; all other names in it are rooms, or the public names of rooms.
OWN = {"__version__", "resource"}


@dataclass(frozen=True)
class Import:
    """One import of the module or name `target`, in `function`, if in any."""

    target: str
    line: int
    function: str | None


def imports(path: Path, package: Path) -> Iterator[Import]:
    """Every import in a file, also those inside functions, for type checkers only, and by `import_module("...")`."""
    parents = ("driftlab", *path.relative_to(package).parent.parts)

    def visit(node: ast.AST, function: str | None) -> Iterator[Import]:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                function = function or node.name
            case ast.Import():
                yield from (Import(name.name, node.lineno, function) for name in node.names)
            case ast.ImportFrom():
                base = ".".join(parents[: len(parents) - node.level + 1]) if node.level else ""
                base = ".".join(filter(None, (base, node.module)))
                yield from (Import(f"{base}.{name.name}", node.lineno, function) for name in node.names)
            case ast.Call(args=[ast.Constant(value=str(name)), *_]) if "import" in ast.unparse(node.func):
                yield Import(name, node.lineno, function)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, function)

    yield from visit(ast.parse(path.read_bytes()), None)


def room_of(path: Path, package: Path) -> str:
    return path.relative_to(package).with_suffix("").parts[0]


def is_within(target: str, allowed: str) -> bool:
    return target == allowed or target.startswith(f"{allowed}.")


def violations(package: Path) -> list[str]:
    """One sentence for each import that the table does not allow."""
    found = []
    window_functions = set()
    for path in sorted(package.rglob("*.py")):
        room = room_of(path, package)
        if room == "__init__":  # names every room, but only for type checkers: see test_the_package_itself_...
            continue
        where = path.relative_to(package).as_posix()
        if room not in TABLE:
            found.append(f"{where}: the room {room} is not in the table")
            continue
        for each in imports(path, package):
            top, _, target = each.target.partition(".")
            if top in FOREIGN and FOREIGN[top] != room:
                found.append(f"{where}:{each.line} imports {top}")
            if top != "driftlab" or target in OWN:
                continue
            target = driftlab._HOMES.get(target, f"driftlab.{target}").removeprefix("driftlab.")
            if not any(is_within(target, allowed) for allowed in {room, *TABLE[room]}):
                found.append(f"{where}:{each.line} imports {target or 'the whole package'}")
            elif room == "cli" and is_within(target, "gui"):
                window_functions.add((where, each.function))
    if len(window_functions) > 1 or any(function is None for _, function in window_functions):
        found.append("cli imports gui outside of one function")
    return found


def modules(package: Path = PACKAGE) -> list[str]:
    paths = (path.relative_to(package.parent).with_suffix("") for path in sorted(package.rglob("*.py")))
    names = (".".join(path.parts).removesuffix(".__init__") for path in paths)
    return [name for name in names if not name.endswith(".__main__")]


def loaded_after(names: list[str]) -> set[str]:
    """Every module that a fresh process has loaded once it has imported these."""
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_imports_follow_the_table() -> None:
    assert violations(PACKAGE) == []


def test_the_table_points_downwards_only() -> None:
    graph = {room: {allowed.partition(".")[0] for allowed in allows} for room, allows in TABLE.items()}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


def test_the_checker_sees_every_room() -> None:
    rooms = {room_of(path, PACKAGE) for path in PACKAGE.rglob("*.py")}
    assert {"raw", "isp", "model", "__main__"} <= rooms
    seen = {each.target for path in PACKAGE.rglob("*.py") for each in imports(path, PACKAGE)}
    assert "driftlab.cli.main" in seen


def test_the_package_itself_imports_no_room() -> None:
    assert {name for name in loaded_after(["driftlab"]) if name.startswith("driftlab")} == {"driftlab"}


@pytest.mark.parametrize(("foreign", "without"), [("PySide6", {"gui"}), ("wgpu", {"gpu", "gui"})])
def test_everything_else_loads_no(foreign: str, without: set[str]) -> None:
    names = [name for name in modules() if name.split(".")[1:2] == [] or name.split(".")[1] not in without]
    loaded = loaded_after(names)
    assert loaded >= {"driftlab.raw.frame", "numpy"}
    assert foreign not in loaded


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("raw/load.py", "import driftlab.isp.stage"),
        ("raw/load.py", "from driftlab import isp"),
        ("raw/load.py", "from driftlab.isp import stage"),
        ("raw/load.py", "from ..isp import stage"),
        ("raw/load.py", "from .. import isp"),
        ("raw/load.py", "def later():\n    from driftlab.model.card import Card"),
        ("raw/load.py", "if TYPE_CHECKING:\n    from driftlab.model.card import Card"),
        ("raw/load.py", "importlib.import_module('driftlab.isp')"),
        ("raw/load.py", "import driftlab"),
        ("isp/stages/exposure.py", "from driftlab.raw.load import load_raw"),
        ("isp/stages/exposure.py", "from ...raw import load"),
        ("isp/stages/exposure.py", "from driftlab.raw import frames"),
        ("model/load.py", "from driftlab import RawFrame"),
        ("model/load.py", "def later():\n    import PySide6.QtCore"),
        ("gui/app.py", "from driftlab.cli import main"),
        ("gui/app.py", "import wgpu"),
        ("cli.py", "from driftlab.gui.app import main"),
        ("cli.py", "def one():\n    import driftlab.gui\ndef two():\n    import driftlab.gui"),
        ("cli.py", "from driftlab.history import History"),
        ("attic/old.py", "import json"),
    ],
)
def test_the_checker_catches_a_planted(file: str, code: str, tmp_path: Path) -> None:
    planted = tmp_path / "driftlab" / file
    planted.parent.mkdir(parents=True)
    planted.write_text(code)
    assert len(violations(tmp_path / "driftlab")) == 1


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (
            "raw/load.py",
            "from driftlab.raw.frame import RawFrame\nfrom .frame import CFA\nfrom driftlab import resource",
        ),
        ("isp/stage.py", "from driftlab.raw.frame import RawFrame\nfrom driftlab import RawFrame"),
        ("isp/stage.py", "from driftlab.raw import frame"),
        ("demo/__init__.py", "from ..raw import dng\nimport driftlab.isp.pipeline, driftlab.model"),
        ("cli.py", "def gui():\n    from driftlab.gui.app import main\n    import driftlab.gui.document"),
        ("gui/app.py", "import PySide6.QtCore\nfrom driftlab.gpu import renderer"),
    ],
)
def test_the_checker_allows(file: str, code: str, tmp_path: Path) -> None:
    allowed = tmp_path / "driftlab" / file
    allowed.parent.mkdir(parents=True)
    allowed.write_text(code)
    assert violations(tmp_path / "driftlab") == []
