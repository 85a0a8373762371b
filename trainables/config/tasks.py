"""The section ``task`` of a trial's configuration: what a network predicts, and with which losses.

Without it a network segments, ``task/tasks=semseg``, and nothing here is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from trainables.config.validation import Value, names_in_order, require, require_choices

TaskName = Literal["semseg", "edge", "depth", "normals", "saliency", "parts"]
TASKS: tuple[TaskName, ...] = get_args(TaskName)
"""In the order of InverseForm's tables, which a config's tasks have, too."""
TARGETS: tuple[TaskName, ...] = TASKS[1:]
"""The maps that a sample may have beside its labels."""
_CHANNELS: Mapping[TaskName, int] = {"edge": 1, "depth": 1, "normals": 3, "saliency": 1}
Variant = Literal["paper", "released"]
Channels = tuple[tuple[TaskName, int], ...]
"""Tasks and the channels of their maps."""


class NetworkTasks(NamedTuple):
    """What a network predicts. It is hashable, because sizes and reports of networks are cached."""

    main: Channels
    auxiliary: Channels = ()
    """Those of ``task/auxiliary``."""
    variant: Variant = "paper"

    @property
    def channels(self) -> dict[TaskName, int]:
        """Of its output."""
        return dict(self.main)

    @property
    def initial(self) -> dict[TaskName, int]:
        """Of its initial predictions, if it has any: all tasks in the order of ``TASKS``."""
        both = dict((*self.main, *self.auxiliary))
        return {name: both[name] for name in TASKS if name in both}

    @property
    def further(self) -> dict[TaskName, int]:
        """Of its output, but for the segmentation."""
        return {name: count for name, count in self.main if name != "semseg"}

    @property
    def segments(self) -> bool:
        """Whether the output has class logits."""
        return "semseg" in self.channels


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskConfig:
    """The tasks of one network, their weights and their losses (InverseForm, section 4.2).

    The default weights are those of the public code behind its Tables 1 and 3 (MTI-Net, ASTMT).
    """

    tasks: str = "semseg"
    """What the network predicts, such as ``semseg,edge,depth,normals``; a head each."""

    auxiliary: str = ""
    """Further tasks, such as ``edge,normals``, that ``pad_net`` and ``mti_net`` predict initially
    only: they are trained, help the others, and are no output."""

    semseg: float = 1.0
    """Weight of the cross-entropy of ``loss/xe``; the other losses have their own in ``loss``."""

    edge: float = 50.0
    """Weight of the edge task, whose mean over all pixels is small."""

    depth: float = 1.0
    """Weight of the depth task."""

    normals: float = 10.0
    """Weight of the surface normals."""

    saliency: float = 5.0
    """Weight of the saliency task."""

    parts: float = 2.0
    """Weight of the human parts."""

    initial: float = 1.0
    """Factor of these weights for the initial predictions of a network that has them (PAD-Net,
    MTI-Net); 0: none are trained by themselves."""

    weighting: Literal["fixed", "uncertainty", "dwa"] = "fixed"
    """``fixed``: the weights as they are; ``uncertainty``: multiplied by learnt ones (Kendall et
    al., CVPR 2018); ``dwa``: by the change of each loss over epochs (Liu et al., CVPR 2019)."""

    dwa_temperature: float = 2.0
    """T of ``dwa``: large ones make the weights equal."""

    edge_balance: float = 0.95
    """Weight of an edge pixel in the edge task's cross-entropy; the others have 1 minus it."""

    depth_loss: Literal["l1", "berhu"] = "l1"
    """Of the depth: the absolute error, or the reverse Huber loss (Laina et al., 3DV 2016)."""

    normals_loss: Literal["l1", "cosine"] = "l1"
    """Of unit vectors: the absolute difference of coordinates, or 1 minus the cosine."""

    boundary_on: Literal["semseg", "edge"] = "semseg"
    """Which head the boundary losses of classes (``w_a``, ``lambda_1``, ``bl``, ...) see: the
    segmentation, or the edge task as two classes. InverseForm's are always on the edge task, where
    there is one."""

    variant: Variant = "paper"
    """Which reading to use where the public code of a network or loss differs from its paper."""

    def __post_init__(self) -> None:
        require_choices(self, "task")
        allowed = f"one or more of {','.join(TASKS)}, in this order"
        known = self.names and self.tasks == ",".join(self.names)
        require(bool(known), "task/tasks", allowed, self.tasks)
        others = [name for name in TASKS if name not in self.names]
        allowed = f"'' or some of {','.join(others)}, in this order"
        known = self.auxiliary == ",".join(self.auxiliary_names)
        require(known, "task/auxiliary", allowed, self.auxiliary)
        for name in (*TASKS, "initial"):
            weight = getattr(self, name)
            require(0 <= weight < float("inf"), f"task/{name}", "a finite number >= 0", weight)
        hot = 0 < self.dwa_temperature < float("inf")
        require(hot, "task/dwa_temperature", "a finite number > 0", self.dwa_temperature)
        balanced = 0 <= self.edge_balance <= 1
        require(balanced, "task/edge_balance", "in [0, 1]", self.edge_balance)
        edges = self.boundary_on == "semseg" or "edge" in self.names
        require(edges, "task/boundary_on", "semseg without the task edge", self.boundary_on)

    @property
    def names(self) -> tuple[TaskName, ...]:
        """The tasks, in the order of ``TASKS``."""
        return tuple(name for name in TASKS if name in self.tasks.split(","))

    @property
    def auxiliary_names(self) -> tuple[TaskName, ...]:
        """Those that are predicted initially only, in the order of ``TASKS``."""
        further = self.auxiliary.split(",")
        return tuple(name for name in TASKS if name in further and name not in self.names)

    @property
    def only_segments(self) -> bool:
        """Whether segmentation is the one task, as in a study without any of this."""
        return self.names == ("semseg",) and not self.auxiliary

    @property
    def in_words(self) -> str:
        """The tasks with their weights, as a plan shows them."""
        own = ", ".join(f"{name} {getattr(self, name):g}" for name in self.names)
        varied = "" if self.weighting == "fixed" else f", varied by {self.weighting}"
        initially = self.auxiliary.replace(",", ", ")
        return f"{own}{varied}" + (f"; initially also {initially}" if initially else "")

    def of_network(self, num_classes: int, num_parts: int = 0) -> NetworkTasks | None:
        """What a network for these data predicts; None for segmentation alone."""
        if self.only_segments:
            return None
        named = num_parts > 0 or "parts" not in (*self.names, *self.auxiliary_names)
        require(named, "task/tasks", "without parts, of which the data name none", self.tasks)
        own = {**_CHANNELS, "semseg": num_classes, "parts": num_parts}
        main, auxiliary = (
            tuple((name, own[name]) for name in names)
            for names in (self.names, self.auxiliary_names)
        )
        return NetworkTasks(main, auxiliary, self.variant)


def tasks_in(config: Mapping[str, Value]) -> tuple[TaskName, ...]:
    """The tasks of a config by path; one of an older version names none, and segments."""
    named = str(config.get("task/tasks", "semseg")).split(",")
    return tuple(name for name in TASKS if name in named)


def parse_targets(text: str) -> tuple[TaskName, ...]:
    """The maps of ``data/targets``, in the order of ``TARGETS``; "": none.

    Raises:
        ValueError: an unknown name, one given twice, or another order.
    """
    return names_in_order("data/targets", text, TARGETS)
