"""A grid of ours: do edge losses help the tasks that share a network with the edges?

InverseForm (4.1, 4.2) adds its term to the edge task's loss of networks of several tasks, and does
not print its weight; here it is that of the released code for plain segmentation.
"""

from search_spaces.grid import Cell, Changes, Grid

PAPER: Changes = {"loss/beta": 0.3, "loss/gamma": 0.3, "loss/tile_reduction": "mean"}
"""InverseForm on a boundary head; with the defaults of ``inverse_net`` the paper's network, nothing
added."""
ON_EDGES: Changes = {"loss/gamma": 0.3, "loss/tile_reduction": "mean"}
"""InverseForm's term beside the edge task's own cross-entropy, which takes the place of beta's."""
_TWO, _FOUR = "semseg,edge", "semseg,edge,depth,normals"


def _single(name: str, task: str) -> Cell:
    """The network of one task, which others are compared with in Delta_m."""
    return Cell(name=name, changes={"task/tasks": task}, against="" if name == "S" else name)


def _several(name: str, tasks: str) -> tuple[Cell, Cell]:
    """A network of several tasks, and the same with InverseForm on its edges."""
    changes: Changes = {"task/tasks": tasks}
    return (
        Cell(name=name, changes=changes, against=name),
        Cell(name=f"{name}, InverseForm", changes={**changes, **ON_EDGES}, against=name),
    )


TASKS = Grid(
    name="tasks",
    question="Do the edge losses help the other tasks of a network?",
    source="ours, after InverseForm (Borse et al., CVPR 2021), Tables 1 and 3",
    baseline="S",
    cells=(
        _single("S", "semseg"),
        _single("E", "edge"),
        _single("D", "depth"),
        _single("N", "normals"),
        *_several("S+E", _TWO),
        *_several("S+E+D+N", _FOUR),
    ),
)
"""S: segmentation, E: edges, D: depth, N: surface normals."""

GRIDS = (TASKS,)
