"""A report as one HTML file with its figures inside: no script, and no other file or address.

Every name that a user can choose (of a study, a cell, a class, a file) is escaped.
"""

import base64
import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from study.reporting.document import Block, Picture, Section

_WORDS = ("better", "worse", "same", "undecided", "baseline", "failed", "pruned")
"""Texts of table cells that are coloured."""


def page(title: str, question: str, answer: str, parts: Sequence[Block | Section]) -> str:
    """Render the complete file; the same parts and pictures give the same text."""
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
        answer=answer,
        parts=[_template_data(part) for part in parts],
        words=_WORDS,
    )


def _code(text: str) -> Markup:
    """Escape a text, and mark what is between backticks as code, between double stars as strong."""
    # Escaped first: the tags are then the only markup.
    coded = re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", coded))


def _template_data(part: Block | Section) -> dict[str, object]:
    """Convert a block to plain data for the template."""
    kind = {"kind": type(part).__name__}
    if isinstance(part, Section):
        inner = [_template_data(block) for block in part.blocks]
        shape = {"level": part.level, "folded": part.folded}
        return {**kind, **shape, "title": part.title, "blocks": inner}
    if isinstance(part, Picture):
        content = base64.b64encode(part.file.read_bytes()).decode()
        form = "svg+xml" if part.file.suffix == ".svg" else "png"
        return {**kind, "caption": part.caption, "uri": f"data:image/{form};base64,{content}"}
    return {**kind, **part._asdict()}
