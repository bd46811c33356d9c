"""Label Studio's backend protocol, with requests as its version 1.23 sends them."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from serving import lawn_png, open_client
from wordmask.doors.server.labelstudio.asking import read_context
from wordmask.doors.server.labelstudio.config import read_interface
from wordmask.doors.server.labelstudio.pictures import LabelStudio
from wordmask.doors.server.problems import RefusalError
from wordmask.media.formats import brush

CONFIG = """
<View>
  <Image name="pic" value="$photo"/>
  <BrushLabels name="mask" toName="pic">
    <Label value="Disc" predicted_values="red"/>
    <Label value="Square" alias="sq" predicted_values="blue, navy"/>
    <Label value="purple"/>
  </BrushLabels>
  <KeyPointLabels name="point" toName="pic" smart="true"><Label value="Disc"/></KeyPointLabels>
  <RectangleLabels name="box" toName="pic" smart="true"><Label value="sq"/></RectangleLabels>
  <TextArea name="words" toName="pic"/>
</View>
"""
INLINE = "data:image/png;base64," + base64.b64encode(lawn_png()).decode()
LEGACY, PERSONAL = "0123abcd", "head.body.signature"


def region(kind: str, value: dict, **more) -> dict:
    """A region as Label Studio writes it: a picture of 120 x 160, in percent."""
    shared = {"original_width": 160, "original_height": 120, "image_rotation": 0}
    shared |= {"id": "q1", "from_name": "point", "to_name": "pic", "type": kind}
    return shared | {"value": value} | more


def keypoint(x: float, y: float, *, positive: bool | None = True, label="Disc") -> dict:
    value = {"x": 100 * x / 160, "y": 100 * y / 120, "width": 0.3}
    value |= {"labels": [label], "keypointlabels": [label]}
    more = {} if positive is None else {"is_positive": positive}
    return region("keypointlabels", value, **more)


def rectangle(x0, y0, x1, y1, label="sq") -> dict:
    value = {"x": x0 / 1.6, "y": y0 / 1.2, "width": (x1 - x0) / 1.6, "height": (y1 - y0) / 1.2}
    return region("rectanglelabels", value | {"rotation": 0, "rectanglelabels": [label]})


def request(*regions: dict, photos=(INLINE,), interactive=True, config=CONFIG) -> dict:
    """A request to predict: with an annotator's regions, or of a batch."""
    tasks = [
        {"id": 7 + k, "data": {"photo": photo}, "annotations": [], "predictions": []}
        for k, photo in enumerate(photos)
    ]
    context = {"result": list(regions)} if interactive else None
    params = {"login": None, "password": None, "context": context}
    return {"tasks": tasks, "project": "1.1700000000", "label_config": config, "params": params}


def predict(client, *regions, **how) -> list[dict]:
    answer = client.post("/ls/predict", json=request(*regions, **how))
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


def mask_of(drawn: dict):
    assert (drawn["original_width"], drawn["original_height"]) == (160, 120)
    return brush.decode(drawn["value"]["rle"], (120, 160)).one(0)


def test_health_setup_versions_and_events(client):
    assert client.get("/ls/health").json()["status"] == "UP"
    setup = {"project": "1.17", "schema": CONFIG, "hostname": "http://ls", "access_token": "x"}
    answer = client.post("/ls/setup", json=setup | {"extra_params": None})
    assert answer.json() == {"model_version": "fake"}
    assert client.get("/ls/versions").json() == {"versions": ["fake"]}
    assert client.post("/ls/webhook", json={"action": "ANNOTATION_CREATED"}).status_code == 201


def test_a_click_becomes_a_brush_with_the_projects_names(client):
    (task,) = predict(client, keypoint(45, 60))
    (drawn,) = task["result"]
    assert (drawn["type"], drawn["from_name"], drawn["to_name"]) == ("brushlabels", "mask", "pic")
    assert drawn["value"]["brushlabels"] == ["Disc"]
    mask = mask_of(drawn)
    assert mask[60, 45]
    assert not mask[55, 115]
    assert task["model_version"] == "fake"
    assert 0 < task["score"] <= 1


def test_a_negative_click_and_a_box(client):
    (task,) = predict(client, keypoint(45, 60), keypoint(115, 55, positive=False))
    assert not mask_of(task["result"][0])[55, 115]
    (boxed,) = predict(client, rectangle(95, 35, 135, 75))
    (drawn,) = boxed["result"]
    assert drawn["value"]["brushlabels"] == ["sq"]
    assert mask_of(drawn)[55, 115]


def test_hand_drawn_points_do_not_count_and_of_boxes_the_last_does(client):
    shown = read_context(
        {
            "result": [
                keypoint(1, 1, positive=None),
                rectangle(0, 0, 9, 9),
                rectangle(95, 35, 135, 75),
                keypoint(115, 55),
            ]
        },
        (120, 160),
    )
    assert shown.click.points.xy.round(3).tolist() == [[115, 55]]
    assert shown.click.box.xyxy.round(3).tolist() == [[95, 35, 135, 75]]


def test_the_same_question_has_the_same_answer(client):
    assert predict(client, keypoint(45, 60)) == predict(client, keypoint(45, 60))


def test_labels_are_looked_for_in_a_batch(client):
    results = predict(client, photos=(INLINE, INLINE), interactive=False)
    assert len(results) == 2
    labels = {one["value"]["brushlabels"][0] for one in results[0]["result"]}
    assert labels == {"Disc", "sq"}


def test_words_of_an_annotator(client):
    text = region("textarea", {"text": ["blue"]}, from_name="words")
    (task,) = predict(client, text)
    (drawn,) = task["result"]
    assert mask_of(drawn)[55, 115]
    assert drawn["value"]["brushlabels"] == ["Disc"]  # the tag has no label "blue"


def test_polygons_where_there_is_no_brush(client):
    config = CONFIG.replace("BrushLabels", "PolygonLabels")
    (task,) = predict(client, keypoint(45, 60), config=config)
    (drawn,) = task["result"]
    assert drawn["type"] == "polygonlabels"
    assert all(0 <= x <= 100 and 0 <= y <= 100 for x, y in drawn["value"]["points"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"label_config": "<View/>"}, "label_config"),
        ({"label_config": "<View"}, "label_config"),
        ({"label_config": "<!DOCTYPE a [<!ENTITY b 'c'>]><View/>"}, "label_config"),
        ({"params": {"context": {"result": [{"type": "keypointlabels"}]}}}, "params.context"),
        ({"params": {"context": {"result": [3]}}}, "params.context"),
        ({"params": {"context": {"result": []}}}, "params.context"),
        ({"params": {"context": []}}, "params.context"),
        ({"tasks": [{"id": 1, "data": {}}]}, "tasks.data"),
        ({"tasks": [{"id": 1, "data": {"photo": "http://10.0.0.1/x.png"}}]}, "tasks.data"),
        ({"tasks": [{"id": 1, "data": {"photo": "file:///etc/passwd"}}]}, "tasks.data"),
        ({"tasks": [{"id": 1, "data": {"photo": "data:image/png;base64,!!"}}]}, "tasks.data"),
        ({"tasks": [{"id": 1, "data": {"photo": "data:image/png;base64,AAAA"}}]}, "picture"),
        ({"tasks": "x"}, "tasks"),
    ],
)
def test_what_cannot_be_answered_names_its_field(client, change, field):
    answer = client.post("/ls/predict", json=request(keypoint(45, 60)) | change)
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == field


def test_a_task_that_fails_does_not_spoil_the_batch(client):
    results = predict(client, photos=(INLINE, "/data/upload/gone.png"), interactive=False)
    assert results[0]["result"]
    assert results[1]["result"] == []


def test_the_token_may_come_as_a_password():
    basic = base64.b64encode(b"anyone:hush").decode()
    with open_client(token="hush") as client:
        assert client.get("/ls/health").status_code == 200
        assert client.post("/ls/webhook", json={}).status_code == 201
        assert client.get("/ls/versions").status_code == 401
        headers = {"authorization": f"Basic {basic}"}
        assert client.get("/ls/versions", headers=headers).status_code == 200
        assert client.get("/v1/models", headers=headers).status_code == 401


def test_names_in_the_interface():
    interface = read_interface(CONFIG)
    assert (interface.from_name, interface.to_name) == ("mask", "pic")
    assert interface.picture_key == "photo"
    words = [(label.name, label.words) for label in interface.labels]
    assert words == [("Disc", "red"), ("sq", "blue|navy"), ("purple", "purple")]
    assert interface.label_of("sq") == "sq"
    assert interface.label_of("elephant") == "Disc"


# ---- a small Label Studio: what it gives out, to whom, and where it sends on to


class _Handler(BaseHTTPRequestHandler):
    refreshed = 0

    def do_GET(self):
        sent = self.headers.get("authorization")
        if sent not in (f"Token {LEGACY}", "Bearer short-lived"):
            return self._send(401, b"{}")
        if self.path == "/elsewhere":
            return self._send(302, b"", {"location": "http://127.0.0.1:9/secret"})
        if self.path.startswith("/tasks/9/resolve/?fileuri="):
            code = self.path.partition("=")[2]
            known = base64.urlsafe_b64decode(code) == b"s3://bucket/a.png"
            return self._send(303 if known else 404, b"", {"location": "/data/upload/1/a.png"})
        known = ("/data/upload/1/a.png", "/data/local-files/?d=a.png")
        return self._send(200, lawn_png()) if self.path in known else self._send(404, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        type(self).refreshed += 1
        known = json.loads(body) == {"refresh": PERSONAL}
        self._send(200 if known else 401, b'{"access": "short-lived"}' if known else b"{}")

    def _send(self, status, data, headers=None):
        self.send_response(status)
        for name, value in {"content-length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address():
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def task(photo: str) -> dict:
    return {"id": 9, "data": {"photo": photo}}


@pytest.mark.parametrize("token", [LEGACY, PERSONAL])
def test_pictures_come_from_label_studio_by_either_token(address, token):
    studio = LabelStudio(address, token, 10**6)
    for photo in (
        "/data/upload/1/a.png",
        "/data/local-files/?d=a.png",
        f"{address}/data/upload/1/a.png",
        "s3://bucket/a.png",
    ):
        assert studio.read(task(photo), "photo") == lawn_png()


def test_a_short_lived_token_is_used_again(address):
    studio, before = LabelStudio(address, PERSONAL, 10**6), _Handler.refreshed
    for _ in range(3):
        studio.read(task("/data/upload/1/a.png"), "photo")
    assert _Handler.refreshed == before + 1


@pytest.mark.parametrize(
    ("token", "photo", "most", "says"),
    [
        ("wrong", "/data/upload/1/a.png", 10**6, "token"),
        ("a.b.c", "/data/upload/1/a.png", 10**6, "token"),
        (LEGACY, "/data/upload/gone.png", 10**6, "404"),
        (LEGACY, "/elsewhere", 10**6, "storage"),
        (LEGACY, "//evil.example/a.png", 10**6, "another host"),
        (LEGACY, "http://127.0.0.1:9/a.png", 10**6, "another host"),
        (LEGACY, "/data/upload/1/a.png", 10, "too large"),
    ],
)
def test_what_is_not_fetched(address, token, photo, most, says):
    with pytest.raises(RefusalError, match=says):
        LabelStudio(address, token, most).read(task(photo), "photo")


def test_a_label_studio_that_is_not_there_or_not_named():
    with pytest.raises(RefusalError, match="not told"):
        LabelStudio("", "", 10).read(task("/data/upload/1/a.png"), "photo")
    with pytest.raises(RefusalError, match="does not answer"):
        LabelStudio("http://127.0.0.1:9", "x", 10).read(task("/data/upload/1/a.png"), "photo")
