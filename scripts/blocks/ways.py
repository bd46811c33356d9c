"""Blocks of docs/ways.md: the four ways measured, and one photograph in all four."""

from page import Request, machine, made_by, markdown, rows_of

from wordmask.lab.bench.suites.ways import PHOTOGRAPH, PICTURE, WORDS


def table(request: Request) -> str | None:
    results = request.suite("ways")
    if results is None:
        return None
    heads = ["data", "way", "mIoU", "prompts", "encoder passes"]
    heads += ["s a picture", "processor s", "peak MiB"]
    lines = []
    for row in rows_of(results, "ways"):
        lines.append(
            [
                f"{row['set']}, {row['pictures']} pictures",
                f"`{row['way']}`",
                f"{row['miou']:.3f}",
                f"{row['prompts']:.0f}",
                f"{row['passes']:.0f}",
                f"{row['seconds']:.2f}",
                f"{row['processor']:.2f}",
                f"{row['peak_mb']:.0f}",
            ]
        )
    count = results["options"]["pictures"]
    verdicts = "\n".join(f"- {line}" for line in results["verdicts"])
    return (
        f"Made by `scripts/bench ways --pictures {count}` on `{made_by(results)}`, "
        f"{machine(results)}, all words of the set asked for at once. `blind` is `everything` on a "
        "full grid, 64 points along the longer side.\n"
        "Few pictures: they compare the ways with each other, not with papers.\n\n"
        f"{markdown(heads, lines)}\n\n{verdicts}"
    )


def picture(request: Request) -> str | None:
    results = request.suite("ways")
    if results is None:
        return None
    request.take_picture("ways", PICTURE, "ways.jpg")
    rows = rows_of(results, PHOTOGRAPH)
    lines = [
        [f"`{row['way']}`", str(row["regions"]), str(row["prompts"]), f"{row['processor']:.1f}"]
        for row in rows
    ]
    names = ", ".join(row["way"] for row in rows)
    return (
        f"![One photograph, four ways: {names}](images/ways.jpg)\n\n"
        f"Made by `{made_by(results)}`, asked for {' and '.join(WORDS)}. The photograph was "
        "encoded before, so the seconds are what each way itself takes.\n\n"
        f"{markdown(['way', 'regions', 'prompts', 'processor s'], lines)}"
    )
