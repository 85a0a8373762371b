"""What networks with a head for each task share.

Shape letters: B images, C channels of a task's map, D features, K classes, h rows, w columns.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

from trainables.config.tasks import NetworkTasks, TaskName
from trainables.networks.network import Network, Output


class Host(Network):
    """A network that predicts several tasks with heads of its own."""

    classifiers = ()

    def __init__(self, num_classes: int, tasks: NetworkTasks | None) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.predicted = tasks or NetworkTasks((("semseg", num_classes),))
        self.tasks = frozenset(self.predicted.channels)

    def output(
        self,
        maps: Mapping[TaskName, Tensor],
        features_BDhw: Tensor,
        initial: tuple[Mapping[TaskName, Tensor], ...] = (),
    ) -> Output:
        """Its ``Output``, from the maps (B,C,h,w) of all tasks; zeros for classes that are none of
        them."""
        others: dict[TaskName, Tensor] = {
            name: map_BChw for name, map_BChw in maps.items() if name != "semseg"
        }
        if "semseg" in maps:
            logits_BKhw = maps["semseg"]
        else:
            batch, _, *size = features_BDhw.shape
            logits_BKhw = features_BDhw.new_zeros(batch, self.num_classes, *size)
        return Output(logits_BKhw, features_BDhw, tasks=others, initial=initial)

    def initial(
        self, levels: Sequence[Mapping[TaskName, Tensor]]
    ) -> tuple[dict[TaskName, Tensor], ...]:
        """Initial predictions of each level's features, by the heads that only training uses."""
        if self.auxiliary is None or not self.training:
            return ()
        return tuple(
            {name: heads.get_submodule(name)(x_BDhw) for name, x_BDhw in level.items()}
            for heads, level in zip(self.auxiliary, levels, strict=True)
        )

    def of_main(self, features: Mapping[TaskName, Tensor]) -> Tensor:
        """The features of the segmentation, or of the first task, which a boundary head reads."""
        first, *_ = self.predicted.channels
        return features["semseg" if "semseg" in features else first]
