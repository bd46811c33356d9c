"""Long work over HTTP: a video followed, a batch of pictures, progress, stop, files, limits."""

import gc
import json
import time
import weakref

import numpy as np
import pytest

from clips import write_clip
from serving import lawn_png, open_client, send
from wordmask.core.masks import Masks
from wordmask.doors.server.chores import CHORES, BatchQuery, batch
from wordmask.doors.server.jobbook import JobBook, JobStep
from wordmask.doors.server.lanes import Lane
from wordmask.doors.server.options import ServeOptions
from wordmask.doors.server.problems import RefusalError
from wordmask.doors.server.videos import VideoStore
from wordmask.media import formats

pytest.importorskip("av", reason="videos need the extra `video`")
NOWHERE = "0" * 64


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()


def put_video(client, data: bytes) -> str:
    answer = client.put("/v1/videos", content=data)
    assert answer.status_code == 200, answer.text
    return answer.json()["video"]


def wait_for(client, id: str) -> dict:
    for _ in range(400):
        job = client.get(f"/v1/jobs/{id}").json()
        if job["state"] in ("done", "failed", "cancelled"):
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def test_an_object_shown_by_its_mask_is_followed(client, clip):
    lower = np.zeros((1, 40, 64), bool)
    lower[:, 20:] = True
    mask = Masks.from_dense(lower).to_rle()[0]
    shown = [{"frame": 0, "id": 3, "word": "floor", "mask": mask}]
    query = {"video": put_video(client, clip), "shown": shown}
    job = wait_for(client, client.post("/v1/track", json=query).json()["job"])
    lines = client.get(f"/v1/jobs/{job['job']}/files/video.tracks.jsonl").text.splitlines()
    regions = [json.loads(line)["regions"] for line in lines]
    assert [(row["track"], row["label"]) for (row,) in regions] == [(3, "floor")] * 6


def test_a_mask_of_another_size_is_refused(client, clip):
    mask = Masks.from_dense(np.ones((1, 5, 5), bool)).to_rle()[0]
    query = {"video": put_video(client, clip), "shown": [{"frame": 0, "mask": mask}]}
    answer = client.post("/v1/track", json=query)
    assert answer.status_code == 422
    assert answer.json()["field"] == "shown"


def test_a_video_is_followed_and_its_files_come_back(client, clip):
    answer = client.put("/v1/videos", content=clip).json()
    assert answer["size"] == [40, 64]
    query = {"video": answer["video"], "words": ["blue"], "format": ["jsonl", "overlay", "sheet"]}
    started = client.post("/v1/track", json=query)
    assert started.status_code == 202
    job = wait_for(client, started.json()["job"])
    assert (job["state"], job["count"], job["total"]) == ("done", 6, 6)
    assert "video.tracks.jsonl" in job["files"]
    place = f"{started.headers['location']}/files"
    lines = client.get(f"{place}/video.tracks.jsonl").text.splitlines()
    first = json.loads(lines[0])
    assert len(lines) == 6
    assert first["image"] == "video#0"
    assert "/tmp" not in "".join(lines)
    film = client.get(f"{place}/video.tracks.mp4")
    assert film.headers["content-type"] == "video/mp4"
    assert film.content[4:8] == b"ftyp"


def test_an_object_may_be_shown(client, clip):
    shown = [{"frame": 0, "points": [[32, 30]], "word": "lake"}]
    query = {"video": put_video(client, clip), "shown": shown}
    job = wait_for(client, client.post("/v1/track", json=query).json()["job"])
    lines = client.get(f"/v1/jobs/{job['job']}/files/video.tracks.jsonl").text.splitlines()
    assert json.loads(lines[0])["regions"][0]["label"] == "lake"


def test_progress_comes_as_events_and_the_last_one_ends(client, clip):
    query = {"video": put_video(client, clip), "words": ["blue"]}
    id = client.post("/v1/track", json=query).json()["job"]
    with client.stream("GET", f"/v1/jobs/{id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        text = "".join(stream.iter_text())
    events = [block.split("\n") for block in text.strip().split("\n\n")]
    assert events[-1][0] == "event: end"
    assert json.loads(events[-1][1].removeprefix("data: "))["state"] == "done"


def test_words_in_many_pictures_become_one_file(client, tmp_path):
    ids = [send(client, lawn_png((120, 160 + k))) for k in range(3)]
    names = ["a.png", "b.png", "c.png"]
    query = {"pictures": ids, "names": names, "words": ["red", "blue"], "format": ["coco"]}
    job = wait_for(client, client.post("/v1/batch", json=query).json()["job"])
    assert (job["state"], job["count"]) == ("done", 3)
    path = tmp_path / "result.coco.json"
    path.write_bytes(client.get(f"/v1/jobs/{job['job']}/files/result.coco.json").content)
    items = formats.load_named(path)
    assert [item.name for item in items] == names
    assert all(sorted(item.result.names) == ["blue", "red"] for item in items)


@pytest.mark.parametrize(
    ("path", "query", "status", "field"),
    [
        ("/v1/track", {"video": NOWHERE, "words": ["a"]}, 404, "video"),
        ("/v1/track", {"video": "../../etc/passwd", "words": ["a"]}, 422, "video"),
        ("/v1/track", {"words": ["a"]}, 422, "video"),
        ("/v1/batch", {"pictures": [NOWHERE], "words": ["a"]}, 404, "picture"),
        ("/v1/batch", {"pictures": [], "words": ["a"]}, 422, "pictures"),
        ("/v1/batch", {"pictures": [NOWHERE], "words": []}, 422, "words"),
        ("/v1/batch", {"pictures": [NOWHERE], "names": ["a", "b"], "words": ["a"]}, 422, "names"),
    ],
)
def test_wrong_jobs_are_refused_at_once(client, path, query, status, field):
    answer = client.post(path, json=query)
    assert answer.status_code == status, answer.text
    assert answer.json()["field"] == field


def test_options_and_words_of_a_job_are_checked(client, clip):
    video = put_video(client, clip)
    for more, field in (
        ({"words": ["a"], "options": {"look_every": -1}}, "options.look_every"),
        ({"words": []}, "words"),
        ({"words": ["a"], "format": ["exe"]}, "format.0"),
        ({"shown": [{"frame": 0}]}, "shown"),
    ):
        answer = client.post("/v1/track", json={"video": video, **more})
        assert answer.status_code == 422, answer.text
        assert answer.json()["field"].startswith(field)


@pytest.mark.parametrize(
    "data", [b"no video", b"#EXTM3U\nfile:///etc/passwd", lawn_png()], ids=["text", "list", "png"]
)
def test_what_is_no_video_is_refused_without_telling_where_it_lay(client, data):
    answer = client.put("/v1/videos", content=data)
    assert answer.status_code == 422
    assert answer.json()["field"] == "video"
    assert "/" not in answer.json()["detail"].replace("and/or", "")


def test_long_and_large_videos_are_refused(clip):
    with open_client(max_video_s=0.1) as client:
        long = client.put("/v1/videos", content=clip)
    with open_client(max_video_bytes="100B") as client:
        large = client.put("/v1/videos", content=clip)
    assert long.status_code == large.status_code == 413
    assert long.json()["limit"] == "max_video_s"
    assert large.json()["limit"] == "max_video_bytes"


def test_jobs_that_are_not_there_and_files_that_are_no_jobs(client, clip):
    assert client.get("/v1/jobs/nothing").status_code == 404
    query = {"video": put_video(client, clip), "words": ["blue"]}
    id = client.post("/v1/track", json=query).json()["job"]
    wait_for(client, id)
    for name in ("../video.mp4", "%2e%2e/%2e%2e/videos", "/etc/passwd", "x", ".hidden", "a%00"):
        assert client.get(f"/v1/jobs/{id}/files/{name}").status_code == 404
    assert id in [job["job"] for job in client.get("/v1/jobs").json()["jobs"]]
    folder = client.app.state.service.jobs.folder
    assert client.delete(f"/v1/jobs/{id}").status_code == 204
    assert client.get(f"/v1/jobs/{id}").status_code == 404
    assert not (folder / "jobs" / id).exists()


def test_examples_name_every_field_they_need():
    for chore in CHORES:
        chore.query.model_validate_json(json.dumps(chore.example))


def test_files_are_gone_when_the_server_stops():
    with open_client() as client:
        folder = client.app.state.service.jobs.folder
        assert folder.is_dir()
    assert not folder.exists()


# ---- the book itself


def count_up(seconds=0.0, until=1000):
    def start(folder):
        for number in range(until):
            time.sleep(seconds)
            (folder / "n.txt").write_text(str(number))
            yield JobStep(number + 1, until)

    return start


@pytest.fixture
def book():
    lane = Lane(1, 4)
    book = JobBook(lane, most=2, kept_s=0.3)
    yield book
    book.close()
    lane.close()


def wait_until(true, seconds=10):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_job_is_stopped_between_two_steps_and_the_next_one_starts(book):
    first, second = book.add("count", count_up(0.01)), book.add("count", count_up(until=3))
    with pytest.raises(RefusalError) as refused:
        book.add("count", count_up())
    assert refused.value.status == 503
    wait_until(lambda: first.count > 2)
    assert first.files == {}
    book.remove(first)
    wait_until(lambda: second.state == "done")
    assert first.state == "cancelled"
    assert not first.folder.exists()
    assert list(second.files) == ["n.txt"]


def test_an_old_job_is_forgotten_with_its_files(book):
    job = book.add("count", count_up(until=1))
    wait_until(lambda: job.state == "done")
    time.sleep(0.4)
    with pytest.raises(RefusalError):
        book.find(job.id)
    assert not job.folder.exists()


def test_a_job_that_fails_says_why_and_a_bug_says_nothing(book):
    def fail(folder):
        yield JobStep(1, 2)
        raise KeyError("/home/secret")

    job = book.add("fail", fail)
    wait_until(lambda: job.state == "failed")
    assert job.problem["status"] == 500
    assert "secret" not in json.dumps(job.describe())


def test_clicks_go_between_the_steps_of_a_job(book):
    job = book.add("count", count_up(0.02, until=50))
    wait_until(lambda: job.count > 1)
    before = job.count
    assert book._lane.submit(lambda: "click", 0, 10).result(10) == "click"
    assert job.count - before < 20


def test_a_book_holds_what_a_job_needs_no_longer_than_the_job(book):
    """Pictures and videos that a job brought would stay in memory for an hour."""

    class Brought:
        pass

    def add(fails: bool):
        brought = Brought()

        def start(folder, held=brought):
            yield JobStep(1, 1)
            if fails:
                raise KeyError(held)

        return book.add("hold", start), weakref.ref(brought)

    for fails in (False, True):
        job, held = add(fails)
        wait_until(lambda job=job: job.state in ("done", "failed"))
        wait_until(lambda held=held: gc.collect() >= 0 and held() is None)


def test_a_video_stays_as_long_as_somebody_holds_it(clip, tmp_path):
    store = VideoStore(tmp_path / "videos", ServeOptions(max_jobs=1))

    def add(id):
        (tmp_path / "part").write_bytes(clip)
        return store.add(tmp_path / "part", id)

    waiting = add("a" * 64)
    for letter in "bcd":
        add(letter * 64)
    with pytest.raises(RefusalError):
        store.find("a" * 64)
    path = waiting.path
    assert path.read_bytes() == clip
    del waiting
    assert not path.parent.exists()
    assert len(list((tmp_path / "videos").iterdir())) == 2


def test_a_batch_holds_no_picture_that_it_has_looked_at(client):
    service = client.app.state.service
    ids = [send(client, lawn_png((50, 60 + k))) for k in range(3)]
    query = BatchQuery(pictures=tuple(ids), words=("red",))
    first = weakref.ref(service.store.find(ids[0]))
    steps = batch(query, service)(service.jobs.folder)
    next(steps), next(steps)
    service.store.trim(0)
    gc.collect()
    assert first() is None
