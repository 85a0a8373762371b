"""Where each network comes from, by family. It needs no torch, so that a list is quick."""

from collections.abc import Mapping

_SMP = "as segmentation-models-pytorch builds it, on model/encoder"

FAMILIES: Mapping[str, Mapping[str, str]] = {
    "decoders on an encoder": {
        "unet": f"U-Net (Ronneberger et al., MICCAI 2015), {_SMP}",
        "unetplusplus": f"U-Net++ (Zhou et al., DLMIA 2018), {_SMP}",
        "linknet": f"LinkNet (Chaurasia and Culurciello, VCIP 2017), {_SMP}",
        "manet": f"MA-Net (Fan et al., IEEE Access 2020), {_SMP}",
        "fpn": f"FPN (Kirillov et al., CVPR 2019), {_SMP}",
        "fpn_small": "the same FPN with 64 channels everywhere, for training on a CPU",
        "pan": f"PAN (Li et al., BMVC 2018), {_SMP}",
        "pspnet": f"PSPNet (Zhao et al., CVPR 2017), {_SMP}",
        "deeplabv3": f"DeepLabV3 (Chen et al., arXiv 1706.05587), {_SMP}",
        "deeplabv3plus": f"DeepLabV3+ (Chen et al., ECCV 2018), {_SMP}",
        "upernet": f"UPerNet (Xiao et al., ECCV 2018), {_SMP}",
        "segformer": f"SegFormer (Xie et al., NeurIPS 2021), {_SMP}",
        "segformer_hf": "SegFormer, as transformers builds it, on mit_b0 to mit_b5",
        "dpt": f"DPT (Ranftl et al., ICCV 2021), {_SMP}",
    },
    "of the papers' tables": {
        "deeplabv2_r101": "DeepLab v2 (Chen et al., TPAMI 2018): SEMEDA's",
        "deeplabv3_r50": "DeepLabV3 on ResNet-50, with its auxiliary head: ABL's",
        "deeplabv3plus_r101": "DeepLabV3+ on ResNet-101",
        "pspnet_r101": "PSPNet on ResNet-101, with its auxiliary head: AR's",
        "upernet_swin_t": "UPerNet on Swin-T (Liu et al., ICCV 2021): ABL's",
        "upernet_swin_s": "UPerNet on Swin-S",
        "upernet_swin_b": "UPerNet on Swin-B",
        "hrnet_w18": "HRNetV2-W18 (Wang et al., TPAMI 2020): InverseForm's",
        "hrnet_w18s": "HRNetV2-W18-Small-v2",
        "hrnet_w48": "HRNetV2-W48: InverseForm's",
        "hrnet_w48_ocr": "OCR (Yuan et al., ECCV 2020) on HRNetV2-W48: ABL's and InverseForm's",
        "refinenet_lw_50": "RefineNet-LW (Nekrasov et al., BMVC 2018) on ResNet-50: AR's",
        "refinenet_lw_101": "RefineNet-LW on ResNet-101",
        "refinenet_lw_152": "RefineNet-LW on ResNet-152: AR's",
        "icnet_r50": "ICNet (Zhao et al., ECCV 2018), all layers at full width: AR's",
    },
    "small": {
        "tiny": "ours: a U-Net of model/width channels",
        "lraspp": "LR-ASPP (Howard et al., ICCV 2019) on MobileNetV3-Large",
    },
    "of several tasks": {
        "mtl_baseline": "a head for each task (Vandenhende et al., TPAMI 2021), on model/encoder",
        "pad_net": "PAD-Net (Xu et al., CVPR 2018), on model/encoder",
        "mti_net": "MTI-Net (Vandenhende et al., ECCV 2020), on model/encoder",
        "astmt_modulated": "ASTMT's network (Maninis et al., CVPR 2019), on model/encoder",
        "astmt_unmodulated": "the same, tasks apart in batch norms and the last layer only",
    },
    "of several scales": {
        "hms_hrnet_w48_ocr": "HMS (Tao et al., arXiv 2005.10821) on OCR: InverseForm's",
        "hms": "the same attention on the FPN of model/encoder",
    },
    "of two inputs": {
        "sa_gate_r101": "SA-Gates (Chen et al., ECCV 2020) on two ResNet-101: InverseForm's",
        "sa_gate": "the same gates between two encoders of model/encoder",
    },
    "with a stream of shapes": {
        "gscnn_wrn38": "GSCNN (Takikawa et al., ICCV 2019) on WideResNet-38: InverseForm's",
        "gscnn": "the same shape stream and decoder, on model/encoder",
    },
    "that follow an object through films": {
        "stm": "STM (Oh et al., ICCV 2019) on ResNet-50: ABL's",
        "stm_small": "ours: a narrower STM, on model/encoder",
    },
}
"""By family and ``model/network``, its paper, and which of the four papers uses it."""
