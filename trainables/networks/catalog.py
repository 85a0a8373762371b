"""Every value of ``model/network``."""

from collections.abc import Callable
from functools import partial

from trainables.networks.decoders import DECODERS, Smp
from trainables.networks.dilated import DeepLabV2, DeepLabV3, DeepLabV3Plus, PSPNet
from trainables.networks.dpt import DPT
from trainables.networks.gscnn import GSCNN, EncoderTrunk, WideTrunk
from trainables.networks.hms import HMSHRNetOCR, HMSOnEncoder
from trainables.networks.hrnet import HRNet, HRNetOCR
from trainables.networks.icnet import ICNet
from trainables.networks.multi_task.astmt import ModulatedDeepLab
from trainables.networks.multi_task.baseline import MTLBaseline
from trainables.networks.multi_task.mti_net import MTINet
from trainables.networks.multi_task.pad_net import PADNet
from trainables.networks.network import Network
from trainables.networks.refinenet import RefineNetLW
from trainables.networks.sa_gate import SAGateNetwork, SAGateResNet
from trainables.networks.segformer_hf import SegformerHF
from trainables.networks.small import LRASPP, Tiny
from trainables.networks.stm.network import STM
from trainables.networks.stm.small import SmallSTM
from trainables.networks.upernet import UPerNet

_SWIN = "swin_{}_patch4_window{}_{}"
NETWORKS: dict[str, Callable[..., Network]] = {
    "tiny": Tiny,
    **dict.fromkeys(DECODERS, Smp),
    "dpt": DPT,
    "segformer_hf": SegformerHF,
    "lraspp": LRASPP,
    "deeplabv2_r101": partial(DeepLabV2, resnet="resnet101"),
    "deeplabv3_r50": partial(DeepLabV3, resnet="resnet50"),
    "deeplabv3plus_r101": partial(DeepLabV3Plus, resnet="resnet101"),
    "pspnet_r101": partial(PSPNet, resnet="resnet101"),
    "upernet_swin_t": partial(UPerNet, swin=_SWIN.format("tiny", 7, 224)),
    "upernet_swin_s": partial(UPerNet, swin=_SWIN.format("small", 7, 224)),
    "upernet_swin_b": partial(UPerNet, swin=_SWIN.format("base", 7, 224)),
    "hrnet_w18": partial(HRNet, name="hrnet_w18"),
    "hrnet_w18s": partial(HRNet, name="hrnet_w18_small_v2"),
    "hrnet_w48": partial(HRNet, name="hrnet_w48"),
    "hrnet_w48_ocr": partial(HRNetOCR, name="hrnet_w48"),
    "hms_hrnet_w48_ocr": partial(HMSHRNetOCR, name="hrnet_w48"),
    "hms": HMSOnEncoder,
    "refinenet_lw_50": partial(RefineNetLW, resnet="resnet50"),
    "refinenet_lw_101": partial(RefineNetLW, resnet="resnet101"),
    "refinenet_lw_152": partial(RefineNetLW, resnet="resnet152"),
    "icnet_r50": partial(ICNet, resnet="resnet50"),
    "sa_gate": SAGateNetwork,
    "sa_gate_r101": SAGateResNet,
    "gscnn": partial(GSCNN, trunk=EncoderTrunk),
    "gscnn_wrn38": partial(GSCNN, trunk=WideTrunk),
    "mtl_baseline": MTLBaseline,
    "pad_net": PADNet,
    "mti_net": MTINet,
    "astmt_modulated": ModulatedDeepLab,
    "astmt_unmodulated": partial(ModulatedDeepLab, modulated=False),
    "stm": partial(STM, encoder="resnet50"),
    "stm_small": SmallSTM,
}
"""``model/network`` -> what builds it of a config and a number of classes; see ``first_layer.py``
for ``pixels`` and ``tasks``, which it may take."""
