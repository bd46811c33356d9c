"""The HTTP door: words, clicks and boxes in, masks out, for many people at a time.

`app.make_app` builds it, `run.serve` runs it. A request goes through `guard` (may this client
ask?), `bodies` and `queries` (what does it ask?), a `lane` (when is it its turn?), a task, and
`answers` (in which form?). Whatever goes wrong becomes a `problems.RefusalError`.
"""
