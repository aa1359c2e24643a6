"""Nothing that can run code runs without consent: planted files leave a mark if any of their code does."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import types
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from driftlab import resource
from driftlab.model.architectures import ARCHITECTURES, OLDER
from driftlab.model.card import ModelError
from driftlab.model.load import find_source, load_model, needs_trust
from driftlab.model.sniff import sniff
from tests.model.tiny import SIDE, network, save_export, save_safetensors, save_state_dict, save_torchscript, write

#: What planted code leaves behind, in the folder of the test.
MARK = "mark"


class Marker:
    """A pickle of it makes the mark when it is read."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (MARK,)


class Script(nn.Module):
    """A TorchScript archive of it makes the mark when it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.held = torch.zeros(1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.mean(dim=(2, 3)) + self.held

    @torch.jit.export
    def __getstate__(self) -> tuple[torch.Tensor, bool]:
        return (self.held, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, bool]) -> None:
        self.held = torch.from_file("mark", True, 1)
        self.training = state[1]


def torchscript(folder: Path) -> str:
    return save_torchscript(Script(), folder / "m.pt").name


def export(folder: Path) -> str:
    clean = save_export(network(), folder / "clean.pt2", torch.zeros(1, 3, SIDE, SIDE))
    planted = io.BytesIO()
    torch.save(Marker(), planted)
    with zipfile.ZipFile(clean) as before, zipfile.ZipFile(folder / "m.pt2", "w") as after:
        for name in before.namelist():
            after.writestr(name, planted.getvalue() if "sample_inputs" in name else before.read(name))
    return "m.pt2"


def factory(folder: Path) -> str:
    (folder / "planted_module.py").write_text(f"import os\nos.mkdir('{MARK}')\ndef make(): pass\n")
    return "planted_module:make"


def factory_in_a_package(folder: Path) -> str:
    """A package whose own import makes the mark: looking for the module in it must not import it."""
    (folder / "planted_package").mkdir()
    (folder / "planted_package" / "__init__.py").write_text(f"import os\nos.mkdir('{MARK}')\n")
    (folder / "planted_package" / "inner.py").write_text("def make(): pass\n")
    return "planted_package.inner:make"


def card_with_factory(folder: Path) -> str:
    """Weights that hold no code, with a card that names some."""
    path = save_safetensors(network(), folder / "m.safetensors")
    path.with_suffix(".json").write_text(json.dumps({"architecture": factory(folder)}))
    return path.name


def disguised(folder: Path) -> str:
    return (folder / torchscript(folder)).rename(folder / "m.safetensors").name


PLANTED = [torchscript, export, factory, factory_in_a_package, card_with_factory, disguised]


@pytest.mark.parametrize("plant", PLANTED)
def test_without_trust_nothing_runs(plant: Callable[[Path], str], folder: Path) -> None:
    model = plant(folder)
    reason = needs_trust(model)
    assert (reason is not None and "whatever you can do" in reason) or "run any code" in str(reason)
    with pytest.raises(ModelError) as caught:
        load_model(model)
    assert "--trust" in str(caught.value) and str(reason) in str(caught.value)
    assert str(caught.value).count(". ") == 0, "one sentence"
    assert not Path(MARK).exists()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("plant", PLANTED)
def test_the_planted_code_would_have_run(plant: Callable[[Path], str], folder: Path) -> None:
    model = plant(folder)
    with pytest.raises(ModelError):  # each is planted, not useful
        load_model(model, trust=True, flags={"task": "segmentation", "input_size": SIDE})
    assert Path(MARK).exists()


def whole_module(folder: Path) -> str:
    torch.save(network(), folder / "m.pth")
    return "m.pth"


def planted_checkpoint(folder: Path) -> str:
    torch.save({"state_dict": {"weight": torch.zeros(2)}, "args": Marker()}, folder / "m.pth")
    return "m.pth"


def planted_legacy_checkpoint(folder: Path) -> str:
    torch.save({"args": Marker()}, folder / "m.pth", _use_new_zipfile_serialization=False)
    return "m.pth"


@pytest.mark.parametrize("trust", [False, True])
@pytest.mark.parametrize("plant", [whole_module, planted_checkpoint, planted_legacy_checkpoint])
def test_pickles_of_more_than_weights_are_refused_trusted_or_not(
    plant: Callable[[Path], str], trust: bool, folder: Path
) -> None:
    weights = plant(folder)
    with pytest.raises(ModelError, match=r"a pickle of more than weights, .* save model\.state_dict"):
        load_model("resnet20-cifar", weights=weights, trust=trust)
    assert not Path(MARK).exists()


def test_a_plain_pickle_is_not_even_opened(folder: Path) -> None:
    (folder / "m.pth").write_bytes(pickle.dumps(Marker()))
    with pytest.raises(ModelError, match="a plain pickle, which runs code"):
        load_model("resnet20-cifar", weights="m.pth", trust=True)
    assert not Path(MARK).exists()


def test_formats_without_code_need_no_trust(folder: Path) -> None:
    assert needs_trust(write("onnx", folder)) is None
    model = load_model(folder / "m.onnx")
    assert not model.ran_code and model.source.risk is None
    weights = save_state_dict(ARCHITECTURES["resnet20-cifar"].make(), folder / "resnet.pth")
    assert needs_trust("resnet20-cifar", weights=weights) is None
    assert not load_model("resnet20-cifar", weights=weights).ran_code


@pytest.mark.parametrize("name", [*ARCHITECTURES, *OLDER])
def test_built_in_architectures_need_no_trust_and_are_those_of_a_table(folder: Path, name: str) -> None:
    weights = save_safetensors(network(), folder / "m.safetensors")
    source = find_source(name, weights=weights)
    assert source.risk is None and source.architecture in ARCHITECTURES
    assert [file.path for file in source.files] == [weights], "no module is looked for"


@pytest.mark.parametrize(
    "name", ["driftlab.cli:main", "driftlab.demo.make:main", "driftlab.model.architectures:CifarResNet"]
)
def test_no_other_function_of_this_program_is_called(folder: Path, name: str) -> None:
    weights = save_safetensors(network(), folder / "m.safetensors")
    weights.with_suffix(".json").write_text(json.dumps({"architecture": name}))
    with pytest.raises(ModelError, match=r"--trust|no module"):
        load_model(weights)


@pytest.mark.parametrize("start", ["console", "module"])
def test_nothing_in_the_current_folder_is_imported(folder: Path, start: str) -> None:
    """Files there with the names of what is imported late, and the bundled model."""
    for name in ("PIL", "imagecodecs", "tifffile", "rich", "scipy", "safetensors", "planted"):
        (folder / f"{name}.py").write_text(f"import os\nos.mkdir('{MARK}')\n")
    own = {"console": ["-P", "-c", "from driftlab.cli import main; main()"], "module": ["-m", "driftlab"]}[start]
    words = ["predict", resource("demo/eosinophil-01.dng"), "--model", resource("demo/leukocyte_net.safetensors")]
    done = subprocess.run([sys.executable, *own, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "eosinophil" in done.stdout, done.stderr
    assert not (folder / MARK).exists()


def test_a_trusted_factory_of_the_current_folder_takes_no_installed_modules_place(folder: Path) -> None:
    (folder / "colorsys.py").write_text(f"import os\nos.mkdir('{MARK}')\n")
    (folder / "my_neighbor.py").write_text("SIDE = 8\n")
    (folder / "my_factory.py").write_text(
        "import colorsys, my_neighbor\nfrom torch import nn\n"
        "def make():\n"
        "    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, my_neighbor.SIDE))\n"
    )
    code = (
        "from driftlab.model.load import load_model\n"
        "flags = {'task': 'classification', 'input_size': 8}\n"
        "print(load_model('my_factory:make', trust=True, flags=flags).source.name)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "my_factory:make", done.stderr
    assert not (folder / MARK).exists()


def test_the_record_of_what_was_trusted(folder: Path) -> None:
    path = write("torchscript", folder)
    model = load_model(path, trust=True)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (model.sha256, model.format, model.ran_code) == (digest, "torchscript", True)
    assert find_source(path) == model.source, "what is asked for before is what is loaded"

    weighted = load_model(write("safetensors", folder), trust=True)
    assert [file.path.name for file in weighted.source.files] == ["tiny_safetensors.py", "m.safetensors"]
    lines = "".join(f"{file.sha256}  {file.path.name}\n" for file in weighted.source.files)
    assert weighted.sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_a_file_that_changes_after_it_was_judged_is_not_loaded(folder: Path) -> None:
    source = find_source(write("torchscript", folder))
    (folder / "m.pt").write_bytes(b"something else")
    with pytest.raises(ModelError, match=r"m\.pt changed while it was being loaded"):
        source.files[0].content()


def test_a_factory_is_the_file_that_was_judged(folder: Path) -> None:
    (folder / "taken.py").write_text("def make(): pass\n")
    other = types.ModuleType("taken")
    other.__file__ = "/elsewhere/taken.py"
    sys.modules["taken"] = other
    try:
        with pytest.raises(ModelError, match=r"Another module taken is in use already, /elsewhere/taken\.py"):
            load_model("taken:make", trust=True)
    finally:
        del sys.modules["taken"]


def test_sniffing_runs_nothing(folder: Path) -> None:
    for plant in (torchscript, export):
        sniff(folder / plant(folder))
    assert not Path(MARK).exists()


def test_warnings_of_torch_about_its_own_formats_stay_inside(folder: Path) -> None:
    path = write("torchscript", folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_model(path, trust=True)
