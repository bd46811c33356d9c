"""From names and files to finished answers, for every door.

A job finds its items (pictures now; frames, volumes and batches of an index later), goes through
them in the one loop of `loop.py`, and writes by the one rule of `outputs.py`. It knows no flag and
no HTTP. Each job is a function that checks what it was given, loads the engines, and returns an
iterator of `Event`s; the work is done as the events are taken. To cancel a job between two items,
stop taking events: what is done stays done, and the same job goes on from there.

    for event in segment(["holiday/"], ["cat"], SegmentOptions(), PictureSetup(model="mini")):
        if stop.is_set():
            break
        if event.kind == "made":
            print(event.item, event.answer.result.names)
"""
