"""Read .coverage and hold each layer against its gate; the exit code says whether all pass."""

import io
import sys
from pathlib import Path

from coverage import Coverage
from coverage.exceptions import CoverageException

ROOT = Path(__file__).resolve().parent.parent
GATES = {"core": 95, "ops": 95, "media": 95}


def main() -> int:
    coverage = Coverage(data_file=str(ROOT / ".coverage"), config_file=str(ROOT / "pyproject.toml"))
    coverage.load()
    low = []
    for layer, gate in GATES.items():
        table = io.StringIO()
        try:
            percent = coverage.report(
                include=[f"*/wordmask/{layer}/*"], file=table, show_missing=True, skip_covered=True
            )
        except CoverageException as error:
            print(f"{layer}: {error}")
            return 2
        print(f"{layer}: {percent:.1f} %, at least {gate} %")
        if percent < gate:
            low.append(layer)
            print(table.getvalue())
    print(f"too low: {', '.join(low)}" if low else "all gates pass")
    return 2 if low else 0


if __name__ == "__main__":
    sys.exit(main())
