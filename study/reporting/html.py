"""A report as one HTML file: tables, figures inside, no script, nothing from elsewhere.

Whatever a user can name (a study, a cell, a class, a file) is escaped.
"""

import base64
import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from study.reporting.document import Block, Picture, Section

_WORDS = ("better", "worse", "undecided", "baseline", "failed", "pruned")
"""Cells that are coloured."""


def page(title: str, question: str, parts: Sequence[Block | Section]) -> str:
    """The whole file; the same parts and pictures give the same text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {"code": _code, "plain": lambda text: text.replace("`", "")}
    return environment.get_template("report.html").render(
        title=title,
        question=question,
        parts=[_as_template_reads(part) for part in parts],
        words=_WORDS,
    )


def _code(text: str) -> Markup:
    """Escaped, with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))


def _as_template_reads(part: Block | Section) -> dict[str, object]:
    """A block as plain data, for the template."""
    kind = {"kind": type(part).__name__}
    if isinstance(part, Section):
        inner = [_as_template_reads(block) for block in part.blocks]
        return {**kind, "title": part.title, "level": part.level, "blocks": inner}
    if isinstance(part, Picture):
        content = base64.b64encode(part.file.read_bytes()).decode()
        form = "svg+xml" if part.file.suffix == ".svg" else "png"
        return {**kind, "caption": part.caption, "uri": f"data:image/{form};base64,{content}"}
    return {**kind, **part._asdict()}
