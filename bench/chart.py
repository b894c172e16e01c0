"""The chart of the README: bars of processor time a request, drawn by hand as SVG.

One hue for the peers and the accent for us, every bar labelled, so that neither colour nor a scale
has to be read; colours follow the reader's light or dark scheme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.report import Line

OURS = "cloakroom"
_WIDTH = 760
_LABELS = 270
_FIGURES = 140
_TOP = 62
_STEP = 34
_BAR = 18
_MIN_BAR = 2.0

_STYLE = """\
svg { font: 13px system-ui, sans-serif; }
.title { font-size: 15px; font-weight: 600; }
text { fill: #1f2328; } .quiet { fill: #59636e; }
.bar { fill: #8c96a3; } .ours { fill: #1f6feb; } .axis { stroke: #d1d9e0; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .quiet { fill: #9198a1; }
  .bar { fill: #6e7681; } .ours { fill: #58a6ff; } .axis { stroke: #3d444d; }
}"""


def draw(lines: Sequence[Line], *, title: str, caption: str) -> str:
    """Return an SVG with a bar for each of *lines*, in their order.

    Raises:
        ValueError: nothing to draw.
    """
    if not lines:
        raise ValueError("nothing to draw")
    longest = max(line.cpu_us.median for line in lines)
    height = _TOP + _STEP * len(lines) + 14
    described = "; ".join(f"{line.title} {_figure(line)}" for line in lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"',
        f'width="{_WIDTH}" height="{height}" role="img" aria-labelledby="t d">',
        f'<title id="t">{escape(title)}</title>',
        f'<desc id="d">{escape(described)}</desc>',
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="16" y="24">{escape(title)}</text>',
        f'<text class="quiet" x="16" y="45">{escape(caption)}</text>',
        f'<line class="axis" x1="{_LABELS}" y1="{_TOP - 4}" x2="{_LABELS}" y2="{height - 10}"/>',
        *(_bar(line, place, longest) for place, line in enumerate(lines)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bar(line: Line, place: int, longest: float) -> str:
    room = _WIDTH - _LABELS - _FIGURES
    length = max(_MIN_BAR, room * line.cpu_us.median / longest)
    top = _TOP + _STEP * place
    middle = top + _BAR - 4
    kind = "bar ours" if line.slug == OURS else "bar"
    return (
        f'<text x="{_LABELS - 10}" y="{middle}" text-anchor="end">{escape(line.title)}</text>'
        f'<rect class="{kind}" x="{_LABELS}" y="{top}" width="{length:.1f}" height="{_BAR}"/>'
        f'<text x="{_LABELS + length + 8:.1f}" y="{middle}">{_figure(line)}</text>'
    )


def _figure(line: Line) -> str:
    ratio = f" · {line.times_yardstick:.1f} ×" if line.times_yardstick else ""
    return f"{line.cpu_us.median:,.0f} µs{ratio}"
