"""The backend for Label Studio's smart tools and pre-annotations, under /ls.

`config` reads the names in a project's labelling interface, `asking` what its annotator shows,
`pictures` fetches what the tasks are about, `routes` speaks the protocol of its ML backends.
"""
