"""The content of a report, before it becomes Markdown or HTML.

Texts may contain `code` between backticks, and no other markup.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from cluster.safe_text import printable

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
"""What Markdown takes for the beginning of HTML or of a link; ``p < 0.05`` is neither."""
_LINK = re.compile(r"\]\(")


class Prose(NamedTuple):
    """A paragraph."""

    text: str


class Points(NamedTuple):
    """A bulleted list."""

    texts: list[str]


class Sheet(NamedTuple):
    """A table."""

    head: list[str]
    rows: list[list[str]]


class Code(NamedTuple):
    """Lines to copy, of a program."""

    text: str


class Picture(NamedTuple):
    """An image file, in the report's folder or beside it."""

    file: Path
    caption: str


Block = Prose | Points | Sheet | Code | Picture


@dataclass(frozen=True)
class Section:
    """Blocks below a title.

    A section of level 3 belongs to the section of level 2 before it.
    """

    title: str
    blocks: list[Block] = field(default_factory=list)
    level: int = 2
    folded: bool = False
    """Whether a page shows only the title until it is opened; Markdown shows all."""


Parts = list[Block | Section]


def details(parts: Parts) -> Parts:
    """What a reader may skip, below one heading; each section is folded, on one level.

    Blocks outside a section belong to the section before them.
    """
    sections: list[Section] = []
    for part in parts:
        if isinstance(part, Section):
            sections.append(replace(part, level=3, folded=True))
        else:
            sections[-1] = replace(sections[-1], blocks=[*sections[-1].blocks, part])
    return [Section("Details"), *sections] if sections else []


def markdown(blocks: Sequence[Block | Section], home: Path) -> str:
    """Render the blocks as Markdown, which ends with a newline.

    Args:
        blocks: the content, in order.
        home: the folder of the Markdown file, from which its links to pictures start.
    """
    return "\n\n".join(_part(block, home) for block in blocks) + "\n"


def literal(text: str) -> str:
    """The text with neither HTML nor links, whatever a user named so; `code` stays code."""
    runs = re.findall("`+", text)
    is_code = len(runs) % 2 == 0 and set(runs) <= {"`"}  # else a reader may see no code at all
    pieces = text.split("`")
    for place, piece in enumerate(pieces):
        if place % 2 == 0 or not is_code:
            pieces[place] = _LINK.sub(r"]\\(", _TAG.sub("&lt;", piece))
    lines = "`".join(pieces).split("\n")
    return "\n".join(printable(line) for line in lines)


def _part(block: Block | Section, home: Path) -> str:
    match block:
        case Prose(text):
            return literal(text)
        case Points(texts):
            return "\n".join(f"- {literal(text)}" for text in texts)
        case Sheet(head, rows):
            lines = [head, ["---"] * len(head), *rows]
            return "\n".join("| " + " | ".join(_cell(x) for x in line) + " |" for line in lines)
        case Code(text):
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
            return f"{fence}python\n{text.rstrip()}\n{fence}"
        case Picture(file, caption):
            return f"![{literal(caption)}]({Path(os.path.relpath(file, home)).as_posix()})"
        case Section(title, inner, level):
            parts = [f"{'#' * level} {literal(title)}", *(_part(block, home) for block in inner)]
            return "\n\n".join(parts)


def _cell(text: str) -> str:
    # A bar or a line break would end the cell.
    return literal(text).replace("|", "\\|").replace("\n", " ")
