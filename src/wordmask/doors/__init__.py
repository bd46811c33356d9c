"""Where people and programs come in: the command line, Python, later the server."""
