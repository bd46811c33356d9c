"""Frame after frame: follow what is known, look for words now and then, take what is shown."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.protocols import Memory
from wordmask.core.result import UNNAMED, Absent, Result, Why
from wordmask.errors import ImageError, PromptError
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import SegmentOptions
from wordmask.tasks.tracking.association import Regions, associate
from wordmask.tasks.tracking.cuts import CutDetector
from wordmask.tasks.tracking.followers import Follower
from wordmask.tasks.tracking.options import TrackOptions
from wordmask.tasks.tracking.pointing import FramePrompt, join_prompts, mask_of
from wordmask.tasks.tracking.sight import Sight
from wordmask.tasks.tracking.tracks import Standings, Track, Tracks

# What words found is given up after so many looks that missed it, below this confidence.
DOUBTS, CLEAR = 2, 0.8
UNCONFIRMED = 10  # frames for which what no look confirmed stays away, where looks have no rhythm
MADE_BY, SHOWN, NAMED = "track", "shown", "words"  # in `Result.why`


@dataclass(frozen=True)
class Looks:
    """What words are looked for, and how."""

    text: Text | None
    segmenting: SegmentOptions


class LiveTracker:
    """Follows objects through frames that come one by one, in memory that does not grow.

    Each object is remembered by itself: what is shown, corrected or forgotten later leaves the
    others as they are.
    """

    def __init__(
        self, models: Models, follower: Follower, looks: Looks, options: TrackOptions
    ) -> None:
        self._models, self._follower = models, follower
        self._looks, self._options = looks, options
        self._tracks = Tracks()
        self._cuts = CutDetector()
        self._sight: Sight | None = None
        self._words = list(looks.text.names) if looks.text is not None else []
        self._missed: dict[str, Absent] = {}  # at the last look
        self._needed = 0.0  # the score that words were held to there
        self._found: set[int] = set()  # words that have been found
        self.frames = 0  # that were followed
        self.trace = Trace()

    @property
    def ids(self) -> tuple[int, ...]:
        """Those that are followed, whether they are in the frame or not."""
        return tuple(track.id for track in self._tracks.all)

    @property
    def nbytes(self) -> int:
        """What all objects' memories take."""
        return sum(track.memory.nbytes for track in self._tracks.all)

    @property
    def view(self) -> View:
        """The last frame with its encodings."""
        return self._last_sight().view

    def memory_of(self, id: int) -> Memory:
        """What is remembered of an object, as its follower keeps it."""
        track = self._tracks.get(id)
        if track is None:
            raise PromptError(f"there is no object {id}")
        return track.memory

    def reserve(self, ids: Iterable[int]) -> None:
        """Keep these ids for objects that will be shown; what words find gets others."""
        self._tracks.reserve(ids)

    def step(self, frame: Image, prompts: Sequence[FramePrompt] = ()) -> Result:
        """The objects in the next frame, with those that are shown in it."""
        sight = self._look_at(frame)
        before = self._tracks.all
        memories = [track.memory for track in before]
        self._tracks.advance(self._follower.step(memories, sight), frame.size)
        back = self._find_returned(before)
        if back or self._is_time_to_look(sight):
            confirmed = self._look_for_words(sight)
            self._put_away([track for track in back if track.id not in confirmed])
        self._tracks.give_up(self._options.forget_after)
        self.frames += 1
        return self.show(prompts) if prompts else self._result(sight)

    def prompt(
        self,
        points: Sequence[Sequence[float]] = (),
        box: Sequence[float] | None = None,
        mask: Array | None = None,
        *,
        id: int | None = None,
        word: str = "",
    ) -> Result:
        """Show an object in the last frame, or with its `id` correct one; the frame's new result.

        Points are (x, y) or (x, y, keep), the box is x0, y0, x1, y1, the mask (H, W) bool.
        """
        frame = max(0, self.frames - 1)
        shown = FramePrompt.of(frame, points, box, mask, id=id, word=word)
        return self.show([shown])

    def show(self, prompts: Sequence[FramePrompt]) -> Result:
        """The same for several objects of the last frame."""
        sight = self._last_sight()
        for prompt in join_prompts(list(prompts)):
            known = None if prompt.id is None else self._tracks.get(prompt.id)
            if known is not None and not known.is_here and prompt.only_takes_away:
                continue  # there is nothing left to take away from
            was = None if known is None else known.mask.one(0)
            mask = mask_of(prompt, sight.view, was)
            if not mask.any():
                raise PromptError(
                    f"nothing is cut out by what was shown in frame {prompt.frame}; "
                    "click in its middle, or draw a box around it"
                )
            self._take(sight, mask, known, prompt)
        return self._result(sight)

    @property
    def standings(self) -> Standings:
        """How all objects stand after this frame, for a run that goes on from here."""
        return Standings(tuple(track.standing for track in self._tracks.all), self._needed)

    def restore(
        self, frame: Image, result: Result, standings: Standings, ids: Container[int]
    ) -> None:
        """Take a frame's objects as they were found before; for a run that goes on where it ended.

        Those of `ids` are remembered as they are in this frame, the others only counted. What no
        longer stands was given up.
        """
        here = [] if result.track_ids is None else result.track_ids.tolist()
        if len(here) < len(result):
            raise PromptError("the regions have no ids; only what a tracker gave can be gone on")
        sight = self._look_at(frame)
        for row, id in enumerate(here):
            if id in ids:
                self._restore_object(sight, result, row, id)
        self._tracks.stand(standings.objects, set(here))
        self._missed = {absent.phrase: absent for absent in result.absent}
        self._needed = standings.needed
        self.frames += 1

    def _restore_object(self, sight: Sight, result: Result, row: int, id: int) -> None:
        label, mask = int(result.label_ids[row]), result.masks[row]
        if label != UNNAMED:
            label = self._label_id(result.vocabulary[label])
            self._found.add(label)
        known = self._tracks.get(id)
        memory = self._follower.remember(sight, mask.one(0), known.memory if known else None)
        vectors = None if self._looks.text is None else sight.vectors(mask)
        vector = None if vectors is None else vectors[0]
        is_shown = result.why is not None and result.why[row].prompt == SHOWN
        score = float(result.scores[row])
        self._tracks.store(Track(id, memory, mask, score, label, vector, is_shown=is_shown))

    def forget(self, id: int) -> None:
        """Follow this object no longer; the others do not notice."""
        self._tracks.forget(id)

    # ---- frames

    def _look_at(self, frame: Image) -> Sight:
        last = self._sight
        if last is not None and last.view.image.size != frame.size:
            raise ImageError(
                f"frame {self.frames} is {frame.size}, the ones before are "
                f"{last.view.image.size} (height, width); one video has frames of one size"
            )
        view = View(frame, self._models, self.trace)
        is_cut = self._cuts.sees_cut(frame)
        sight = Sight(view, self._looks.text, self._looks.segmenting, is_cut=is_cut)
        self._sight = sight
        return sight

    def _last_sight(self) -> Sight:
        if self._sight is None:
            raise PromptError("there is no frame yet to show an object in; call step first")
        return self._sight

    # ---- words

    def _is_time_to_look(self, sight: Sight) -> bool:
        text, every = self._looks.text, self._options.look_every
        if text is None:
            return False
        if self._options.until_found and self._found.issuperset(range(len(text.names))):
            return False
        return self.frames == 0 or sight.is_cut or (every > 0 and self.frames % every == 0)

    def _find_returned(self, before: Sequence[Track]) -> list[Track]:
        """What words had found and what is back after an absence, as it was: a look must confirm
        it, because a tracker finds what looks alike. What no look confirmed stays away for a while.
        """
        if self._looks.text is None or self._options.until_found:
            return []
        back = []
        for was in before:
            now = self._tracks.get(was.id)
            if now is None or was.is_shown or was.is_here or not now.is_here:
                continue
            if self.frames < was.quiet_until:
                self._tracks.store(replace(was, missing=was.missing + 1))
            else:
                back.append(was)
        return back

    def _put_away(self, tracks: Sequence[Track]) -> None:
        """Objects whose return was none."""
        until = self.frames + (self._options.look_every or UNCONFIRMED)
        for was in tracks:
            if self._tracks.get(was.id) is not None:
                away = replace(was, missing=was.missing + 1, quiet_until=until)
                self._tracks.store(away)

    def _look_for_words(self, sight: Sight) -> set[int]:
        """Pair what the words find with the objects; the rest is new, or nothing.

        The ids of the objects that were found.
        """
        found = sight.regions
        self._missed = {absent.phrase: absent for absent in found.absent}
        if self.trace.threshold is not None:
            self._needed = self.trace.threshold.score
        vectors = sight.vectors(found.masks) if len(found) else None
        rows = Regions(found.masks, found.label_ids, vectors)
        matched: dict[int, int] = {}
        before = self._tracks.all
        if before:
            matched = self._pair(sight, rows) if len(found) else matched
            self._drop_doubtful(before)
        for row in range(len(found)):
            if row not in matched and self._may_be_born(found, row):
                self._bear(sight, found, row, None if vectors is None else vectors[row])
        self._found |= set(found.label_ids.tolist())
        return set(matched.values())

    def _pair(self, sight: Sight, found: Regions) -> dict[int, int]:
        """Row -> id, of the rows that are objects we know: they become sure, or are back."""
        tracks = self._tracks.all
        known, columns = associate(self._tracks.regions(), found, is_cut=sight.is_cut)
        for row, column in zip(known.tolist(), columns.tolist(), strict=True):
            track = tracks[row]
            vector = track.vector if found.vectors is None else found.vectors[column]
            track = replace(track, is_sure=True, doubts=0, vector=vector)
            if not track.is_here:
                mask = found.masks.one(column)
                memory = self._follower.remember(sight, mask, track.memory)
                track = replace(track, memory=memory, mask=found.masks[column], missing=0)
            self._tracks.store(track)
        ids = [tracks[row].id for row in known.tolist()]
        return dict(zip(columns.tolist(), ids, strict=True))

    def _drop_doubtful(self, before: Sequence[Track]) -> None:
        """Give up what this look has not found again, if only one look ever has, or if it is
        followed badly and the look before missed it too."""
        for was in before:
            track = self._tracks.get(was.id)
            if track is not was or was.is_shown:
                continue  # paired just now, or a person's
            doubts = was.doubts + was.is_here
            if not was.is_sure or (doubts >= DOUBTS and was.score < CLEAR):
                self._tracks.forget(was.id)
            else:
                self._tracks.store(replace(was, doubts=doubts))

    def _may_be_born(self, found: Result, row: int) -> bool:
        options, tracks = self._options, self._tracks.all
        label = int(found.label_ids[row])
        if options.until_found and label in self._found:
            return False
        if len(tracks) >= options.max_objects:
            return False
        here = [track for track in tracks if track.is_here]
        has_one = any(track.label_id == label for track in here)
        if has_one and found.scores[row] < options.birth_confidence:
            return False
        if not here:
            return True
        overlap = found.masks[row].iou(Masks.concatenate([track.mask for track in here]))
        return bool(overlap.max() <= options.birth_overlap)

    def _bear(self, sight: Sight, found: Result, row: int, vector: Array | None) -> None:
        memory = self._follower.remember(sight, found.masks.one(row))
        is_sure = self.frames == 0 or self._options.look_every == 0
        self._tracks.store(
            Track(
                self._tracks.new_id(),
                memory,
                found.masks[row],
                float(found.scores[row]),
                int(found.label_ids[row]),
                vector,
                is_sure=is_sure,
            )
        )

    # ---- what is shown

    def _take(self, sight: Sight, mask: Array, known: Track | None, prompt: FramePrompt) -> None:
        memory = None if known is None else known.memory
        memory = self._follower.remember(sight, mask, memory)
        label = UNNAMED if known is None else known.label_id
        if prompt.word:
            label = self._label_id(prompt.word)
        id = prompt.id if prompt.id is not None else self._tracks.new_id()
        one = Masks.from_dense(mask)
        vector = None if known is None else known.vector
        self._tracks.store(Track(id, memory, one, 1.0, label, vector, is_shown=True))

    def _label_id(self, word: str) -> int:
        if word not in self._words:
            self._words.append(word)
        return self._words.index(word)

    # ---- results

    def _result(self, sight: Sight) -> Result:
        """The objects that are in the frame; words without one are absent."""
        tracks = [track for track in self._tracks.all if track.is_here]
        here = {track.label_id for track in tracks}
        names = [] if self._looks.text is None else self._looks.text.names
        absent = [self._absent(name) for label, name in enumerate(names) if label not in here]
        size = sight.view.image.size
        masks = [track.mask for track in tracks]
        return Result.of(
            Masks.concatenate(masks) if masks else Masks.empty(size),
            self._words,
            scores=[track.score for track in tracks],
            label_ids=np.array([track.label_id for track in tracks], np.int32),
            track_ids=np.array([track.id for track in tracks], np.int64),
            why=tuple(Why(SHOWN if t.is_shown else NAMED, made_by=MADE_BY) for t in tracks),
            made_by=self._models.made_by,
            absent=tuple(absent),
        )

    def _absent(self, name: str) -> Absent:
        """As the last look at the words has it; 0 for what was found there and has gone since."""
        return self._missed.get(name, Absent(name, 0.0, self._needed))
