"""The server as tutorials write it, on the same engine: the rival of `wordmask bench suite serve`.

Every request carries its picture, which is decoded and encoded again (`set_image` per request), in
the event loop's one thread; the masks come back as nested lists.
"""

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, UploadFile

from wordmask import engines
from wordmask.core.prompts import Points
from wordmask.media.reading.read import read
from wordmask.tasks.click import Click, click


def make_tutorial() -> FastAPI:
    """The whole server."""
    app, models = FastAPI(), engines.load("mini")

    async def predict(file: UploadFile, x: float, y: float) -> dict[str, Any]:
        image = read(await file.read())
        result = click(image, Click(Points.of([(x, y)])), models)
        return {"masks": result.masks.dense().tolist(), "scores": result.scores.tolist()}

    app.add_api_route("/predict", predict, methods=["POST"])
    return app


if __name__ == "__main__":
    uvicorn.run(make_tutorial(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
