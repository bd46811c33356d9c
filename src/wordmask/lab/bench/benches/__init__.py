"""The benches by name, in the order in which they are listed."""

from typing import Any

from wordmask.errors import OptionError, did_you_mean
from wordmask.lab.bench.bench import Bench
from wordmask.lab.bench.benches.ask import AskBench
from wordmask.lab.bench.benches.calibration import CalibrationBench
from wordmask.lab.bench.benches.clicks import ClicksBench
from wordmask.lab.bench.benches.depth import DepthBench
from wordmask.lab.bench.benches.free_space import FreeSpaceBench
from wordmask.lab.bench.benches.instance import InstanceBench
from wordmask.lab.bench.benches.panoptic import PanopticBench
from wordmask.lab.bench.benches.pose import PoseBench
from wordmask.lab.bench.benches.recognise import RecogniseBench
from wordmask.lab.bench.benches.retrieval import RetrievalBench
from wordmask.lab.bench.benches.search import SearchBench
from wordmask.lab.bench.benches.semantic import SemanticBench
from wordmask.lab.bench.benches.video import VideoBench
from wordmask.lab.bench.benches.volume import VolumeBench

BENCHES: dict[str, type[Bench[Any]]] = {
    bench.name: bench
    for bench in (
        SemanticBench,
        InstanceBench,
        PanopticBench,
        RetrievalBench,
        ClicksBench,
        RecogniseBench,
        VideoBench,
        VolumeBench,
        DepthBench,
        PoseBench,
        SearchBench,
        CalibrationBench,
        AskBench,
        FreeSpaceBench,
    )
}


def find_bench(name: str) -> Bench[Any]:
    """The bench of that name."""
    if name not in BENCHES:
        raise OptionError(f"there is no benchmark {name!r}.{did_you_mean(name, BENCHES)}")
    return BENCHES[name]()
