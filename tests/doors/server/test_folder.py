"""The folder that is labelled, over HTTP."""

import json

import numpy as np
import pytest

from serving import lawn_png, open_client
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.media.formats import FormatOptions, Named, own

MASK = np.zeros((1, 120, 160), bool)
MASK[:, 10:30, 10:30] = True
LABELS = own.encode(
    Named("a.png", Result.of(Masks.from_dense(MASK), ("disc",), label_ids=[0])), FormatOptions()
)


@pytest.fixture
def pictures(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(lawn_png())
    return tmp_path


@pytest.fixture
def client(pictures):
    with open_client(folder=pictures) as client:
        yield client


def save(client, revision, labels=LABELS, name="a.png", done=False):
    body = {"revision": revision, "done": done, "labels": labels}
    return client.put(f"/v1/folder/labels/{name}", json=body)


def test_a_picture_is_opened_labelled_and_found_again(client, pictures):
    about = client.get("/v1/folder").json()
    assert [one["name"] for one in about["pictures"]] == ["a.png", "b.png"]
    assert about["folder"] == pictures.name
    opened = client.get("/v1/folder/pictures/a.png").json()
    assert opened | {"picture": ""} == {
        "picture": "", "size": [120, 160], "labels": None, "revision": 0, "done": False,
    }  # fmt: skip
    click = {"picture": opened["picture"], "points": [[45, 60]], "words": ["red"]}
    assert client.post("/v1/click", json=click).json()["regions"][0]["label"] == "red"
    assert client.get("/v1/folder/files/a.png").content == lawn_png()
    assert save(client, 0, done=True).json() == {"revision": 1}
    assert client.get("/v1/folder").json()["pictures"][0]["done"]
    assert client.get("/v1/folder/pictures/a.png").json()["labels"]["regions"] == LABELS["regions"]


def test_two_windows_never_overwrite_each_other(client):
    assert save(client, 0).status_code == 200
    late = save(client, 0)
    assert (late.status_code, late.json()["revision"]) == (409, 1)
    assert client.put("/v1/folder/words", json={"revision": 0, "words": ["a"]}).status_code == 200
    assert client.put("/v1/folder/words", json={"revision": 0, "words": ["b"]}).status_code == 409
    assert client.get("/v1/folder").json()["words"] == ["a"]


@pytest.mark.parametrize("name", ["..%2f..%2fa", "nowhere.png", "%2fetc%2fpasswd", "a.png%00"])
def test_no_name_leads_to_another_file(client, name):
    for route in ("pictures", "files"):
        assert client.get(f"/v1/folder/{route}/{name}").status_code == 404
    assert save(client, 0, name=name).status_code == 404


def test_what_is_wrong_is_said_without_paths(client, pictures):
    assert save(client, "x").status_code == 422
    broken = json.loads(json.dumps(LABELS))
    broken["regions"][0]["mask"]["counts"] = "0"
    assert save(client, 0, broken).status_code == 422
    assert client.get("/v1/folder/export?format=exe").json()["field"] == "format"
    assert client.get("/v1/folder/export").status_code == 422, "nothing is labelled yet"
    (pictures / "b.png").unlink()
    gone = client.get("/v1/folder/pictures/b.png")
    assert gone.status_code == 404
    assert str(pictures) not in gone.text
    assert [one["name"] for one in client.get("/v1/folder").json()["pictures"]] == ["a.png"]
    (pictures / "wordmask-labels").mkdir(exist_ok=True)
    (pictures / "wordmask-labels/a.png.json").write_text("{")
    assert str(pictures) not in client.get("/v1/folder/pictures/a.png").text


def test_a_full_disk_is_said_and_nothing_is_lost(client, monkeypatch):
    save(client, 0)

    def fill(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wordmask.files._sync", fill)
    assert save(client, 1, LABELS | {"regions": []}).status_code == 507
    monkeypatch.undo()
    assert client.get("/v1/folder/pictures/a.png").json()["labels"]["regions"] == LABELS["regions"]


def test_all_labels_go_out_and_come_in(client):
    save(client, 0)
    data = client.get("/v1/folder/export?format=coco").content
    assert client.get("/v1/folder/export?format=yolo").content[:2] == b"PK"
    data = data.replace(b"a.png", b"b.png")
    added = client.post("/v1/folder/import?name=x.json", content=data)
    assert added.json() == {"regions": 1, "pictures": 1}


def test_without_a_folder_there_is_none():
    with open_client() as client:
        assert client.get("/v1/folder").json() == {"folder": None}
        assert client.get("/v1/folder/pictures/a.png").status_code == 404


def test_a_picture_is_added_once_and_only_as_a_picture(client, pictures):
    answer = client.put("/v1/folder/files/c.png", content=lawn_png())
    assert answer.json() == {"name": "c.png"}
    assert (pictures / "c.png").read_bytes() == lawn_png()
    assert [one["name"] for one in client.get("/v1/folder").json()["pictures"]][-1] == "c.png"
    again = client.put("/v1/folder/files/c.png", content=lawn_png())
    assert again.status_code == 422
    assert "already" in again.json()["detail"]
    for name in ("c.exe", ".c.png", "..%5Cc.png"):
        assert client.put(f"/v1/folder/files/{name}", content=lawn_png()).status_code == 422
    assert client.put("/v1/folder/files/d.png", content=b"no picture").status_code == 422
    assert not (pictures / "d.png").exists()


def test_upper_regions_win_where_that_is_asked_for(client):
    masks = np.zeros((2, 120, 160), bool)
    masks[0, 10:30, 10:30] = True
    masks[1, 20:60, 10:30] = True
    result = Result.of(Masks.from_dense(masks), ("a", "b"), label_ids=[0, 1])
    labels = own.encode(Named("a.png", result), FormatOptions())
    labels["regions"].reverse()  # a result has the larger one first; here the smaller lies above
    save(client, 0, labels)
    as_drawn = client.get("/v1/folder/export?format=coco").json()
    settled = client.get("/v1/folder/export?format=coco&overlaps=upper").json()
    assert [row["area"] for row in as_drawn["annotations"]] == [800, 400]
    assert [row["area"] for row in settled["annotations"]] == [600, 400]


def test_boxes_of_coco_are_imported_as_masks(client):
    labels = {
        "images": [{"id": 1, "file_name": "a.png", "width": 160, "height": 120}],
        "categories": [{"id": 1, "name": "disc"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40]}],
    }
    answer = client.post("/v1/folder/import?name=boxes.json", json=labels)
    assert answer.json() == {"regions": 1, "pictures": 1}
    (region,) = client.get("/v1/folder/pictures/a.png").json()["labels"]["regions"]
    assert (region["label"], region["area"]) == ("disc", 1200)
    labels["annotations"][0]["bbox"] = [10, 20, 30]
    assert client.post("/v1/folder/import?name=boxes.json", json=labels).status_code == 422
