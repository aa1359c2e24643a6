"""Dialogs and the clipboard. None of them holds the window up: each calls back when it has been answered."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import PySide6
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication, QTextDocumentFragment
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu, QMessageBox, QWidget

from driftlab import __version__
from driftlab.errors import DriftlabError
from driftlab.gui.document import Document
from driftlab.gui.dump_dialog import Dump, DumpDialog
from driftlab.gui.problem import Problem
from driftlab.gui.sorting import MODELS
from driftlab.gui.widgets.message_bar import MessageBar
from driftlab.gui.worker import Worker
from driftlab.raw.suffixes import FRAMES

if TYPE_CHECKING:
    from driftlab.gui.loading import Untrusted
    from driftlab.gui.main_window import MainWindow
    from driftlab.gui.preview_source import Engine
    from driftlab.isp.presets import Preset
    from driftlab.isp.settings import Settings
    from driftlab.raw.description import Description
    from driftlab.raw.frame import RawFrame

__all__ = [
    "about",
    "ask_for_files",
    "ask_for_folder",
    "ask_for_layout",
    "ask_for_mask",
    "ask_for_trust",
    "copy_settings",
    "fill_presets",
    "paste_settings",
    "save_picture",
    "save_settings",
    "show_about",
]

PRESETS = "presets"


def _open(dialog: QFileDialog, take: Callable[[list[Path]], None]) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.filesSelected.connect(lambda names: take([Path(name) for name in names]))
    dialog.open()


def ask_for_files(parent: QWidget, title: str, take: Callable[[list[Path]], None], only: str = "") -> None:
    """Existing files; `take` gets those that were chosen."""
    dialog = QFileDialog(parent, title)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    camera, model = (" ".join(f"*{end} *{end.upper()}" for end in sorted(ends)) for ends in (FRAMES, MODELS))
    filters = [f"Settings ({only})"] if only else [f"Camera files and pictures ({camera})", f"Models ({model})"]
    if "model" in title:
        filters.reverse()
    dialog.setNameFilters([*filters, "All files (*)"])
    _open(dialog, take)


def ask_for_folder(parent: QWidget, title: str, take: Callable[[list[Path]], None]) -> None:
    """A folder."""
    dialog = QFileDialog(parent, title)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    _open(dialog, take)


def ask_for_mask(parent: QWidget, take: Callable[[Path], None]) -> None:
    """One file of class indices."""
    from driftlab.mask_file import MASKS

    dialog = QFileDialog(parent, "Open a mask")
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters([f"Masks ({' '.join(f'*{end}' for end in sorted(MASKS))})", "All files (*)"])
    _open(dialog, lambda paths: take(paths[0]))


def ask_for_layout(parent: MainWindow, dump: Dump, take: Callable[[Path, Description, bool], None]) -> None:
    """How a headerless dump is laid out; `take` gets the answer, and whether it shall be remembered."""
    for other in parent.findChildren(DumpDialog):
        if other.dump.path == dump.path:
            other.close()
    dialog = DumpDialog(parent, dump)
    dialog.described.connect(take)
    parent.closed.connect(dialog.reject)
    dialog.show()


def save_settings(parent: QWidget, document: Document, messages: MessageBar) -> None:
    """The settings as JSON, wherever it is said."""
    dialog = _saving(parent, "Save settings", ["Settings (*.json)"], "json")

    def write(paths: list[Path]) -> None:
        if document.settings is not None:
            try:
                document.settings.save(paths[0])
            except DriftlabError as error:
                messages.show_problem(Problem.of(error))

    _open(dialog, write)


def save_picture(parent: QWidget, document: Document, worker: Worker, messages: MessageBar) -> None:
    """The exact picture, developed anew in the worker's thread."""
    kinds = ["PNG, 8 bits (*.png)", "TIFF, 16 bits (*.tif)", "NumPy, float32 (*.npy)"]
    dialog = _saving(parent, "Save picture", kinds, "png")

    def write(paths: list[Path]) -> None:
        if document.frame is not None and document.settings is not None:
            worker.submit("analysis", partial(_written, document.frame, document.settings, paths[0]))

    _open(dialog, write)


def _written(frame: RawFrame, settings: Settings, path: Path) -> Iterator[Any]:
    from driftlab.isp.develop import develop
    from driftlab.picture import bits_of, write_picture

    picture = develop(frame, settings, bits=bits_of(path))
    yield None  # the last place to cancel at: what is begun is written whole
    write_picture(picture, path)
    yield path


def _saving(parent: QWidget, title: str, kinds: list[str], suffix: str) -> QFileDialog:
    dialog = QFileDialog(parent, title)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(kinds)
    dialog.setDefaultSuffix(suffix)
    return dialog


def ask_for_trust(messages: MessageBar, untrusted: Untrusted, trust: Callable[[Untrusted], None]) -> None:
    """Whether a model's code may run."""
    source = untrusted.source
    messages.ask(
        f"{source.name} can run code when it is loaded: {source.risk}. Load it only if you know where it comes "
        f"from (sha256 {source.sha256[:16]}…). You are asked once for this file.",
        "Trust and load",
        partial(trust, untrusted),
        "Do not load",
    )


def copy_settings(document: Document) -> None:
    """All settings to the clipboard, as a settings file has them."""
    if document.settings is not None:
        QGuiApplication.clipboard().setText(json.dumps(document.settings.to_dict(), indent=2))


def paste_settings(document: Document, messages: MessageBar) -> None:
    """Settings from the clipboard."""
    try:
        content = json.loads(QGuiApplication.clipboard().text())
        values = content["settings"]
        name = content.get("pipeline")
        if not isinstance(values, dict):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        messages.show_problem(Problem("The clipboard holds no settings: copy some first, from here or from a file."))
        return
    _apply(document, values, name, "Paste settings", messages)


def _apply(document: Document, values: dict[str, Any], name: str | None, edit: str, messages: MessageBar) -> None:
    from driftlab.isp.pipeline import pipeline_of

    settings, frame = document.settings, document.frame
    if settings is None or frame is None:
        return
    try:
        if name is not None and name != settings.pipeline.name:
            settings = pipeline_of(name).settings(frame)
        document.replace(settings.changed(values), edit)
    except DriftlabError as error:
        messages.show_problem(Problem.of(error))


def fill_presets(menu: QMenu, document: Document, store: QSettings, messages: MessageBar) -> None:
    """As shot, the paper's camera sets, the user's own, and a place to add to those."""
    from driftlab.isp.presets import PRESETS as BUNDLED

    menu.clear()
    settings, frame = document.settings, document.frame
    if settings is None or frame is None:
        return
    menu.addAction("As shot", lambda: document.replace(settings.pipeline.settings(frame), "As shot"))
    for preset in BUNDLED.values():
        menu.addAction(preset.title, partial(_preset, document, preset))
    menu.addSeparator()
    own: dict[str, Any] = json.loads(str(store.value(PRESETS, "{}")))
    for title, content in own.items():
        menu.addAction(title, partial(_apply, document, content["settings"], content["pipeline"], title, messages))
    menu.addAction("Save as preset …", partial(_name_preset, menu.parentWidget(), settings, store))
    if own:
        remove = menu.addMenu("Remove")
        for title in own:
            rest = {key: content for key, content in own.items() if key != title}
            remove.addAction(title, partial(store.setValue, PRESETS, json.dumps(rest)))


def _preset(document: Document, preset: Preset) -> None:
    if document.settings is not None:
        document.replace(preset.applied(document.settings, document.frame), preset.title)


def _name_preset(parent: QWidget | None, settings: Settings, store: QSettings) -> None:
    dialog = QInputDialog(parent)
    dialog.setWindowTitle("Save as preset")
    dialog.setLabelText("Name of the preset:")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def keep(title: str) -> None:
        if title.strip():
            own = json.loads(str(store.value(PRESETS, "{}")))
            store.setValue(PRESETS, json.dumps({**own, title.strip(): settings.to_dict()}))

    dialog.textValueSelected.connect(keep)
    dialog.open()


def about(engine: Engine) -> str:
    """What driftlab is made of, as rich text."""
    rows = {
        "Python": platform.python_version(),
        "Qt": f"{PySide6.QtCore.qVersion()} (PySide6 {PySide6.__version__})",
        "PyTorch": f"{_version('torch')}, {_device()}",
        "LibRaw": _libraw(),
        "NumPy": _version("numpy"),
        "wgpu": _version("wgpu"),
        "Preview by": engine.name + (f" ({engine.reason})" if engine.reason else ""),
        "System": f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} cores",
    }
    table = "".join(f"<tr><td>{name}&nbsp;&nbsp;</td><td>{value}</td></tr>" for name, value in rows.items())
    return (
        f"<h3>driftlab {__version__}</h3><p>See how a camera's raw data and its image processing move the answer of a "
        f"vision model, and how far they may.</p><table>{table}</table>"
        "<p>No network access, ever: nothing is sent, nothing is fetched.</p><p>License: Apache 2.0</p>"
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _device() -> str:
    """Where the model runs; asked without loading torch, which the window may not have needed yet."""
    torch = sys.modules.get("torch")
    return "on the processor" + (f" with {torch.get_num_threads()} threads" if torch else ", not loaded yet")


def _libraw() -> str:
    try:
        import rawpy
    except ImportError:
        return "not installed"
    return ".".join(str(part) for part in rawpy.libraw_version) + f" (rawpy {_version('rawpy')})"


def show_about(parent: QWidget, engine: Engine) -> None:
    """The About box."""
    box = QMessageBox(
        QMessageBox.Icon.NoIcon, "About driftlab", about(engine), QMessageBox.StandardButton.Close, parent
    )
    box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    box.setDefaultButton(QMessageBox.StandardButton.Close)
    copy = box.addButton("Copy", QMessageBox.ButtonRole.ActionRole)
    copy.clicked.disconnect()  # it closes nothing
    plain = QTextDocumentFragment.fromHtml(about(engine)).toPlainText()
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(plain))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
