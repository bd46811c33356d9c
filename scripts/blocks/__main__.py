"""Write blocks of the documentation anew: see `scripts/pages --help`."""

import argparse
from pathlib import Path

import benchmarks
import card
import editing
import gallery
import lifting
import rasters
import readme
import training
import ways
from page import Request, put

# Name of the block -> what makes its text.
BLOCKS = {
    "benches": benchmarks.benches,
    "rooms": benchmarks.rooms,
    "quality": card.quality,
    "speed": card.speed,
    "reliability": card.reliability,
    "failures": card.failures,
    "curves": training.curves,
    "rasters": rasters.table,
    "ways": ways.table,
    "ways-picture": ways.picture,
}
# Pictures that stand in a page by themselves.
PICTURES = {
    "effects": editing.effects,
    "gallery": gallery.pictures,
    "lift": lifting.pictures,
    "maps": rasters.picture,
    "readme": readme.picture,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="BLOCK", help=", ".join([*BLOCKS, *PICTURES]))
    parser.add_argument("--results", type=Path, default=Path("bench"), help="folder of the suites")
    parser.add_argument("--model", default="mini", help="what makes the pictures")
    parser.add_argument("--log", type=Path, action="append", default=[], help="of a training run")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BLOCKS | PICTURES]
    if unknown:
        parser.error(f"there is no block {unknown[0]!r}; known: {', '.join([*BLOCKS, *PICTURES])}")
    request = Request(arguments.results, arguments.model, tuple(arguments.log))
    for name in arguments.names or [*BLOCKS, *PICTURES]:
        if name in PICTURES:
            PICTURES[name](request)
            print(f"{name}: drawn")
            continue
        text = BLOCKS[name](request)
        if text is None:
            print(f"{name}: left as it is, its results are not in {request.results}")
        else:
            print(f"{name}: written to {put(name, text)}")


if __name__ == "__main__":
    main()
