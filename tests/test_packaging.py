"""What a stranger meets first: the two scripts, the pinned versions, the wheel, and a command that starts fast."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import driftlab

ROOT = Path(__file__).resolve().parents[1]
PACKAGING = ROOT / "packaging"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


# --- The public API ---


def test_every_public_name_is_there() -> None:
    assert set(driftlab._HOMES) <= set(driftlab.__all__) <= set(dir(driftlab))
    for name in driftlab.__all__:
        assert getattr(driftlab, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        driftlab.no_such_name  # noqa: B018


def test_a_resource_is_found_by_name() -> None:
    assert driftlab.resource("README.md") == ROOT / "resources" / "README.md"
    with pytest.raises(FileNotFoundError, match=r"no_such\.png"):
        driftlab.resource("no_such.png")


# --- Pinned versions ---


def pins() -> dict[str, str]:
    lines = (PACKAGING / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(line) for lines in (PROJECT["dependencies"], *extras) for line in lines]


def test_torch_is_pinned_and_the_requirement_is_a_range() -> None:
    assert pins()["torch"] == "2.13.0"
    torch = next(each for each in requirements() if each.name == "torch")
    assert torch.specifier.contains("2.10.0")
    assert torch.specifier.contains("2.14.0")


def test_the_core_does_not_need_torchvision() -> None:
    assert "torchvision" not in pins()


def test_what_is_imported_is_required() -> None:
    extras = [name for name in PROJECT["optional-dependencies"] if name != "dev"]
    lines = [*PROJECT["dependencies"], *(line for name in extras for line in PROJECT["optional-dependencies"][name])]
    required = {canonicalize_name(Requirement(line).name) for line in lines}
    trees = [ast.walk(ast.parse(path.read_bytes())) for path in (ROOT / "driftlab").rglob("*.py")]
    nodes = [node for tree in trees for node in tree]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    foreign = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"driftlab"}
    assert {"numpy", "rawpy", "torch"} <= foreign
    brought_by = importlib.metadata.packages_distributions()
    missing = {name for name in foreign if not required & set(map(canonicalize_name, brought_by.get(name, [])))}
    assert missing == set()


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_a_requirement_is_a_range_that_its_pin_satisfies(requirement: Requirement) -> None:
    if requirement.name == "driftlab":
        assert requirement.extras <= set(PROJECT["optional-dependencies"])
        return
    assert requirement.url is None
    assert {each.operator for each in requirement.specifier} >= {">="}
    assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)])


def test_the_tests_environment_holds_every_extra() -> None:
    (own,) = (each for each in map(Requirement, PROJECT["optional-dependencies"]["dev"]) if each.name == "driftlab")
    assert own.extras == set(PROJECT["optional-dependencies"]) - {"dev"}


@pytest.mark.parametrize(
    "path", [*PACKAGING.iterdir(), ROOT / "pyproject.toml", ROOT / ".ci" / "run"], ids=lambda path: path.name
)
def test_nothing_depends_on_one_place(path: Path) -> None:
    if path.is_file():
        assert (
            re.findall(r"https?://|file:|index-url|find-links|\+cpu\b|/(?:home|root|work|opt)/", path.read_text()) == []
        )


# --- The two scripts ---


@pytest.mark.parametrize("script", [*PACKAGING.glob("*.sh"), ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_a_script_is_valid(script: Path) -> None:
    shell = "bash" if script.name == "run" else "sh"
    subprocess.run([shell, "-n", script], check=True)


LIBRARIES = re.findall(r"^(lib\S+) lib\S+$", (PACKAGING / "setup.sh").read_text(), re.MULTILINE)

# Stands for .venv/bin/python: notes what it was asked, and makes the folder that the example would.
FAKE_PYTHON = """#!/bin/sh
echo "$*" >>"$LOG"
case $* in *"pip install"*) exit "${INSTALL_EXIT:-0}" ;; esac
while [ $# -gt 1 ]; do [ "$1" = --out ] && mkdir -p "$2"; shift; done
"""


class Checkout:
    """A copy of the scripts in a folder with spaces, on a make-believe machine where they can do no harm."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a folder with spaces"
        self.log = folder / "log"
        self.log.touch()
        fakes = folder / "fakes"
        for name, content in {
            self.root / "pyproject.toml": "[project]",
            self.root / "packaging" / "constraints.txt": "torch==2.13.0",
            self.root / ".venv" / "bin" / "python": FAKE_PYTHON,
            fakes
            / "ldconfig": "#!/bin/sh\nfor each in $HAS; do printf '\\t%s (libc6) => /lib/%s\\n' $each $each; done",
            fakes / "apt-get": '#!/bin/sh\necho "apt-get $*" >>"$LOG"\nexit "${APT_EXIT:-0}"',
            fakes / "id": '#!/bin/sh\necho "${USER_ID:-0}"',
            fakes / "sudo": "#!/bin/sh\nexit 1",
        }.items():
            name.parent.mkdir(parents=True, exist_ok=True)
            name.write_text(content)
            name.chmod(0o755)
        for script in PACKAGING.glob("*.sh"):
            (self.root / "packaging" / script.name).write_bytes(script.read_bytes())
        self.environment = {
            "PATH": f"{fakes}:{os.environ['PATH']}",
            "LOG": str(self.log),
            "HAS": " ".join(LIBRARIES),
            "VK_DRIVER_FILES": "some_gpu.json",
        }

    def start(self, script: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["sh", self.root / "packaging" / script, *arguments],
            cwd=self.root.parent,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, script: str, *arguments: str, **environment: str) -> tuple[int, str]:
        """Exit code and output; `asked()` is about this run only."""
        self.log.write_text("")
        with self.start(script, *arguments, **environment) as process:
            output, _ = process.communicate()
        return process.returncode, output

    def asked(self, words: str) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if words in line]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_second_run_installs_nothing(checkout: Checkout) -> None:
    code, output = checkout.run("test.sh", "-k", "stages")
    assert code == 0, output
    (install,) = checkout.asked("pip install")
    assert install.endswith("--constraint packaging/constraints.txt --editable .[dev]")
    assert checkout.asked("pytest") == ["-m pytest --numprocesses auto --dist worksteal -k stages"]

    checkout.run("test.sh")
    assert checkout.asked("pip") == []
    checkout.run("run.sh")  # the tests' environment has all that the example needs
    assert checkout.asked("pip") == []
    assert not (checkout.root / ".venv.lock").exists()


@pytest.mark.parametrize("changed", ["pyproject.toml", "packaging/constraints.txt"])
def test_a_change_of_versions_installs_again(changed: str, checkout: Checkout) -> None:
    checkout.run("run.sh")
    (checkout.root / changed).write_text("changed")
    checkout.run("run.sh")
    assert len(checkout.asked("pip install")) == 1


def test_a_failed_installation_is_said_and_taken_up_again(checkout: Checkout) -> None:
    code, output = checkout.run("run.sh", INSTALL_EXIT="1")
    assert code == 1
    assert "the installation failed" in output
    assert checkout.asked("driftlab demo") == []
    assert not (checkout.root / ".venv.lock").exists()
    code, output = checkout.run("run.sh")
    assert code == 0, output
    assert len(checkout.asked("pip install")) == 1


@pytest.mark.parametrize(
    ("arguments", "passed_on", "lies_in"),
    [
        ([], "--out driftlab-demo", "driftlab-demo"),
        (["--no-gui"], "--out driftlab-demo", "driftlab-demo"),
        (["--no-gui", "--out", "some where"], "--out some where", "some where"),
    ],
)
def test_the_example_says_where_its_output_lies(
    arguments: list[str], passed_on: str, lies_in: str, checkout: Checkout
) -> None:
    code, output = checkout.run("run.sh", *arguments)
    assert code == 0, output
    assert checkout.asked("driftlab") == [f"-P -m driftlab demo {passed_on}"]
    assert output.splitlines()[-1].endswith(f"output is in {checkout.root.parent / lies_in}")


def test_only_what_is_missing_is_installed(checkout: Checkout) -> None:
    has = " ".join(name for name in LIBRARIES if name != "libEGL.so.1")
    code, output = checkout.run("run.sh", HAS=has)
    assert code == 0, output
    assert [line.split()[-1] for line in checkout.asked("apt-get")] == ["update", "libegl1"]
    checkout.run("run.sh")
    assert checkout.asked("apt-get") == []


@pytest.mark.parametrize("cannot", [{"USER_ID": "1000"}, {"APT_EXIT": "100"}], ids=["no right", "no network"])
def test_missing_libraries_are_said_and_stop_nothing(cannot: dict[str, str], checkout: Checkout) -> None:
    for _ in range(2):  # the second time nothing is tried, and it is still said
        code, output = checkout.run("run.sh", HAS="", **cannot)
        assert code == 0, output
        assert re.search(r"apt-get install .*libegl1 .*libxkbcommon0", output)
        assert len(checkout.asked("driftlab demo")) == 1
    assert checkout.asked("apt-get") == []


def test_one_set_up_waits_for_another(checkout: Checkout) -> None:
    lock = checkout.root / ".venv.lock"
    lock.symlink_to(str(os.getpid()))
    with checkout.start("run.sh") as process:
        assert process.stdout is not None
        assert f"waiting for the set-up that process {os.getpid()} runs" in process.stdout.readline()
        assert checkout.asked("pip install") == []
        lock.unlink()
        process.communicate()
    assert process.returncode == 0
    assert len(checkout.asked("pip install")) == 1


def test_what_another_set_up_did_meanwhile_is_not_done_again(checkout: Checkout) -> None:
    checkout.run("test.sh")
    done = checkout.root / ".venv" / "set-up-dev"
    content = done.read_text()
    done.unlink()
    checkout.log.write_text("")
    lock = checkout.root / ".venv.lock"
    lock.symlink_to(str(os.getpid()))
    with checkout.start("run.sh") as process:
        assert process.stdout is not None
        assert "waiting" in process.stdout.readline()
        done.write_text(content)
        lock.unlink()
        process.communicate()
    assert process.returncode == 0
    assert checkout.asked("pip install") == []


def test_the_lock_of_a_killed_set_up_is_taken_over(checkout: Checkout) -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    (checkout.root / ".venv.lock").symlink_to(str(gone.pid))
    code, output = checkout.run("run.sh")
    assert code == 0, output
    assert "waiting" not in output


# --- The wheel ---


def test_a_wheel_holds_the_resources_and_imports(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="builds the wheel; the extra dev brings it")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("driftlab-*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)

    names = {path.relative_to(installed).as_posix() for path in installed.rglob("*")}
    for folder, inside in ((ROOT / "resources", "driftlab/resources"), (ROOT / "driftlab", "driftlab")):
        ours = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert ours
        assert {f"{inside}/{path.relative_to(folder).as_posix()}" for path in ours} <= names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"driftlab"}

    code = "import sys; sys.path.insert(0, sys.argv[1]); import driftlab; print(driftlab.resource('README.md'))"
    found = subprocess.run([sys.executable, "-I", "-c", code, installed], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(installed / "driftlab" / "resources" / "README.md")


# --- A fast start ---


def loaded_by(*command: str) -> tuple[set[str], str]:
    """The modules that Python loads for a command, and what the command prints."""
    command = (sys.executable, "-X", "importtime", *command)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}, done.stdout


@pytest.mark.parametrize(("flag", "says"), [("--version", driftlab.__version__), ("--help", "predict")])
def test_a_question_about_the_command_itself_loads_nothing_heavy(flag: str, says: str) -> None:
    loaded, output = loaded_by("-m", "driftlab", flag)
    assert says in output
    assert "driftlab.cli" in loaded
    assert loaded & {"torch", "rawpy", "PySide6", "numpy", "onnxruntime", "transformers"} == set()


def test_a_heavy_import_would_be_seen() -> None:
    assert "rawpy" in loaded_by("-c", "import rawpy")[0]
