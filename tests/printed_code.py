"""Code that a page of the documentation prints."""

from pathlib import Path


def code(page: Path, first: str) -> str:
    """The indented block of a page that begins with this line; empty lines belong to it."""
    lines = page.read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line == f"    {first}")
    block = []
    for line in lines[begin:]:
        if line and not line.startswith("    "):
            break
        block.append(line.removeprefix("    "))
    return "\n".join(block)
