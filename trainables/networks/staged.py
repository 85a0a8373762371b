"""An encoder's stages one by one, so that something can happen between them.

timm takes a second to import; see ``network.py``.
"""

from torch import nn


def stages_of(body: nn.Module) -> list[nn.Sequential]:
    """What a timm model of features computes from one feature map to the next, the stem first.

    Args:
        body: of ``timm.create_model(.., features_only=True)``.

    Returns:
        One for each feature map, in their order; none for a model whose stages are no chain.
    """
    from timm.models._features import FeatureListNet
    from timm.models.efficientnet import EfficientNetFeatures
    from timm.models.mobilenetv3 import MobileNetV3Features

    if isinstance(body, FeatureListNet):
        return _cut(dict(body.items()), set(body.return_layers))
    if isinstance(body, EfficientNetFeatures | MobileNetV3Features) and body.feature_hooks is None:
        stem = {name: module for name, module in body.named_children() if name != "blocks"}
        blocks = {f"blocks.{number}": block for number, block in enumerate(body.blocks)}
        return _cut({**stem, **blocks}, set(body.feature_info.module_name()))
    return []


def _cut(modules: dict[str, nn.Module], ends: set[str]) -> list[nn.Sequential]:
    stages: list[nn.Sequential] = []
    since: list[nn.Module] = []
    for name, module in modules.items():
        since.append(module)
        if name in ends:
            stages.append(nn.Sequential(*since))
            since = []
    return stages
