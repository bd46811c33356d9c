"""One card for each engine that has a name, and which engine reads what lies at a path.

To add a network of a family that is here (another SAM, another CLIP) write its card; where it
differs from its family, change that family's file too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

APACHE, MIT, NC = "Apache-2.0", "MIT", "CC-BY-NC-4.0"
_V2 = "depth-anything/Depth-Anything-V2"


@dataclass(frozen=True)
class EngineCard:
    """What is known of an engine before it is loaded."""

    name: str
    factory: str  # "module:function", called with (name, EngineOptions)
    source: str  # "shipped", "weightless", "trained" (by you), "plug-in" or "hub:owner/name"
    protocols: tuple[str, ...]  # names in core.protocols
    licence: str
    revision: str | None = None  # commit on the hub; None: not pinned, which is said when fetching
    sha256: str | None = None  # of model.safetensors
    nbytes: int | None = None  # of model.safetensors
    size_mb: int | None = None  # published size of the weights in fp32; None: not published
    input_side: int | None = None  # pixels
    extra: str | None = None  # what `pip install 'wordmask[...]'` must bring
    gated: bool = False  # the owner asks for an agreement before the download
    # `model_type` in config.json -> the class in transformers that the factory makes of it
    architectures: Mapping[str, str] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """Where a person can read about the weights."""
        return f"https://huggingface.co/{self.source[4:]}" if self.source.startswith("hub:") else ""


def _hub(name: str, repository: str, module: str, **facts: Any) -> EngineCard:
    defaults = {"licence": APACHE, "extra": "hf"}
    factory = f"wordmask.engines.{module}:load"
    return EngineCard(name, factory, f"hub:{repository}", **defaults | facts)


def _weightless(name: str, module: str, *protocols: str) -> EngineCard:
    return EngineCard(name, f"wordmask.engines.{module}:load", "weightless", protocols, APACHE)


# ---- families: what their members share

_CUTS, _NAMES, _DETECTS = ("Segmenter",), ("Dense", "Embedder"), ("Detector",)
_sam_any = partial(_hub, module="sam", protocols=_CUTS, input_side=1024)
_sam = partial(_sam_any, architectures={"sam": "SamModel"})
_sam_hq = partial(_sam_any, architectures={"sam_hq": "SamHQModel"})
# Video checkpoints hold the picture model and a memory, by which objects are followed.
_sam_video = partial(_sam_any, protocols=("Segmenter", "Tracker"))
_sam2 = partial(_sam_video, architectures={"sam2": "Sam2Model", "sam2_video": "Sam2VideoModel"})
_edgetam = partial(
    _sam_video, architectures={"edgetam": "EdgeTamModel", "edgetam_video": "EdgeTamVideoModel"}
)
_sam3_any = partial(_hub, module="sam3", protocols=_DETECTS, input_side=1008, licence="SAM License")
_sam3 = partial(
    _sam3_any,
    protocols=("Segmenter", "Detector", "Tracker"),
    architectures={"sam3": "Sam3Model", "sam3_video": "Sam3VideoModel"},
)
_sam3_lite = partial(_sam3_any, architectures={"sam3_lite_text": "Sam3LiteTextModel"})

_clip_any = partial(_hub, module="clip", protocols=_NAMES)
_clip = partial(
    _clip_any,
    licence=MIT,
    architectures={"clip": "CLIPModel", "metaclip_2": "MetaClip2Model"},
)
_siglip = partial(_clip_any, architectures={"siglip": "SiglipModel"})
_tips = partial(_clip_any, input_side=448, architectures={"tipsv2": "Tipsv2Model"})

_detector = partial(_hub, module="detector", protocols=_DETECTS)
_gdino = partial(
    _detector,
    input_side=800,
    architectures={"grounding-dino": "GroundingDinoForObjectDetection"},
)
_mm_gdino = partial(
    _detector,
    input_side=800,
    architectures={"mm-grounding-dino": "MMGroundingDinoForObjectDetection"},
)
_owl = partial(_detector, architectures={"owlv2": "Owlv2ForObjectDetection"})

_depth = partial(_hub, module="depth", protocols=("DepthModel",))
_depth_anything = partial(
    _depth, input_side=518, architectures={"depth_anything": "DepthAnythingForDepthEstimation"}
)
_dpt = partial(_depth, input_side=384, architectures={"dpt": "DPTForDepthEstimation"})
_zoe = partial(
    _depth, input_side=384, licence=MIT, architectures={"zoedepth": "ZoeDepthForDepthEstimation"}
)
_depth_pro = partial(
    _depth, input_side=1536, architectures={"depth_pro": "DepthProForDepthEstimation"}
)

_vitpose = partial(
    _hub,
    module="vitpose",
    protocols=("PoseModel",),
    input_side=256,
    architectures={"vitpose": "VitPoseForPoseEstimation"},
)

_answers = partial(_hub, module="vlm", protocols=("Answerer",))
_blip = partial(
    _answers, licence="BSD-3-Clause", architectures={"blip": "BlipForQuestionAnswering"}
)
_smolvlm = partial(_answers, architectures={"smolvlm": "SmolVLMForConditionalGeneration"})
_qwen3_vl = partial(_answers, architectures={"qwen3_vl": "Qwen3VLForConditionalGeneration"})
_florence2 = partial(
    _answers, licence=MIT, architectures={"florence2": "Florence2ForConditionalGeneration"}
)

_diffusion = partial(_hub, module="fill.diffusion", protocols=("Inpainter",), extra="edit")

# ---- the cards

_CARDS = (
    _weightless(
        "fake",
        "fake",
        "Segmenter",
        "Dense",
        "Embedder",
        "Detector",
        "Tracker",
        "DepthModel",
        "Inpainter",
    ),
    EngineCard(
        "mini",
        "wordmask.engines.mini.engine:load",
        "shipped",
        ("Segmenter", "Dense", "Embedder", "Tracker", "DepthModel"),
        APACHE,
        input_side=512,
    ),
    EngineCard(
        "movenet",
        "wordmask.engines.movenet.engine:load",
        "shipped",
        ("PoseModel", "GroupPoseModel"),
        APACHE,
        input_side=192,
    ),
    EngineCard(
        "ovsam",
        "wordmask.engines.ovsam.engine:load",
        "trained",
        ("Segmenter", "Dense"),
        APACHE,
        input_side=1024,
        extra="hf",
    ),
    _sam("sam-b", "facebook/sam-vit-base", size_mb=375),
    _sam("sam-l", "facebook/sam-vit-large", size_mb=1249),
    _sam("sam-h", "facebook/sam-vit-huge", size_mb=2564),
    _sam("medsam", "wanglab/medsam-vit-base", size_mb=375),
    _sam("slimsam-50", "Zigeng/SlimSAM-uniform-50", size_mb=113),
    _sam("slimsam-77", "Zigeng/SlimSAM-uniform-77"),
    _sam_hq("sam-hq-b", "syscv-community/sam-hq-vit-base", size_mb=379),
    _sam_hq("sam-hq-l", "syscv-community/sam-hq-vit-large", size_mb=1250),
    _sam_hq("sam-hq-h", "syscv-community/sam-hq-vit-huge", size_mb=2570),
    _sam2("sam2-tiny", "facebook/sam2-hiera-tiny", size_mb=156),
    _sam2("sam2-small", "facebook/sam2-hiera-small", size_mb=184),
    _sam2("sam2-base-plus", "facebook/sam2-hiera-base-plus", size_mb=324),
    _sam2("sam2-large", "facebook/sam2-hiera-large", size_mb=898),
    _sam2("sam2.1-tiny", "facebook/sam2.1-hiera-tiny", size_mb=156),
    _sam2("sam2.1-small", "facebook/sam2.1-hiera-small", size_mb=184),
    _sam2("sam2.1-base-plus", "facebook/sam2.1-hiera-base-plus", size_mb=324),
    _sam2("sam2.1-large", "facebook/sam2.1-hiera-large", size_mb=898),
    _edgetam("edgetam", "yonigozlan/EdgeTAM-hf", size_mb=56),
    _sam3("sam3", "facebook/sam3", gated=True, size_mb=3400),
    _sam3_lite("sam3-litetext", "yonigozlan/sam3-litetext-s0"),
    _clip("clip-b32", "openai/clip-vit-base-patch32", input_side=224, size_mb=605),
    _clip("clip-b16", "openai/clip-vit-base-patch16", input_side=224, size_mb=599),
    _clip("clip-l14", "openai/clip-vit-large-patch14", input_side=224, size_mb=1710),
    _clip("openclip-b16", "laion/CLIP-ViT-B-16-laion2B-s34B-b88K", input_side=224, size_mb=599),
    _clip("openclip-l14", "laion/CLIP-ViT-L-14-laion2B-s32B-b82K", input_side=224, size_mb=1710),
    _clip("clip-l14-336", "openai/clip-vit-large-patch14-336", input_side=336, size_mb=1710),
    _siglip("siglip2-b16", "google/siglip2-base-patch16-224", input_side=224, size_mb=1500),
    _siglip("siglip2-b16-512", "google/siglip2-base-patch16-512", input_side=512, size_mb=1500),
    _siglip("siglip2-l16-384", "google/siglip2-large-patch16-384", input_side=384, size_mb=3530),
    _siglip(
        "siglip2-so400m-384", "google/siglip2-so400m-patch14-384", input_side=384, size_mb=4540
    ),
    _tips("tipsv2-b14", "google/tipsv2-b14"),
    _tips("tipsv2-l14", "google/tipsv2-l14"),
    _tips("tipsv2-g14", "google/tipsv2-g14"),
    _gdino("gdino-tiny", "IDEA-Research/grounding-dino-tiny", size_mb=689),
    _gdino("gdino-base", "IDEA-Research/grounding-dino-base", size_mb=933),
    _mm_gdino("mm-gdino-tiny", "openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_v3det"),
    _mm_gdino("mm-gdino-base", "openmmlab-community/mm_grounding_dino_base_all"),
    _mm_gdino("mm-gdino-large", "openmmlab-community/mm_grounding_dino_large_all"),
    _owl("owlv2-base", "google/owlv2-base-patch16-ensemble", input_side=960, size_mb=620),
    _owl("owlv2-large", "google/owlv2-large-patch14-ensemble", input_side=1008, size_mb=1750),
    _depth_anything("depth-anything-small", "LiheYoung/depth-anything-small-hf", size_mb=99),
    _depth_anything("depth-anything-base", "LiheYoung/depth-anything-base-hf", size_mb=390),
    _depth_anything("depth-anything-large", "LiheYoung/depth-anything-large-hf", size_mb=1341),
    _depth_anything("depth-anything-v2-small", f"{_V2}-Small-hf", size_mb=99),
    _depth_anything("depth-anything-v2-base", f"{_V2}-Base-hf", size_mb=390, licence=NC),
    _depth_anything("depth-anything-v2-large", f"{_V2}-Large-hf", size_mb=1341, licence=NC),
    _depth_anything("depth-anything-v2-indoor", f"{_V2}-Metric-Indoor-Small-hf", size_mb=99),
    _depth_anything("depth-anything-v2-outdoor", f"{_V2}-Metric-Outdoor-Small-hf", size_mb=99),
    _dpt("dpt-large", "Intel/dpt-large"),
    _dpt("dpt-hybrid", "Intel/dpt-hybrid-midas"),
    _zoe("zoedepth", "Intel/zoedepth-nyu-kitti"),
    _zoe("zoedepth-indoor", "Intel/zoedepth-nyu"),
    _depth_pro("depth-pro", "apple/DepthPro-hf", licence="Apple AMLR (research only)"),
    _vitpose("vitpose-b", "usyd-community/vitpose-base-simple"),
    _vitpose("vitpose-plus-s", "usyd-community/vitpose-plus-small"),
    _vitpose("vitpose-plus-b", "usyd-community/vitpose-plus-base"),
    _vitpose("vitpose-plus-l", "usyd-community/vitpose-plus-large"),
    _vitpose("vitpose-plus-h", "usyd-community/vitpose-plus-huge"),
    _blip("blip-vqa", "Salesforce/blip-vqa-base", input_side=384),
    _smolvlm("smolvlm2-256m", "HuggingFaceTB/SmolVLM2-256M-Video-Instruct"),
    _smolvlm("smolvlm2-500m", "HuggingFaceTB/SmolVLM2-500M-Video-Instruct"),
    _qwen3_vl("qwen3-vl-2b", "Qwen/Qwen3-VL-2B-Instruct"),
    _florence2("florence2-base", "florence-community/Florence-2-base", input_side=768),
    _weightless("patch", "fill.patch", "Inpainter"),
    _weightless("telea", "fill.opencv", "Inpainter"),
    _weightless("navier-stokes", "fill.opencv", "Inpainter"),
    _diffusion(
        "sd1.5-inpaint",
        "stable-diffusion-v1-5/stable-diffusion-inpainting",
        input_side=512,
        licence="CreativeML OpenRAIL-M",
    ),
    _diffusion(
        "sdxl-inpaint",
        "diffusers/stable-diffusion-xl-1.0-inpainting-0.1",
        input_side=1024,
        licence="CreativeML OpenRAIL++-M",
    ),
    _diffusion(
        "flux-fill",
        "black-forest-labs/FLUX.1-Fill-dev",
        input_side=1024,
        licence="FLUX.1 [dev] Non-Commercial",
        gated=True,
    ),
)
CARDS: dict[str, EngineCard] = {card.name: card for card in _CARDS}

# ---- what reads a path that has no name

GRAPHS = "wordmask.engines.graphs:load"  # ONNX files, without torch

# A folder by a file in it, where there is no config.json or it says nothing of use
FACTORY_BY_FILE = {
    "model_index.json": "wordmask.engines.fill.diffusion:load",
    "mini.json": "wordmask.engines.mini.engine:load",
    "movenet.json": "wordmask.engines.movenet.engine:load",
    "manifest.json": GRAPHS,
    "ovsam.json": "wordmask.engines.ovsam.engine:load",
}
# A single file: LaMa's kind in ONNX; other weights without a config are Meta's checkpoints of SAM.
FACTORY_BY_SUFFIX = {
    ".onnx": "wordmask.engines.fill.lama:load",
    **dict.fromkeys((".safetensors", ".pt", ".pth", ".ckpt", ".bin"), "wordmask.engines.sam:load"),
}


def factories_by_model_type() -> dict[str, str]:
    """`model_type` in config.json -> the factory of the engine that reads it."""
    return {kind: card.factory for card in CARDS.values() for kind in card.architectures}


def architectures_of(module: str) -> dict[str, str]:
    """Every `model_type` that an engine's module reads, with its class in transformers."""
    found: dict[str, str] = {}
    for card in CARDS.values():
        if card.factory == f"{module}:load":
            found |= card.architectures
    return found


def extra_of(factory: str) -> str | None:
    """The extra that brings what a factory imports; None where the core installation does."""
    extras = [card.extra for card in CARDS.values() if card.factory == factory]
    return extras[0] if extras else None
