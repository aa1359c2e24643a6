"""The window: panels around the preview, and what the table of actions asks it for. Holds no state of the document."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QGuiApplication,
)
from PySide6.QtWidgets import QMainWindow, QVBoxLayout, QWidget

from driftlab.gui import dialogs, docks, menus
from driftlab.gui.command import command
from driftlab.gui.command_palette import CommandPalette
from driftlab.gui.computing import Computing
from driftlab.gui.document import Document
from driftlab.gui.dropping import Dropping
from driftlab.gui.explaining import Explaining
from driftlab.gui.garbage import collect_in_this_thread
from driftlab.gui.held_key import HeldKey
from driftlab.gui.jobs import ASIDE, Jobs, make_worker
from driftlab.gui.loading import Untrusted
from driftlab.gui.opening import Opening
from driftlab.gui.panels.frames import FramesPanel
from driftlab.gui.panels.heatmap import HeatmapPanel
from driftlab.gui.panels.jobs import JobsPopup
from driftlab.gui.panels.logits import LogitsPanel
from driftlab.gui.panels.preview import PreviewPanel
from driftlab.gui.panels.sensitivity import SensitivityPanel
from driftlab.gui.panels.stages import StagesPanel
from driftlab.gui.panels.status import StatusLine
from driftlab.gui.preview_source import PreviewSource, TorchEngine
from driftlab.gui.problem import Problem
from driftlab.gui.searches import Searches
from driftlab.gui.stage_outputs import StageOutput, StageOutputs
from driftlab.gui.tab_order import tab_from
from driftlab.gui.widgets.message_bar import MessageBar

__all__ = ["MainWindow"]


class MainWindow(QMainWindow):
    """Everything that is on the screen."""

    closed = Signal()

    def __init__(self, store: QSettings) -> None:
        super().__init__()
        collect_in_this_thread()  # before there is a worker that could
        self.setWindowTitle("driftlab")
        self.store = store
        self.worker = make_worker()
        self.jobs = Jobs(self.worker)
        self.source = PreviewSource(TorchEngine())
        self.document: Document = Document()
        self.opening = Opening(self.document, self.worker, store)
        self.computing = Computing(self.document, self.worker)
        self.explaining = Explaining(self.document, self.computing, self.worker)
        self.outputs: StageOutputs = StageOutputs(self.document, self.source)
        self.preview: PreviewPanel = PreviewPanel(self.document, self.source, self.computing)
        self.stages: StagesPanel = StagesPanel(self.document, store)
        self.logits: LogitsPanel = LogitsPanel(self.document, self.computing)
        self.sensitivity: SensitivityPanel = SensitivityPanel(self.document, self.explaining)
        self.heatmap: HeatmapPanel = HeatmapPanel(self.document, self.explaining)
        self.frames: FramesPanel = FramesPanel(self.document, self.computing)
        self.searches: Searches = Searches(self.document, self.computing, self.worker, store)
        self.status = StatusLine(self.jobs)
        self.messages = MessageBar()
        self.dropping = Dropping(self, partial(self.opening.sort, search=False))
        parts = (
            self.worker,
            self.jobs,
            self.source,
            self.document,
            self.opening,
            self.computing,
            self.explaining,
            self.outputs,
            self.searches,
        )
        for part in parts:
            part.setParent(self)  # they end with the window
        self._make_center()
        self.docks = docks.make_docks(self)
        self.actions_by_name: dict[str, QAction] = menus.make_actions(self)
        self.menus = menus.make_menus(self)
        self._connect()
        self.refresh()
        self.resize(1440, 900)
        docks.restore(self, store)

    # Making

    def _make_center(self) -> None:
        center = QWidget()
        column = QVBoxLayout(center)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.messages)
        column.addWidget(self.preview, stretch=1)
        self.setCentralWidget(center)
        self.setStatusBar(self.status)

    def _connect(self) -> None:
        document, opening = self.document, self.opening
        for signal in (
            document.entries_changed,
            document.frame_changed,
            document.settings_changed,
            document.model_changed,
            document.region_changed,
            document.mask_changed,
            document.drag_ended,
        ):
            signal.connect(self._follow)
        opening.failed.connect(self.messages.show_problem)
        opening.trust_needed.connect(self._ask_for_trust)
        opening.description_needed.connect(lambda dump: dialogs.ask_for_layout(self, dump, opening.open_described))
        opening.loading_changed.connect(self._show_loading)
        self.outputs.changed.connect(self._show_output)
        self.outputs.staled.connect(self.preview.view.show_outdated)
        self.actions_by_name["split"].toggled.connect(lambda on: self.outputs.leave() if on else None)
        self.actions_by_name["split"].toggled.connect(lambda _: self.refresh())  # its divider's actions
        self.heatmap.overlay_changed.connect(self.preview.show_overlay)
        self.heatmap.overlay.toggled.connect(self.actions_by_name["heatmap"].setChecked)
        self.sensitivity.shares_changed.connect(self.stages.show_sensitivities)
        self.sensitivity.bars.chosen.connect(self.stages.reveal)
        self.searches.tolerance.bands_changed.connect(self.stages.show_bands)
        self.sensitivity.bars.chosen.connect(self.searches.sweep.show_key)
        self.docks["sweep"].visibilityChanged.connect(lambda on: self.searches.sweeping.choose(watched=on))
        self.searches.chosen.connect(self.stages.reveal)
        self.searches.frame_asked.connect(lambda path: opening.select(self.document.add([path])[0]))
        self.searches.copied.connect(lambda text: self.status.showMessage(f"Copied: {text}", 6000))
        self.searches.failed.connect(lambda error: self.messages.show_problem(Problem.of(error)))
        self.stages.failed.connect(self.messages.show_problem)
        self.source.failed.connect(lambda error: self.messages.show_problem(Problem.of(error)))
        self.computing.failed.connect(lambda error: self.messages.show_problem(Problem.of(error)))
        self.source.engine_changed.connect(lambda: self.status.show_engine(self.source.engine))
        self.status.show_engine(self.source.engine)
        self.preview.pictured.connect(self.status.show_picture)
        self.preview.pictured.connect(self.frames.show_thumbnail)
        self.preview.readout_changed.connect(self.status.show_readout)
        self.preview.drop_area.open_asked.connect(self.ask_for_files)
        self.preview.drop_area.model_asked.connect(self.ask_for_model)
        self.preview.drop_area.sample_asked.connect(opening.open_sample)
        self.logits.model_asked.connect(self.ask_for_model)
        self.frames.chosen.connect(opening.select)
        self.dropping.hovered.connect(self._show_drop)
        self.dropping.dropped.connect(opening.open)
        self.status.cancel_asked.connect(self.cancel_jobs)
        self.status.jobs_asked.connect(self.show_jobs)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._recolor)
        self.nominal_key = HeldKey(Qt.Key.Key_Backslash, self)
        self.nominal_key.changed.connect(self.actions_by_name["compare"].setChecked)

    # Showing

    @property
    def current(self) -> bool:
        """Whether nothing is loading, and picture, logits and sensitivities are of the settings in force."""
        return (
            not self.worker.busy - ASIDE
            and self.opening.idle
            and self.preview.current
            and self.source.idle
            and self.outputs.current
            and self.computing.current
            and self.explaining.current
        )

    def _follow(self) -> None:
        if not self.document.dragging:  # a drag is one step, and its end is told too
            self.refresh()

    def refresh(self) -> None:
        """Actions and title as the document is."""
        menus.refresh(self)
        current = self.document.current
        model = self.document.model
        parts = [current.path.name if current else "", model.source.name if model else ""]
        self.setWindowTitle(" · ".join([*filter(None, parts), "driftlab"]))

    def _show_output(self, output: StageOutput | None) -> None:
        self.preview.view.show_output(output)
        self.refresh()

    def _show_loading(self, sentence: str) -> None:
        self.status.show_loading(sentence)
        if self.document.frame is None and sentence:
            self.preview.drop_area.show_hint(sentence)
        else:
            self.preview.drop_area.show_hint("")

    def _show_drop(self, sentence: str) -> None:
        self.preview.drop_area.show_hint(sentence)
        self.status.showMessage(sentence)

    def _ask_for_trust(self, untrusted: Untrusted) -> None:
        dialogs.ask_for_trust(self.messages, untrusted, self.opening.trust)

    def _recolor(self) -> None:
        menus.recolor(self.actions_by_name)

    # What actions ask for

    def ask_for_files(self) -> None:
        """Camera files and pictures to open."""
        dialogs.ask_for_files(self, "Open camera files or pictures", lambda paths: self.opening.open(paths))

    def ask_for_folder(self) -> None:
        """A folder of frames to open."""
        dialogs.ask_for_folder(self, "Open a folder of frames", lambda paths: self.opening.open(paths))

    def ask_for_model(self) -> None:
        """A task model to open."""
        dialogs.ask_for_files(self, "Choose a task model", lambda paths: self.opening.open_model(str(paths[0])))

    def ask_for_mask(self) -> None:
        """A mask to hold the segmentation against."""
        dialogs.ask_for_mask(self, self.opening.open_mask)

    def ask_for_settings(self) -> None:
        """Settings to lay over those in force."""
        dialogs.ask_for_files(self, "Open settings", lambda paths: self.opening.open_settings(paths[0]), "*.json")

    def ask_where_to_save_settings(self) -> None:
        """Where the settings go."""
        dialogs.save_settings(self, self.document, self.messages)

    def ask_where_to_save_picture(self) -> None:
        """Where the picture goes."""
        dialogs.save_picture(self, self.document, self.worker, self.messages)

    def copy_settings(self) -> None:
        """Settings to the clipboard."""
        dialogs.copy_settings(self.document)

    def paste_settings(self) -> None:
        """Settings from the clipboard."""
        dialogs.paste_settings(self.document, self.messages)

    def step_stage(self, by: int) -> None:
        """The output of a stage before or after, instead of the picture."""
        for name in ("split", "compare"):
            self.actions_by_name[name].setChecked(False)
        self.outputs.step(by)
        self.refresh()

    def escape(self) -> None:
        """Back to the picture; where it is there already, end what is being computed."""
        if self.outputs.stage is not None:
            self.outputs.leave()
        else:
            self.cancel_jobs()

    def copy_command(self, name: str) -> None:
        """A shell command to the clipboard."""
        text = command(self.document, name)
        QGuiApplication.clipboard().setText(text)
        self.status.showMessage(f"Copied: {text}", 6000)

    def cancel_jobs(self) -> None:
        """End what is being computed."""
        self.jobs.cancel_all()

    def show_jobs(self) -> None:
        """What is computed, and what was."""
        JobsPopup(self.jobs, self).open(self.status.mapToGlobal(self.status.rect().topRight()))

    def show_palette(self) -> None:
        """All that can be asked for, to choose from by typing."""
        CommandPalette(self).open()

    def show_about(self) -> None:
        """What this is made of."""
        dialogs.show_about(self, self.source.engine)

    # Keys, closing

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes from panel to panel, as the table of docks has them."""
        panels = [self.messages, self.preview, *(dock.widget() for dock in self.docks.values())]
        to = tab_from(self.focusWidget(), [*panels, *docks.tab_bars(self), self.status], forward=forward)
        if to is not None:
            to.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
            self.stages.show_focused()
        return to is not None

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the layout, and leave no thread behind."""
        docks.remember(self, self.store)
        self.nominal_key.release()
        self.source.close()
        self.worker.close()
        super().closeEvent(event)
        self.closed.emit()
