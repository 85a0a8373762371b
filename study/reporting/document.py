"""The content of a report, before it becomes Markdown or HTML.

Texts may contain `code` between backticks, and no other markup.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


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


class Picture(NamedTuple):
    """An image file, in the report's folder or beside it."""

    file: Path
    caption: str


Block = Prose | Points | Sheet | Picture


@dataclass(frozen=True)
class Section:
    """Blocks below a title.

    A section of level 3 belongs to the section of level 2 before it.
    """

    title: str
    blocks: list[Block] = field(default_factory=list)
    level: int = 2


Parts = list[Block | Section]


def markdown(blocks: Sequence[Block | Section], home: Path) -> str:
    """Render the blocks as Markdown, which ends with a newline.

    Args:
        blocks: the content, in order.
        home: the folder of the Markdown file, from which its links to pictures start.
    """
    return "\n\n".join(_part(block, home) for block in blocks) + "\n"


def _part(block: Block | Section, home: Path) -> str:
    match block:
        case Prose(text):
            return text
        case Points(texts):
            return "\n".join(f"- {text}" for text in texts)
        case Sheet(head, rows):
            lines = [head, ["---"] * len(head), *rows]
            return "\n".join("| " + " | ".join(_cell(x) for x in line) + " |" for line in lines)
        case Picture(file, caption):
            return f"![{caption}]({Path(os.path.relpath(file, home)).as_posix()})"
        case Section(title, inner, level):
            parts = [f"{'#' * level} {title}", *(_part(block, home) for block in inner)]
            return "\n\n".join(parts)


def _cell(text: str) -> str:
    # A bar or a line break would end the cell.
    return text.replace("|", "\\|").replace("\n", " ")
