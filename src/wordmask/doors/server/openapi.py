"""What `/openapi.json` says: the questions' own classes, with examples that run on `/docs`."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter

from wordmask.doors.server.answers import COCO, JSON, LOGITS, PNG, VIEWS
from wordmask.doors.server.chores import Chore
from wordmask.doors.server.queries import ApiQuery
from wordmask.doors.server.questions import PictureRoute

REFERENCE = "#/components/schemas/{model}"
FORMS = {
    JSON: "masks as COCO run-length codes",
    COCO: "a COCO data set of one picture",
    PNG: f"a picture; `image/png; view=` one of {', '.join(VIEWS)}",
    LOGITS: "int8 logits (h, w), described by the headers wordmask-shape, -size, -scale, -score",
}
PROBLEM = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong, and what was got"},
        "field": {"type": "string", "description": "the field of the request that mends it"},
        "example": {"type": "string", "description": "a value for it"},
        "limit": {"type": "string", "description": "the server's option that sets the limit"},
    },
}


def describe_question(question: PictureRoute[Any]) -> dict[str, Any]:
    """The route's part of the schema; `x-options` tells errors whose options a field holds."""
    name = question.query.__name__
    schema = {"$ref": REFERENCE.format(model=name)}
    form = {
        "type": "object",
        "required": ["picture"],
        "properties": {"picture": {"type": "string", "format": "binary"}, "request": schema},
    }
    content = {
        JSON: {"schema": schema, "example": question.example},
        "multipart/form-data": {"schema": form, "encoding": {"request": {"contentType": JSON}}},
    }
    forms = {
        media_type: {"schema": {"description": FORMS[media_type]}}
        for media_type in question.offered
    }
    return {
        "summary": question.summary,
        "description": (question.query.__doc__ or "").strip(),
        "requestBody": {"required": True, "content": content},
        "responses": {"200": {"description": "The answer", "content": forms}, **_problems()},
        "x-options": question.query.options_in,
    }


def describe_chore(chore: Chore[Any]) -> dict[str, Any]:
    """The part of the schema of a route that starts long work."""
    schema = {"$ref": REFERENCE.format(model=chore.query.__name__)}
    return {
        "summary": chore.summary,
        "description": (chore.query.__doc__ or "").strip(),
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": schema, "example": chore.example}},
        },
        "responses": {"202": {"description": "The job has been taken on"}, **_problems()},
        "x-options": chore.query.options_in,
    }


def describe_search(query: type[ApiQuery], example: dict[str, Any]) -> dict[str, Any]:
    """The part of the schema of the search in an index."""
    schema = {"$ref": REFERENCE.format(model=query.__name__)}
    return {
        "summary": "Find regions in the pictures of the index",
        "description": (query.__doc__ or "").strip(),
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": schema, "example": example}},
        },
        "responses": {"200": {"description": "The regions, and what is nowhere"}, **_problems()},
        "x-options": query.options_in,
    }


def write_schema(app: FastAPI, queries: Sequence[type]) -> dict[str, Any]:
    """The whole schema: FastAPI's routes, and the classes of what is asked."""
    schema = app.openapi()
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for query in queries:
        own = TypeAdapter(query).json_schema(ref_template=REFERENCE)
        schemas.update(own.pop("$defs", {}))
        schemas[query.__name__] = own
    return schema


def _problems() -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": REFERENCE.format(model="Problem")}}}
    texts = {
        "404": "the picture is not (any more) on the server",
        "413": "too large",
        "422": "something in the request cannot be used; `field` says what",
        "429": "too many requests of one client",
        "503": "busy; Retry-After says for how long",
    }
    return {status: {"description": text, "content": content} for status, text in texts.items()}
