"""The table, the chart and the record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from bench import chart, report
from bench.load import Round

if TYPE_CHECKING:
    from pathlib import Path

_SVG = "{http://www.w3.org/2000/svg}"


def _rounds(*cpu_us: float, bad: int = 0) -> dict[str, list[Round]]:
    return {"small": [Round(c, 1000, bad, 500.0, 900, 3000) for c in cpu_us]}


def _result() -> report.Result:
    result = report.Result(machine={"processor": "one"}, settings={"rounds": 2})
    result.subjects = [
        report.SubjectResult("slow", "Slow <& sure>", rounds=_rounds(600.0, 900.0)),
        report.SubjectResult("nginx", "nginx", rounds=_rounds(20.0, 30.0)),
        report.SubjectResult("cloakroom", "Cloakroom", rounds=_rounds(80.0, 120.0)),
        report.SubjectResult("gone", "Gone", not_run="no such package"),
    ]
    return result


def test_lines_are_ordered_and_divided_by_nginx() -> None:
    """Cheapest first; each round over nginx's round of the same number."""
    ordered = report.lines(_result(), "small")
    assert [(line.slug, line.times_yardstick) for line in ordered] == [
        ("nginx", 1.0),
        ("cloakroom", 4.0),
        ("slow", 30.0),
    ]


def test_a_subject_that_could_not_run_is_named_with_its_reason() -> None:
    """Nobody vanishes from a comparison silently."""
    assert report.absences(_result()) == ["Gone: not measured here: no such package"]


def test_a_figure_with_bad_answers_says_that_it_does_not_count() -> None:
    """The table cannot be misread."""
    result = _result()
    result.subjects[2].rounds = _rounds(1.0, 1.0, bad=3)
    [cheat] = [row for row in report.table(result, "small").splitlines() if "Cloak" in row]
    assert cheat.endswith("6 DOES NOT COUNT")


def test_without_nginx_there_are_figures_and_no_ratios() -> None:
    """A run of one peer alone still prints."""
    result = _result()
    del result.subjects[1]
    assert [line.times_yardstick for line in report.lines(result, "small")] == [0.0, 0.0]
    assert "120" in report.table(result, "small")


def test_record_holds_every_round(tmp_path: Path) -> None:
    """The JSON is enough to compute everything again."""
    report.write_json(_result(), tmp_path / "deep" / "figures.json")
    kept = json.loads((tmp_path / "deep" / "figures.json").read_text())
    assert [r["cpu_us"] for r in kept["subjects"][2]["rounds"]["small"]] == [80.0, 120.0]
    assert kept["machine"] == {"processor": "one"}


def test_chart_is_an_svg_with_a_labelled_bar_for_each_subject() -> None:
    """Well formed whatever a title holds, lengths in proportion, ours marked."""
    svg = chart.draw(report.lines(_result(), "small"), title="Time & <cost>", caption="c")
    root = ET.fromstring(svg)
    bars = root.findall(f"{_SVG}rect")
    assert [bar.get("class") for bar in bars] == ["bar", "bar ours", "bar"]
    widths = [float(bar.get("width") or 0) for bar in bars]
    assert round(widths[2] / widths[1], 1) == 7.5
    labels = " ".join(text.text or "" for text in root.findall(f"{_SVG}text"))
    assert "Slow <& sure>" in labels
    assert "100 µs · 4.0 ×" in labels
    assert "prefers-color-scheme: dark" in svg
