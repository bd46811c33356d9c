"""The demo's work: words and a click on photographs of scikit-image, pictures in demo-output/."""

import sys
import time
from pathlib import Path

import numpy as np

import wordmask
from wordmask.core.image import Image
from wordmask.media.reading.read import read

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "demo-output"
# Photograph: words for the embedded model, words for the fake, which only knows colours, a click.
SCENES = {
    "astronaut": (["person", "dog"], ["orange", "white", "dog"], (220, 130)),
    "chelsea": (["cat", "dog"], ["orange", "grey", "dog"], (250, 120)),
}


def photograph(name: str) -> Image:
    """A photograph from scikit-image's own folder: no download."""
    import skimage

    return read(Path(skimage.__file__).parent / "data" / name)


def report(name: str, result: wordmask.Result, seconds: float) -> None:
    """A line for the terminal."""
    best: dict[str, float] = {}
    for region in result:
        best[region.name or "unnamed"] = max(region.score, best.get(region.name or "unnamed", 0))
    found = "  ".join(f"{word} {score:.2f}" for word, score in best.items()) or "nothing"
    absent = (
        f"   not here: {', '.join(word.phrase for word in result.absent)}" if result.absent else ""
    )
    print(f"{name:<16}{found}{absent}   ({len(result)} regions, {seconds:.1f} s)")


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    models = wordmask.load("auto")
    fake = models.spec == "fake"
    if fake:
        print(
            "The embedded model is not in this checkout, so this demo runs on `fake`, "
            "which only knows colours."
        )
    else:
        print(f"Running on {models.spec}, on the CPU: {', '.join(models.made_by)}.")
    for name, (words, colours, place) in SCENES.items():
        image = Image(np.ascontiguousarray(photograph(f"{name}.png").pixels), name)
        start = time.perf_counter()
        result = wordmask.segment(image, colours if fake else words, model=models)
        report(name, result, time.perf_counter() - start)
        result.show(OUTPUT / f"{name}.words.png")
        result.save(OUTPUT / f"{name}.json")
        start = time.perf_counter()
        clicked = wordmask.click(image, points=[place], model=models)
        report(f"{name} click", clicked[:1], time.perf_counter() - start)
        clicked[:1].show(OUTPUT / f"{name}.click.png")
    print(f"The pictures are in {OUTPUT}:")
    print("\n".join(f"  {path.name}" for path in sorted(OUTPUT.iterdir())))
    print(
        'Next: .venv/bin/wordmask segment PHOTO "cat, sofa"   or   .venv/bin/wordmask --help',
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
