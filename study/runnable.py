"""What a cell lacks here, in words."""

from search_spaces import Cell
from trainables.config import TrialConfig, field_types


def missing(cell: Cell, base: TrialConfig) -> str:
    """Why the cell cannot be run, for a person to read; "" if it can.

    Raises:
        ValueError: its changes are no config, by a value or by how they go together.
    """
    if cell.needs:
        return cell.needs
    unknown = [path for path in cell.changes if path not in field_types()]
    if unknown:
        return f"the config field {unknown[0]}, which this version does not have"
    base.changed(cell.changes)
    return ""
