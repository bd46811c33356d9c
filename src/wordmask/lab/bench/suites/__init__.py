"""The suites by name."""

from typing import Any

from wordmask.errors import OptionError, did_you_mean
from wordmask.lab.bench.suite import Suite
from wordmask.lab.bench.suites.effects import EffectsSuite
from wordmask.lab.bench.suites.everything import EverythingSuite
from wordmask.lab.bench.suites.export import ExportSuite
from wordmask.lab.bench.suites.fills import FillsSuite
from wordmask.lab.bench.suites.following import FollowingSuite
from wordmask.lab.bench.suites.gpu import GpuSuite
from wordmask.lab.bench.suites.index import IndexSuite
from wordmask.lab.bench.suites.index_kills import KillsSuite
from wordmask.lab.bench.suites.lab import LabSuite
from wordmask.lab.bench.suites.lift import LiftSuite
from wordmask.lab.bench.suites.masks import MasksSuite
from wordmask.lab.bench.suites.ovsam import OvsamSuite
from wordmask.lab.bench.suites.quality import QualitySuite
from wordmask.lab.bench.suites.rasters import RastersSuite
from wordmask.lab.bench.suites.regions import RegionsSuite
from wordmask.lab.bench.suites.reliability import ReliabilitySuite
from wordmask.lab.bench.suites.sam import SamSuite
from wordmask.lab.bench.suites.speed import SpeedSuite
from wordmask.lab.bench.suites.tables import TablesSuite
from wordmask.lab.bench.suites.volume import VolumeSuite
from wordmask.lab.bench.suites.ways import WaysSuite

SUITES: dict[str, type[Suite[Any]]] = {
    suite.name: suite
    for suite in (
        QualitySuite,
        TablesSuite,
        WaysSuite,
        RegionsSuite,
        FollowingSuite,
        ReliabilitySuite,
        SpeedSuite,
        FillsSuite,
        EffectsSuite,
        MasksSuite,
        EverythingSuite,
        SamSuite,
        ExportSuite,
        GpuSuite,
        LabSuite,
        IndexSuite,
        KillsSuite,
        RastersSuite,
        LiftSuite,
        VolumeSuite,
        OvsamSuite,
    )
}


def find_suite(name: str) -> Suite[Any]:
    """The suite of that name."""
    if name not in SUITES:
        raise OptionError(f"there is no suite {name!r}.{did_you_mean(name, SUITES)}")
    return SUITES[name]()
