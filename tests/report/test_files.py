"""The files of a report beside its JSON: PDF and CSV, from the JSON alone."""

from __future__ import annotations

import copy
import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from driftlab.report.canonical import readable
from driftlab.report.content import content_of
from driftlab.report.html import html_of
from driftlab.report.pdf import ROWS, pdf_of
from driftlab.report.read import read_report
from driftlab.report.tables import tables_of
from driftlab.report.write import write_report
from tests.report.planted import ARGV, FILES, tolerance


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return json.loads(readable(content_of(tolerance(), files=FILES, argv=ARGV)))  # type: ignore[no-any-return]


def pages(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    texts = [page.get_textpage().get_text_range().replace("\r\n", " ") for page in document]
    document.close()
    return texts


def rows(table: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.decode())))


def test_all_files_are_written_and_follow_from_the_json(tmp_path: Path) -> None:
    path = write_report(tmp_path / "out", tolerance(), files=FILES, argv=ARGV)
    report, folder = read_report(path), path.parent
    names = {"axis.csv", "probes.csv", "joint.csv", "nominal.csv", "counterexamples.csv"}
    assert {each.name for each in folder.iterdir()} == {"report.json", "report.html", "report.pdf", "tables"}
    assert {each.name for each in (folder / "tables").iterdir()} == names
    assert (folder / "report.html").read_bytes() == html_of(report)
    assert (folder / "report.pdf").read_bytes() == pdf_of(report)
    for name, table in tables_of(report).items():
        assert (folder / "tables" / name).read_bytes() == table


def test_the_pdf_says_what_the_page_says(report: dict[str, Any]) -> None:
    texts = pages(pdf_of(report))
    whole = " ".join(texts)
    told = ["Tolerance report: planted", "The intervals are not jointly valid.", "holds-on-samples", "1.250 to 2.000"]
    told += ["held again in 1.400 to 1.600", "a becomes c", "mu_e.sat (EMVA 1288)", "−0.125", "× nominal"]
    for words in told:
        assert words in whole, words
    assert all(f"Page {number}" in text for number, text in enumerate(texts, 1)) and len(texts) > 2
    assert pdf_of(report) == pdf_of(copy.deepcopy(report))


def test_every_page_has_something_on_it_and_nothing_beyond_its_edge(report: dict[str, Any]) -> None:
    document = pypdfium2.PdfDocument(pdf_of(report))
    for page in document:
        pixels = page.render(scale=0.5).to_numpy()[..., :3]
        ink = pixels.min(2) < 200
        columns = ink.any(0).nonzero()[0]
        assert ink.mean() > 0.003
        margin = 0.06 * pixels.shape[1]
        assert margin < columns.min() and columns.max() < pixels.shape[1] - margin
    document.close()


def test_characters_that_the_font_lacks_are_told_by_number(report: dict[str, Any]) -> None:
    odd = copy.deepcopy(report)
    odd["model"]["name"] = "中<b>\x00&amp;"
    assert "[U+4E2D]<b>[U+0000]&amp;" in " ".join(pages(pdf_of(odd)))


def test_very_long_contents_still_make_a_pdf(report: dict[str, Any]) -> None:
    long = copy.deepcopy(report)
    long["model"]["classes"] = [f"class {number}" for number in range(1000)]
    long["counterexamples"][0]["name"] = "x" * 100_000
    long["replay"]["argv"] = ["tolerance", *(f"picture-{number}.dng" for number in range(3000))]
    long["data"]["pictures"] *= 100
    whole = " ".join(pages(pdf_of(long)))
    assert "and 960 more" in whole and f"{300 - ROWS} more rows" in whole


def test_the_tables_hold_the_numbers_of_the_report(report: dict[str, Any]) -> None:
    tables = tables_of(report)
    axes = rows(tables["axis.csv"])
    assert [row["param"] for row in axes] == [axis["param"] for axis in report["results"]["axis"]]
    red = next(row for row in axes if row["param"] == "white_balance.r")
    assert (float(red["safe_low"]), float(red["safe_high"])) == (1.25, 2.0)
    assert (red["fails_low"], red["open_low"], red["not_jointly_valid"]) == ("1.2", "false", "true")
    assert next(row for row in axes if row["param"] == "exposure.ev")["fails_low"] == ""
    assert next(row for row in axes if row["param"] == "optics.blur")["gaps"] == "1.4 to 1.6"
    probes = [row for row in rows(tables["probes.csv"]) if row["param"] == "white_balance.r"]
    assert [float(row["position"]) for row in probes] == [1.0, 1.2, 1.25, 1.7, 2.0, 2.5]
    assert [row["ci95_low"] for row in probes[:3]] == ["0.3", "", "0.3"]
    assert [row["safe_high"] for row in rows(tables["joint.csv"])] == ["0.4", "1.875"]
    assert [row["sha256"] for row in rows(tables["nominal.csv"])] == [f"{index:064d}" for index in range(3)]
    examples = rows(tables["counterexamples.csv"])
    assert len(examples) == 5 and json.loads(examples[0]["at"]) == {"optics.blur": 0.85}


def test_a_table_without_rows_has_its_header() -> None:
    tables = tables_of(content_of(tolerance(joint=None, axes=()), files=FILES, argv=ARGV))
    assert rows(tables["joint.csv"]) == [] and tables["joint.csv"].startswith(b"param,unit")


def test_no_name_is_taken_for_a_formula() -> None:
    planted = tolerance()
    nominal = replace(planted.nominals[0], truth="=1+1", answer='a,"b"\n')
    table = tables_of(content_of(tolerance(nominals=(nominal, *planted.nominals[1:])), files=FILES, argv=ARGV))[
        "nominal.csv"
    ]
    assert rows(table)[0]["truth"] == "'=1+1" and rows(table)[0]["answer"] == 'a,"b"\n'
