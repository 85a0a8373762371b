"""Where each term of a loss comes from, by family. It needs no torch, so that a list is quick."""

from collections.abc import Mapping

FAMILIES: Mapping[str, Mapping[str, str]] = {
    "of the four papers": {
        "cross_entropy": "loss/xe; with loss/class_weights as in GSCNN and InverseForm's code",
        "boundary_cross_entropy": "InverseForm (Borse et al., CVPR 2021), Eq. 6: loss/beta",
        "inverse_form": "InverseForm, Eq. 6: loss/gamma",
        "boundary_correlation": "ours, of a rival named in InverseForm 3.1: loss/correlation",
        "edge_attention": "GSCNN (Takikawa et al., ICCV 2019); in InverseForm's code, too",
        "active_boundary": "Active Boundary Loss (Wang et al., AAAI 2022), Eq. 4: loss/w_a",
        "full_divergence": "Active Boundary Loss, Eq. 7: loss/fkl",
        "edge": "SEMEDA (Chen et al., 2019), Table 1: loss/lambda_1 to lambda_3",
        "affinity_regression": "Affinity Regression (Cao, arXiv 2103.04990): loss/ar",
    },
    "of overlap": {
        "lovasz": "Lovasz-softmax (Berman et al., CVPR 2018): loss/lovasz",
        "generalised_dice": "generalised Dice (Sudre et al., DLMIA 2017): loss/gdl",
        "dice_loss": "Dice (Drozdzal et al., 2016; squared: Milletari et al., 3DV 2016)",
        "tversky_loss": "Tversky (Salehi et al., MLMI 2017); power 0.75: focal Tversky, ISBI 2019",
        "jaccard_metric_loss": "Jaccard metric loss (Wang et al., NeurIPS 2023), mIoU I, C and D",
    },
    "of boundaries and lines": {
        "boundary_loss": "boundary loss (Kervadec et al., MIDL 2019): loss/bl",
        "hausdorff": "Hausdorff by distance transforms (Karimi and Salcudean, TMI 2020)",
        "boundary_dou_loss": "boundary difference over union (Sun et al., MICCAI 2023)",
        "dual_task": "GSCNN's dual-task loss (Takikawa et al., ICCV 2019)",
        "soft_cldice": "soft clDice (Shit et al., CVPR 2021); its paper adds dice_loss",
    },
    "of pixels": {
        "focal_loss": "focal loss (Lin et al., ICCV 2017)",
        "multiclass_unified_focal": "unified focal (Yeung et al., CMIG 2022); ours for 3+ classes",
        "ohem_cross_entropy": "OHEM (Shrivastava et al., CVPR 2016), pixels as in HRNet's code",
    },
    "of neighbours": {
        "scnp": "same class neighbour penalisation (CVPR 2026, arXiv 2603.18671)",
        "affinity_field": "affinity fields of one size (Ke et al., ECCV 2018); not adaptive",
        "rmi": "region mutual information and BCE (Zhao et al., NeurIPS 2019), as in HMS",
    },
    "of calibration": {
        "margin_smoothing": "margin-based label smoothing (Liu et al., CVPR 2022)",
        "l1_ace": "mL1-ACE (Barfoot et al., MICCAI 2024, arXiv 2506.03942)",
    },
}
"""By family and term, its paper and the field of its weight, if that has another name."""
