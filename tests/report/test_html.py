"""The page of a report: complete, well-formed, self-contained, and deaf to what is written in names."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from driftlab.report.blocks import Bar, Dot, Figure, Plot, Rule, Table
from driftlab.report.content import content_of
from driftlab.report.document import document, floor_of
from driftlab.report.html import html_of
from driftlab.report.plots import band, curve, known_share
from driftlab.report.words import NOT_JOINT, between, rounded, safe_text
from tests.report.planted import ARGV, FILES, tolerance

VOID = {"meta", "rect", "line", "circle", "br"}


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    content = content_of(tolerance(), files=FILES, argv=ARGV)
    return json.loads(json.dumps(content))  # type: ignore[no-any-return]


class Page(HTMLParser):
    """Tags with their attributes, the text that is seen, and whether every tag is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & {*self.open}:
            self.texts.append(data)


def test_the_page_needs_nothing_from_elsewhere(report: dict[str, Any]) -> None:
    text = html_of(report).decode()
    page = Page(text)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "form", "a", "base"}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") or name in ("href", "src") for name in attributes)
    assert re.findall(r"https?:|@import|url\((?!#)", text) == []
    assert "default-src 'none'" in text and "prefers-color-scheme: dark" in text and "@media print" in text


def test_the_warning_and_every_status_are_told(report: dict[str, Any]) -> None:
    page = Page(html_of(report).decode())
    assert NOT_JOINT in page.texts
    assert [kind for _, kind in page.tags].count({"class": "warning", "role": "note"}) == 1
    seen = " ".join(page.texts)
    for words in ("holds-on-samples: held in every trial", "unproven: the budget ended first", "at least the searched",
                  "held again in 1.400 to 1.600", "−1.000 to ≥", "a becomes c", "Not tested", "motion"):  # fmt: skip
        assert words in seen, words
    assert not re.search(r"[ (]-\d", seen.replace(report["replay"]["argv"][0], ""))  # minus signs are minus signs


def test_every_plot_has_a_table_behind_it(report: dict[str, Any]) -> None:
    blocks = document(report)
    curves = [block for block in blocks if isinstance(block, Figure) and block.plot.left]
    assert len(curves) == 4
    for figure, axis in zip(curves, report["results"]["axis"], strict=True):
        assert figure.table is not None and len(figure.table.rows) == len(axis["probes"])
    assert any(isinstance(block, Table) and block.caption == "The same as a table" for block in blocks)


def test_the_page_is_the_same_for_the_same_report(report: dict[str, Any]) -> None:
    assert html_of(report) == html_of(json.loads(json.dumps(report)))


EVIL = "<script>alert(1)</script>\"'&lt;\x00\udc80 </title></style>${title} 中"


def test_names_from_outside_are_only_text(tmp_path: Path) -> None:
    planted = tolerance()
    frame = replace(planted.cases[0].frame, name=EVIL, make=EVIL, remarks=(EVIL,))
    card = replace(planted.model.card, labels=(EVIL, "b", "c", "d"))
    nominal = replace(planted.nominals[0], truth=EVIL, answer=EVIL)
    evil = replace(
        planted,
        cases=(replace(planted.cases[0], frame=frame), *planted.cases[1:]),
        nominals=(nominal, *planted.nominals[1:]),
        model=replace(planted.model, card=card, source=replace(planted.model.source, architecture=EVIL)),
    )
    argv = ["tolerance", EVIL, "--model", EVIL, "-o", "x"]
    content = content_of(evil, files=[Path("a"), Path("b"), Path("c")], argv=argv, excluded=[(EVIL, EVIL)])
    clean = Page(html_of(content_of(planted, files=FILES, argv=ARGV)).decode())
    page = Page(html_of(content).decode())
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in clean.tags}
    attributes = {(tag, name) for tag, named in page.tags for name in named}
    assert attributes <= {(tag, name) for tag, named in clean.tags for name in named}
    assert any("<script>alert(1)</script>" in text and "${title}" in text for text in page.texts)
    assert "中" in " ".join(page.texts)


# --- What the plots say ---


def shapes(plot: Plot, kind: type, *roles: str) -> list[Any]:
    return [shape for shape in plot.shapes if isinstance(shape, kind) and shape.role in roles]


def test_a_band_shows_what_holds_where_it_fails_and_nominal(report: dict[str, Any]) -> None:
    exposure, blur, red, blue = report["results"]["axis"]
    (held,) = shapes(band(red), Bar, "holds")
    assert (held.left, held.right) == pytest.approx((0.25 / 1.5, 1.0 / 1.5))
    assert [line.x1 for line in shapes(band(red), Rule, "violated")] == pytest.approx([0.2 / 1.5, 1.05 / 1.5])
    assert [line.x1 for line in shapes(band(red), Rule, "nominal")] == pytest.approx([0.7 / 1.5])
    (gap,) = shapes(band(blur), Bar, "gap")
    assert (gap.left, gap.right) == pytest.approx((1.4 / 3, 1.6 / 3))
    assert shapes(band(exposure), Rule, "violated") == [] and len(shapes(band(blue), Bar, "unproven")) == 1


def test_a_logarithmic_axis_is_drawn_so(report: dict[str, Any]) -> None:
    axis = {**report["results"]["axis"][0], "scale": "log", "searched": [0.01, 1.0], "safe": [0.1, 1.0], "nominal": 1.0}
    (held,) = shapes(band(axis), Bar, "holds")
    assert (held.left, held.right) == pytest.approx((0.5, 1.0))


def test_a_curve_tells_apart_what_all_pictures_said(report: dict[str, Any]) -> None:
    red = report["results"]["axis"][2]
    plot = curve(red, 1.0)
    dots = shapes(plot, Dot, "holds", "violated")
    assert [dot.role for dot in dots] == ["violated", "violated", "holds", "holds", "holds", "violated"]
    assert [dot.hollow for dot in dots] == [False, True, False, False, False, False]
    (floor,) = shapes(plot, Rule, "floor")
    assert floor.y1 == dots[2].y < dots[0].y < dots[5].y


def test_of_a_part_of_the_pictures_only_the_bounds_are_known() -> None:
    probe = {"metric": 0.5, "asked": 2, "n": 4, "ci95": None}
    assert known_share(probe) == (0.25, 0.75)
    assert known_share({**probe, "asked": 4, "ci95": [0.1, 0.9]}) == (0.1, 0.9)


@pytest.mark.parametrize(
    ("criterion", "floor"),
    [
        ({"type": "accuracy", "threshold": 0.9}, 0.9),
        ({"type": "drop", "threshold": 0.02}, 0.93),
        ({"type": "margin", "threshold": 0.5, "over": "all"}, 1.0),
        ({"type": "margin", "threshold": 0.5, "over": "quantile", "share": 0.8}, 0.8),
        ({"type": "prediction-unchanged", "over": "rate", "share": 0.25}, 0.75),
    ],
)
def test_the_least_metric_is_that_of_the_criterion(criterion: dict[str, Any], floor: float) -> None:
    whole = {"over": "all", "share": 1.0, "baseline": {"metric": 0.95}} | criterion
    assert floor_of({"criterion": whole}) == pytest.approx(floor)


def test_intervals_are_never_written_wider_than_they_are() -> None:
    assert between((-0.6069, 1.2869), 3) == "−0.606 to 1.286"
    assert between((0.1, 0.3), 3, "EV") == "0.100 to 0.300\u202fEV"
    axis = {"safe": [0.25, 3.99999], "searched": [0.25, 4.0], "open_ended": [True, False], "unit": ""}
    assert safe_text({**axis, "at_limit": [False, False]}) == "≤ 0.250 to 3.999"


def test_an_end_beyond_which_there_is_nothing_is_not_open(report: dict[str, Any]) -> None:
    blur = report["results"]["axis"][1]
    assert blur["at_limit"] == [True, False] and blur["open_ended"] == [True, False]
    assert safe_text(blur) == "0.000 to 0.800\u202fpx"
    assert report["results"]["axis"][0]["at_limit"] == [False, False]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00"), (-0.0001, "−0.000100"), (1234.5, "1234"), (12.34, "12.3"), (1e9, "1.00 × 10⁹"), (None, "–")],
)
def test_numbers_have_three_digits(value: float | None, text: str) -> None:
    assert rounded(value) == text
