"""Questions and answers over HTTP."""

import base64
import json

import numpy as np
import pytest

from serving import PNG, lawn_png, open_client, read_png, send
from wordmask.core.masks import Masks
from wordmask.doors.server.answers import COCO, JSON, LOGITS, choose
from wordmask.doors.server.app import make_app
from wordmask.doors.server.options import ServeOptions
from wordmask.doors.server.problems import RefusalError
from wordmask.doors.server.questions import QUESTIONS
from wordmask.errors import UnknownEngineError
from wordmask.media.formats import FormatOptions, coco, own

RED, BLUE = {"words": ["red"]}, {"words": ["blue"]}
DISC_XY, SQUARE_XY = [45, 60], [115, 55]


def ask(client, path, accept="", **query):
    return client.post(path, json=query, headers={"accept": accept} if accept else {})


def test_words_come_back_as_own_json(client, lawn):
    answer = ask(client, "/v1/segment", picture=lawn, words=["red", "purple"])
    result = own.decode(answer.json(), "the answer", FormatOptions()).result
    assert result.names == ("red",)
    assert [word.phrase for word in result.absent] == ["purple"]
    assert result.masks.one(0)[60, 45]
    assert answer.headers["wordmask-picture"] == lawn


def test_a_click_cuts_and_names(client, lawn):
    answer = ask(client, "/v1/click", picture=lawn, points=[DISC_XY], words=["blue", "red"])
    regions = answer.json()["regions"]
    assert regions[0]["label"] == "red"
    assert Masks.from_rle([regions[0]["mask"]]).one(0)[60, 45]


def test_a_box_and_points_that_say_not_this(client, lawn):
    both = ask(client, "/v1/click", picture=lawn, box=[25, 40, 65, 80], points=[[100, 100, False]])
    assert both.status_code == 200
    only_not = ask(client, "/v1/click", picture=lawn, points=[[10, 10, 0]])
    assert only_not.status_code == 422
    assert only_not.json()["field"] == "points"


def test_everything_is_found(client, lawn):
    answer = ask(client, "/v1/everything", picture=lawn, options={"points_per_side": 16})
    assert len(answer.json()["regions"]) >= 2


def test_coco_by_accept(client, lawn):
    answer = ask(client, "/v1/segment", COCO, picture=lawn, **RED)
    (item,) = coco.decode(answer.json(), "the answer", FormatOptions())
    assert item.result.names == ("red",)
    assert answer.headers["content-type"] == COCO


def test_pictures_by_accept(client, lawn):
    mask = read_png(ask(client, "/v1/segment", PNG, picture=lawn, **RED).content)
    assert mask.shape == (120, 160)
    assert mask[60, 45] == 255
    assert mask[5, 5] == 0
    two = {"words": ["red", "blue"]}
    numbers = read_png(ask(client, "/v1/segment", f"{PNG};view=ids", picture=lawn, **two).content)
    assert set(np.unique(numbers)) == {0, 1, 2}
    cut = read_png(ask(client, "/v1/segment", f"{PNG};view=cutout", picture=lawn, **RED).content)
    assert cut.shape[2] == 4
    assert cut.shape[0] < 40
    drawn = read_png(ask(client, "/v1/segment", f"{PNG};view=overlay", picture=lawn, **RED).content)
    assert drawn.shape == (120, 160, 3)


def test_an_effect_takes_masks(client, lawn):
    code = Masks.from_dense(
        np.pad(np.ones((1, 20, 20), bool), ((0, 0), (50, 50), (35, 105)))
    ).to_rle()
    query = {"picture": lawn, "name": "blur", "target": {"masks": code}}
    answer = client.post("/v1/effect", json=query)
    assert read_png(answer.content).shape == (120, 160, 3)
    wrong = client.post("/v1/effect", json=query | {"target": {"masks": [{"size": [3, 3]}]}})
    assert wrong.status_code == 422
    assert wrong.json()["field"] == "target"


def test_a_clicks_picture_shows_its_best_candidate_only(client, lawn):
    mask = read_png(ask(client, "/v1/click", PNG, picture=lawn, points=[DISC_XY]).content)
    assert mask[60, 45] == 255
    assert mask[55, 115] == 0


def test_logits_are_small_and_say_what_they_are(client, lawn):
    answer = ask(client, "/v1/click", LOGITS, picture=lawn, points=[DISC_XY])
    height, width = map(int, answer.headers["wordmask-shape"].split(","))
    logits = np.frombuffer(answer.content, np.int8).reshape(height, width)
    assert answer.headers["wordmask-size"] == "120,160"
    assert logits[height // 2, 45 * width // 160] > 0
    assert logits[2, 2] < 0
    assert 0 <= float(answer.headers["wordmask-score"]) <= 1


def test_one_call_with_a_form_and_with_base64(client):
    form = {"request": json.dumps(RED)}
    answer = client.post("/v1/segment", files={"picture": ("x.png", lawn_png())}, data=form)
    assert answer.json()["regions"][0]["label"] == "red"
    inline = {"base64": base64.b64encode(lawn_png()).decode()}
    other = ask(client, "/v1/segment", picture=inline, **RED)
    assert other.json() == answer.json()


def test_an_edit_takes_the_target_out(client, lawn):
    before = read_png(lawn_png())
    after = read_png(
        ask(client, "/v1/edit", picture=lawn, verb="remove", target=RED, fill="telea").content
    )
    assert (before[60, 45] == (220, 20, 20)).all()
    assert abs(after[60, 45].astype(int) - (30, 160, 60)).max() < 40
    assert (after[55, 115] == before[55, 115]).all()


def test_a_style_takes_its_colours_from_a_picture(client, lawn):
    grey = {"base64": base64.b64encode(lawn_png((50, 60))).decode()}
    query = {"verb": "style", "style": "colours", "target": RED}
    assert ask(client, "/v1/edit", picture=lawn, reference=grey, **query).status_code == 200
    refused = ask(client, "/v1/edit", picture=lawn, **query)
    assert refused.status_code == 422
    assert "picture" in refused.json()["detail"]


def test_an_effect_with_its_own_options(client, lawn):
    query = {"name": "outline", "target": {"boxes": [[25, 40, 65, 80]]}}
    answer = ask(client, "/v1/effect", picture=lawn, **query)
    assert read_png(answer.content).shape == (120, 160, 3)
    sticker = ask(client, "/v1/effect", picture=lawn, name="sticker", target=RED)
    assert read_png(sticker.content).shape[2] == 4
    laid = {"base64": base64.b64encode(lawn_png((30, 40))).decode()}
    query = {"name": "overlay", "target": RED, "layer": laid}
    assert ask(client, "/v1/effect", picture=lawn, **query).status_code == 200


@pytest.mark.parametrize(
    ("path", "query", "field", "says"),
    [
        ("/v1/segment", {"words": []}, "words", "empty"),
        ("/v1/segment", {"words": [3]}, "words.0", "string"),
        ("/v1/segment", {"words": "cat"}, "words", "array"),
        ("/v1/segment", {}, "words", "missing"),
        ("/v1/segment", {"words": ["a"], "colour": 1}, "colour", "no such field"),
        (
            "/v1/segment",
            {**RED, "options": {"min_confidence": 7}},
            "options.min_confidence",
            "0 to",
        ),
        ("/v1/segment", {**RED, "options": {"how": "guded"}}, "options.how", "guided"),
        ("/v1/segment", {**RED, "options": {"prompt": ["x"]}}, "options.prompt", "among the words"),
        ("/v1/segment", {**RED, "options": {"mask": 1}}, "options.mask", "no option"),
        ("/v1/segment", {**RED, "model": "../../etc"}, "model", "served: fake"),
        ("/v1/click", {}, "points", "points or a box"),
        ("/v1/click", {"points": [[1, 2, 3, 4]]}, "points", "(x, y)"),
        ("/v1/click", {"points": [[999, 999]]}, "points", "outside"),
        ("/v1/click", {"points": [[1]]}, "points", "(x, y)"),
        ("/v1/click", {"box": [9, 9, 1, 1]}, "box", "empty"),
        ("/v1/click", {"points": [[1, 1]] * 65}, "points", "limit is 64"),
        ("/v1/edit", {"verb": "burn", "target": RED}, "verb", "remove"),
        ("/v1/edit", {"verb": "remove", "target": {}}, "target", "nothing says"),
        ("/v1/edit", {"verb": "remove", "target": {"words": ["purple"]}}, "target", "no region"),
        ("/v1/effect", {"name": "blurr", "target": RED}, "name", "'blur'"),
        (
            "/v1/effect",
            {"name": "blur", "target": RED, "options": {"amount": 9}},
            "options.amount",
            "0.001",
        ),
        (
            "/v1/effect",
            {"name": "blur", "target": RED, "options": {"picture": 9}},
            "options.picture",
            "no option",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_field(client, lawn, path, query, field, says):
    answer = ask(client, path, picture=lawn, **query)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["field"] == field
    assert says in problem["detail"]


def test_nan_is_no_json(client, lawn):
    body = f'{{"picture": "{lawn}", "points": [[NaN, 1]]}}'
    headers = {"content-type": "application/json"}
    answer = client.post("/v1/click", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]


@pytest.mark.parametrize("route", QUESTIONS, ids=lambda route: route.path)
def test_an_unknown_picture_is_to_be_sent_again(client, route):
    answer = client.post(route.path, json=route.example)
    assert answer.status_code == 404
    assert answer.json()["field"] == "picture"


@pytest.mark.parametrize("route", QUESTIONS, ids=lambda route: route.path)
def test_the_examples_of_the_documentation_run(client, lawn, route):
    words = {"words": ["red"]}
    example = {**route.example, "picture": lawn}
    example |= words if "words" in example else {}
    example |= {"target": words} if "target" in example else {}
    example |= {"points": [DISC_XY]} if "points" in example else {}
    assert client.post(route.path, json=example).status_code == 200


def test_no_form_that_is_offered(client, lawn):
    assert ask(client, "/v1/segment", "text/csv", picture=lawn, **RED).status_code == 406
    assert ask(client, "/v1/edit", COCO, picture=lawn, verb="remove", target=RED).status_code == 406
    wrong = ask(client, "/v1/segment", f"{PNG};view=nude", picture=lawn, **RED)
    assert wrong.status_code == 406


def test_what_the_server_tells_of_itself(client):
    (model,) = client.get("/v1/models").json()["models"]
    assert model == {"name": "fake", "state": "loaded", "made_by": ["fake"]}
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").status_code == 200
    assert client.get("/v1/limits").json()["max_bytes"] == "25MB"
    names = [effect["name"] for effect in client.get("/v1/effects").json()["effects"]]
    assert "blur" in names
    schema = client.get("/openapi.json").json()
    text = json.dumps(schema)
    for reference in set(text.split('"#/components/schemas/')[1:]):
        assert reference.partition('"')[0] in schema["components"]["schemas"]
    assert "min_confidence" in text
    assert client.get("/").status_code == client.get("/docs").status_code == 200
    assert client.get("/pages/docs.js").headers["content-type"].startswith("text/javascript")


def test_routes_that_are_not_there(client):
    assert client.get("/nothing").json()["status"] == 404
    assert client.delete("/v1/segment").json()["status"] == 405


def test_metrics_count_by_route(client, lawn):
    ask(client, "/v1/segment", picture=lawn, **RED)
    text = client.get("/metrics").text
    assert 'wordmask_requests_total{route="/v1/segment",method="POST",status="200"}' in text
    assert "wordmask_picture_bytes" in text
    assert lawn not in text


def test_a_forgotten_picture_is_not_found():
    with open_client(cache_bytes="100KB") as client:
        first, second = send(client), send(client, lawn_png((130, 160)))
        assert ask(client, "/v1/segment", picture=second, **RED).status_code == 200
        assert ask(client, "/v1/segment", picture=first, **RED).status_code == 404


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("image/png;view=overlay, */*", PNG),
        ("*/*, image/png", PNG),
        ("image/png, application/json", PNG),
        ("application/json;q=0, image/png;q=0.1", PNG),
        ("image/png;q=nan, application/json;q=0.1", JSON),
        ("image/*;q=0.5, */*;q=0.1", PNG),
    ],
)
def test_what_is_named_is_liked_better_than_anything(accept, form):
    assert choose(accept, (JSON, PNG)).media_type == form


def test_what_nobody_offers_or_wants_is_refused():
    for accept in ("text/html", "application/json;q=0", "*/*;q=0"):
        with pytest.raises(RefusalError, match="comes as"):
            choose(accept, (JSON, PNG))


@pytest.mark.parametrize("picture", ["abc", "", "A" * 64])
def test_what_is_no_id_is_told_by_its_field(client, picture):
    told = ask(client, "/v1/segment", picture=picture, **RED).json()
    assert (told["status"], told["field"]) == (422, "picture")
    assert "hexadecimal" in told["detail"]
    assert repr(picture[:40]) in told["detail"]


def test_an_engine_that_is_not_there_is_told_before_anything_is_served():
    with pytest.raises(UnknownEngineError, match="nonsense"):
        make_app(ServeOptions(model=("fake", "nonsense")))
