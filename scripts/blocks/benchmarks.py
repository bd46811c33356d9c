"""Blocks of docs/benchmarks.md: the table of all benches, and the rooms."""

from typing import Any

from page import Request, made_by, markdown, rows_of


def benches(request: Request) -> str | None:
    """Every bench that the model can do, on the packs."""
    results = request.suite("tables")
    if results is None:
        return None
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows_of(results, "benches"):
        groups.setdefault((row["bench"], row["data"], row["how"]), []).append(row)
    heads = ["bench", "data", "how", "pictures", "figures and 95 % intervals", "s a picture"]
    lines = []
    for key, rows in groups.items():
        if rows[0]["figure"] is None:
            lines.append([*key, "-", "the model cannot do this", "-"])
            continue
        figures = ", ".join(map(figure, rows))
        lines.append([*key, str(rows[0]["pictures"]), figures, f"{rows[0]['seconds']:.2f}"])
    count = results["options"]["pictures"]
    some = f" --pictures {count}" if count else ""
    made = f"Made by `scripts/bench tables{some}` on `{made_by(results)}`."
    return f"{made}\n\n{markdown(heads, lines)}"


def figure(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return f"{row['figure']} -"
    text = f"{row['figure']} **{row['value']:.3f}**"
    return text if row["low"] is None else f"{text} [{row['low']:.3f}, {row['high']:.3f}]"


def rooms(request: Request) -> str | None:
    """The words of the rooms one by one, and the worst pictures."""
    results = request.suite("tables")
    if results is None or "rooms" not in results["tables"]:
        return None
    heads = ["word", "pictures", "mean IoU, automatic", "mean IoU, best fixed", "its threshold"]
    lines = []
    for row in rows_of(results, "rooms"):
        means = [row["miou_auto"], row["miou_best"]]
        cells = ["-" if mean is None else f"{mean:.3f}" for mean in means]
        lines.append(
            [row["word"], f"{row['pictures']:.0f}", *cells, f"{row['best_threshold']:.2f}"]
        )
    request.take_picture("tables", results["pictures"][0], "retrieval_worst.jpg")
    worst = rows_of(results, "worst rooms")
    names = ", ".join(f"{row['room']} ({row['miou_auto']:.2f})" for row in worst)
    causes = results["curves"]["rooms"]["values"].items()
    why = ", ".join(f"{count} {cause}" for cause, count in causes)
    return (
        f"{markdown(heads, lines)}\n\n"
        "![The worst rooms](images/retrieval_worst.jpg)\n\n"
        f"The worst, by row: {names}. Picture, truth, answer, difference (green right, red wrong, "
        "orange missed, grey not scored).\n"
        f"Answers below IoU 0.5, by what makes them hard: {why}."
    )
