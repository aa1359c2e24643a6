"""Colors and type: neutral grays without a tint, one accent, and colors for data that the color-blind can tell apart.

Follows the system's light or dark. Nothing here knows what is shown.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

__all__ = ["apply", "color", "is_dark", "numeric", "palette"]

#: Name -> (light, dark). Okabe and Ito's set for data.
COLORS: Final[dict[str, tuple[str, str]]] = {
    "window": ("#ededed", "#2b2b2b"),
    "base": ("#fafafa", "#232323"),
    "raised": ("#f7f7f7", "#333333"),
    "button": ("#e2e2e2", "#3a3a3a"),
    "line": ("#cccccc", "#434343"),
    "text": ("#1c1c1c", "#dcdcdc"),
    "dim": ("#666666", "#a2a2a2"),
    "groove": ("#c6c6c6", "#4a4a4a"),
    "accent": ("#2f74c8", "#5b9cf0"),
    "handle": ("#fcfcfc", "#bdbdbd"),
    "surround": ("#777777", "#777777"),
    "nominal": ("#8c8c8c", "#9a9a9a"),
    "increase": ("#c65f00", "#eb9a3c"),
    "decrease": ("#2567b0", "#6fb1e8"),
    "holds": ("#00856a", "#20b592"),
    "violated": ("#c84a00", "#f0713a"),
}

STYLE: Final = """
QToolTip {{ color: {text}; background: {raised}; border: 1px solid {line}; padding: 4px; }}
QToolBar {{ border: 0; spacing: 2px; padding: 3px 6px; }}
QToolBar::separator {{ background: {line}; width: 1px; margin: 5px 6px; }}
QToolButton {{ border: 1px solid transparent; border-radius: 4px; padding: 3px 5px; }}
QToolButton:hover {{ background: {button}; }}
QToolButton:checked {{ background: {button}; border-color: {accent}; }}
QToolButton:focus, QCheckBox:focus, QComboBox:focus {{ border: 1px solid {accent}; border-radius: 4px; }}
QToolButton::menu-indicator {{ subcontrol-origin: padding; subcontrol-position: right center; }}
#message {{ background: {raised}; border-left: 4px solid {accent}; border-bottom: 1px solid {line}; }}
#message[alarm="true"] {{ border-left-color: {violated}; }}
QToolButton#changed {{ color: {accent}; padding: 0 4px; }}
QMainWindow::separator {{ background: {line}; width: 1px; height: 1px; }}
QMainWindow::separator:hover {{ background: {accent}; }}
QDockWidget {{ titlebar-close-icon: none; titlebar-normal-icon: none; }}
QDockWidget::title {{ background: {window}; padding: 6px 8px; }}
QStatusBar {{ border-top: 1px solid {line}; }}
QStatusBar::item {{ border: 0; }}
QScrollArea {{ border: 0; background: {window}; }}
QTabBar::tab {{ padding: 6px 12px; border: 0; border-bottom: 2px solid transparent; color: {dim}; }}
QTabBar::tab:selected {{ border-bottom: 2px solid {accent}; color: {text}; }}
QLineEdit {{ border: 1px solid transparent; border-radius: 3px; padding: 1px 3px; background: transparent; }}
QLineEdit:hover {{ border-color: {line}; }}
QLineEdit:focus {{ border-color: {accent}; background: {base}; }}
QLineEdit[wrong="true"] {{ border-color: {violated}; }}
QListView {{ border: 0; background: {window}; }}
QListView::item:selected {{ background: {button}; color: {text}; border-left: 3px solid {accent}; }}
QPushButton {{ border: 1px solid {line}; border-radius: 4px; padding: 4px 10px; background: {button}; }}
QPushButton:hover {{ border-color: {dim}; }}
QPushButton:pressed {{ background: {line}; }}
QPushButton:focus, QPushButton:default {{ border-color: {accent}; }}
QPushButton:disabled {{ color: {dim}; background: {window}; }}
QScrollBar {{ background: transparent; border: 0; margin: 0; }}
QScrollBar:vertical {{ width: 11px; }}
QScrollBar:horizontal {{ height: 11px; }}
QScrollBar::handle {{ background: {groove}; border-radius: 3px; margin: 2px; min-height: 28px; min-width: 28px; }}
QScrollBar::handle:hover {{ background: {dim}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QTableView {{ border: 0; background: {window}; }}
QTableView::item:selected {{ background: {button}; color: {text}; }}
QProgressBar {{ border: 0; border-radius: 3px; background: {groove}; max-height: 6px; }}
QProgressBar::chunk {{ background: {accent}; border-radius: 3px; }}
"""


def is_dark() -> bool:
    """Whether the system asks for dark."""
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def color(name: str, alpha: float = 1.0) -> QColor:
    """A color of the theme in force."""
    found = QColor(COLORS[name][is_dark()])
    found.setAlphaF(alpha)
    return found


def palette() -> QPalette:
    """The palette of the theme in force."""
    result = QPalette()
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    for names, value in (
        ((role.Window,), "window"),
        ((role.Base,), "base"),
        ((role.AlternateBase, role.ToolTipBase), "raised"),
        ((role.Button,), "button"),
        ((role.WindowText, role.Text, role.ButtonText, role.ToolTipText), "text"),
        ((role.PlaceholderText,), "dim"),
        ((role.Highlight, role.Link, role.Accent), "accent"),
        ((role.Mid,), "line"),
    ):
        for each in names:
            result.setColor(each, color(value))
    result.setColor(role.HighlightedText, QColor("#ffffff"))
    for each in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(group.Disabled, each, color("dim", 0.85))
    return result


def apply(app: QApplication) -> None:
    """Dress the application, now and whenever the system changes between light and dark."""

    def dress() -> None:
        app.setPalette(palette())
        boxes = palette()
        boxes.setColor(QPalette.ColorRole.Window, color("dim"))  # Fusion outlines them in a darker window color
        app.setPalette(boxes, "QCheckBox")  # type: ignore[arg-type]  # PySide6 takes str alone
        app.setStyleSheet(STYLE.format(**{name: pair[is_dark()] for name, pair in COLORS.items()}))

    app.setStyle("Fusion")
    dress()
    if not app.property("dressed"):  # once is enough: each of several would dress all widgets anew
        app.setProperty("dressed", True)
        QGuiApplication.styleHints().colorSchemeChanged.connect(dress)


def numeric(font: QFont, scale: float = 1.0) -> QFont:
    """The font with figures of equal width."""
    result = QFont(font)
    result.setFeature(QFont.Tag("tnum"), 1)
    if scale != 1.0:
        result.setPointSizeF(font.pointSizeF() * scale)
    return result
